"""Heatmaps to joints, top-down: find each joint's peak, score the person, drop near-duplicates.

The evaluation of SBL and HRNet (Xiao et al., ECCV 2018; Sun et al., CVPR 2019), step by step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from robustpose.pose.crop import SCALE_UNIT
from robustpose.pose.oks import suppress_alike
from robustpose.pose.types import Floats

JOINT_THRESHOLD = 0.2  # a joint counts towards the person's score above it
OKS_THRESHOLD = 0.9  # two poses more alike than this are one


def unmirror_heatmaps(heatmaps: Floats, flip_order: Sequence[int], shift: bool = True) -> Floats:
    """Return what the heatmaps (N, K, h, w) of mirrored crops say of the crops themselves.

    Heatmaps are mirrored back, left and right joints exchanged, and, with `shift`, moved right by one pixel (column 0
    keeps its value), because the network's grid is not symmetric about the crop's centre. `flip_order` (K,) says which
    joint each becomes in the mirror.

    At a stride of s that is 1/s of a heatmap pixel too far: a joint of the mirrored crop ends up one input pixel too
    far to the right, and the mean with the crop itself half an input pixel.
    """
    back = heatmaps[:, list(flip_order), :, ::-1]
    if not shift:
        return back
    aligned = back.copy()
    aligned[..., 1:] = back[..., :-1]
    return aligned


def find_peaks(heatmaps: Floats) -> tuple[npt.NDArray[np.integer], Floats]:
    """Return the peaks (N, K, 2), px, and their values (N, K), of heatmaps (N, K, h, w).

    The first of several equal values is the peak; (0, 0) if it is not positive.
    """
    n_people, n_joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(n_people, n_joints, height * width)
    peak = flat.argmax(-1)
    confidence = np.take_along_axis(flat, peak[..., None], -1)[..., 0]
    found = confidence > 0
    return np.stack([np.where(found, peak % width, 0), np.where(found, peak // width, 0)], axis=-1), confidence


def decode_heatmaps(heatmaps: Floats) -> tuple[Floats, Floats]:
    """Return the joints' positions (N, K, 2) in heatmap px and confidences (N, K), of heatmaps (N, K, h, w).

    A joint is at the heatmap's peak, whose value is its confidence; at (0, 0) if that is not positive. Peaks off the
    border move a quarter pixel towards the larger neighbour, on each axis.
    """
    height, width = heatmaps.shape[2:]
    peak_xy, confidence = find_peaks(heatmaps)
    x, y = peak_xy[..., 0], peak_xy[..., 1]
    inner = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    people, joints = np.nonzero(inner)
    peak_x, peak_y = x[inner], y[inner]
    map_xy = peak_xy.astype(np.float64)
    right_left = heatmaps[people, joints, peak_y, peak_x + 1] - heatmaps[people, joints, peak_y, peak_x - 1]
    down_up = heatmaps[people, joints, peak_y + 1, peak_x] - heatmaps[people, joints, peak_y - 1, peak_x]
    map_xy[people, joints, 0] += 0.25 * np.sign(right_left)
    map_xy[people, joints, 1] += 0.25 * np.sign(down_up)
    return map_xy, confidence


def score_people(confidence: Floats, box_scores: Floats) -> Floats:
    """Return scores (N,): the mean of the joints' confidences (N, K) above 0.2, or 0, times the box scores (N,)."""
    counted = confidence > JOINT_THRESHOLD
    total = np.where(counted, confidence, 0).sum(-1, dtype=np.float64)
    return total / np.maximum(counted.sum(-1), 1) * box_scores


def suppress_duplicates(xy: Floats, scores: Floats, scales: Floats, sigmas: Sequence[float]) -> list[int]:
    """Return the indices of the people of one image to keep, best first.

    Joints are (N, K, 2) px, scores (N,), and `sigmas` K OKS constants. The area of a person's crop, whose scales are
    (N, 2), stands for the person's.
    """
    return suppress_alike(xy, scores, (scales * SCALE_UNIT).prod(-1), sigmas, OKS_THRESHOLD)
