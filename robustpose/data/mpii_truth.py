"""MPII's truth for its metric: gt_valid.mat, a MATLAB file that counts pixels from 1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from robustpose.errors import UserError
from robustpose.pose.protocols import Mask
from robustpose.pose.skeletons import MPII
from robustpose.pose.types import Floats

HEAD_SHARE = 0.6  # of the head box's diagonal: the head size
# What the file calls the joints.
MAT_NAMES = {
    "rank": "right_ankle", "rkne": "right_knee", "rhip": "right_hip", "lhip": "left_hip", "lkne": "left_knee",
    "lank": "left_ankle", "pelv": "pelvis", "thor": "thorax", "neck": "upper_neck", "head": "head_top",
    "rwri": "right_wrist", "relb": "right_elbow", "rsho": "right_shoulder", "lsho": "left_shoulder",
    "lelb": "left_elbow", "lwri": "left_wrist",
}  # fmt: skip


def read_truth_file(path: Path) -> tuple[Floats, Mask, Floats]:
    """Return what `read_truth` makes of a gt_valid.mat; UserError where it cannot be read, or is another file."""
    try:
        content = scipy.io.loadmat(path)
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"cannot read {path}: {reason}") from error
    return read_truth(content)


def read_truth(truth: Mapping[str, Any]) -> tuple[Floats, Mask, Floats]:
    """Return what `robustpose.metrics.pckh.pckh` compares poses with.

    Args:
        truth: the arrays of gt_valid.mat: `pos_gt_src` (16, 2, N) px, 1-based, `jnt_missing` (16, N),
            `headboxes_src` (2, 2, N): corner, axis, person; `dataset_joints` too, if the joints are in another order.

    Returns:
        Joints (N, 16, 2) px, 1-based; whether each is visible (N, 16); head sizes (N,) px.
    """
    missing = [key for key in ("pos_gt_src", "jnt_missing", "headboxes_src") if key not in truth]
    if missing:
        raise UserError(f"MPII's truth lacks {', '.join(missing)}: expected the arrays of gt_valid.mat")
    positions, absent, boxes = (np.asarray(truth[key], float) for key in ("pos_gt_src", "jnt_missing", "headboxes_src"))
    n_people = positions.shape[-1]
    for name, array, shape in (
        ("pos_gt_src", positions, (16, 2, n_people)),
        ("jnt_missing", absent, (16, n_people)),
        ("headboxes_src", boxes, (2, 2, n_people)),
    ):
        if array.shape != shape:
            raise UserError(f"{name} of MPII's truth must be {shape}, got {array.shape}")
    order = _joint_order(truth.get("dataset_joints", truth.get("joints")))
    head_sizes = HEAD_SHARE * np.linalg.norm(boxes[1] - boxes[0], axis=0)
    return positions[order].transpose(2, 0, 1), absent[order].T == 0, head_sizes


def _joint_order(names: Any) -> list[int]:
    """Return the index in the file of each of MPII's joints."""
    if names is None:
        return list(range(16))
    words = [str(np.asarray(name).ravel()[0]) for name in np.asarray(names).ravel()]
    found = [MAT_NAMES.get(word, word) for word in words]
    if sorted(found) != sorted(MPII.joints):
        raise UserError(f"MPII's truth must have the joints {', '.join(MAT_NAMES)}, got {', '.join(words)}")
    return [found.index(joint) for joint in MPII.joints]
