"""SimCC: a joint as two classifications, of its column and of its row, in bins narrower than a pixel.

Li et al., SimCC: a simple coordinate classification perspective for human pose estimation, ECCV 2022; as RTMPose is
evaluated (Jiang et al., 2023). The bin of crop position x is x·r, with the split ratio r, bins per pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from robustpose.pose.types import Floats


def unmirror_simcc(
    x_bins: Floats, y_bins: Floats, flip_order: Sequence[int], split_ratio: float
) -> tuple[Floats, Floats]:
    """Return what the bins (N, K, r·w) and (N, K, r·h) of mirrored crops say of the crops themselves.

    Left and right joints are exchanged (`flip_order`, (K,)) and columns mirrored back. A joint at x is at w - 1 - x in
    the mirror, so that its bin x·r comes back as x·r + r - 1: columns move left by r - 1 bins, between two bins where
    that is no whole number, and the outermost keep their values. RTMPose's program (MMPose) leaves that out, which
    costs it (r - 1)/(2·r) px.
    """
    back = x_bins[:, list(flip_order), ::-1]
    part, whole = math.modf(split_ratio - 1)
    aligned = _move_left(back, int(whole))
    if part:
        aligned = aligned * (1 - part) + _move_left(back, int(whole) + 1) * part
    return aligned, y_bins[:, list(flip_order)]


def _move_left(bins: Floats, shift: int) -> Floats:
    moved = bins.copy()
    if shift:
        moved[..., :-shift] = bins[..., shift:]
    return moved


def decode_simcc(x_bins: Floats, y_bins: Floats, split_ratio: float) -> tuple[Floats, Floats]:
    """Return the joints' positions (N, K, 2) in crop px and confidences (N, K), of bins (N, K, r·w) and (N, K, r·h).

    A joint is at the largest bin of each axis; its confidence is the smaller of both values. It is at (0, 0) if that
    is not positive: a joint that was not found, also of networks whose bins are logits.
    """
    bins = np.stack([x_bins.argmax(-1), y_bins.argmax(-1)], axis=-1)  # (N, K, 2)
    confidence = np.minimum(x_bins.max(-1), y_bins.max(-1))
    return np.where((confidence > 0)[..., None], bins, 0) / split_ratio, confidence
