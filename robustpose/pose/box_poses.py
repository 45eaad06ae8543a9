"""Detections: boxes that a detector found, as poses of two joints, so that whatever takes poses takes them, too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, ImageId, Poses

# Two corners. Nobody scores them by OKS: their sigmas say nothing.
BOX = Skeleton("box", ("top_left_corner", "bottom_right_corner"), ((0, 1),), (1.0, 1.0), "unused", flip_pairs=())


def as_poses(
    image_id: ImageId, boxes: Floats, scores: Floats, categories: npt.NDArray[np.integer] | None = None
) -> Poses:
    """Return boxes (N, 4) xyxy px that were found in an image, with scores (N,), as poses of `BOX`.

    >>> found = as_poses("street", np.array([[8.0, 4.0, 40.0, 44.0]]), np.array([0.9]))
    >>> as_boxes(found)
    array([[ 8.,  4., 40., 44.]])
    """
    corners = np.asarray(boxes, float).reshape(-1, 2, 2)
    return Poses(image_id, corners, np.repeat(scores[:, None], 2, axis=1), scores, categories=categories)


def as_boxes(detections: Poses) -> Floats:
    """Return the boxes (N, 4) xyxy px of poses of `BOX`."""
    return detections.xy.reshape(-1, 4)
