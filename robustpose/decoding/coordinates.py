"""Coordinates to joints, top-down: a network gives each joint's position in the crop, and perhaps how sure it is."""

from __future__ import annotations

import numpy as np

from robustpose.pose.types import Floats


def decode_coordinates(points: Floats, y_first: bool, units_wh: tuple[float, float]) -> Floats:
    """Return positions (N, K, 2), x y in 0..1 of the crop from edge to edge, of points (N, K, 2 or 3).

    `units_wh` is how many units of the points the crop is wide and high: 1 and 1, or its px. With `y_first`, points are
    y x instead of x y.
    """
    xy = points[:, :, 1::-1] if y_first else points[:, :, :2]
    return np.asarray(xy, np.float64) / np.array(units_wh)


def unmirror_coordinates(fractions: Floats, flip_order: tuple[int, ...]) -> Floats:
    """Return what positions (N, K, 2) in mirrored crops, in 0..1, say of the crops themselves.

    `flip_order` (K,) says which joint each becomes in the mirror.
    """
    back = fractions[:, list(flip_order)]
    return np.stack([1 - back[..., 0], back[..., 1]], axis=-1)


def score_all_joints(confidence: Floats, box_scores: Floats) -> Floats:
    """Return scores (N,): the mean of all joints' confidences (N, K), times the box scores (N,)."""
    return np.asarray(confidence.mean(-1, dtype=np.float64) * box_scores)
