"""PCKh: MPII's metric, PCK by head size (Andriluka et al., CVPR 2014), as the published pose programs compute it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.metrics.pck import PCK, share_within
from robustpose.pose.skeletons import MPII, Skeleton
from robustpose.pose.types import Floats

HEAD_SHARE = 0.6  # of the head box's diagonal: the head size
THRESHOLD = 0.5
PUBLISHED_THRESHOLD_OF_01 = 0.11  # what published programs call Mean@0.1 reads the threshold after 0.1
# What the columns are means of; in the order of published tables.
COLUMNS = {
    "Head": ("head_top",),
    "Shoulder": ("left_shoulder", "right_shoulder"),
    "Elbow": ("left_elbow", "right_elbow"),
    "Wrist": ("left_wrist", "right_wrist"),
    "Hip": ("left_hip", "right_hip"),
    "Knee": ("left_knee", "right_knee"),
    "Ankle": ("left_ankle", "right_ankle"),
}
NOT_IN_MEAN = ("pelvis", "thorax")
JOINTS_IN_MEAN = np.array([joint not in NOT_IN_MEAN for joint in MPII.joints])
# What gt_valid.mat calls the joints.
MAT_NAMES = {
    "rank": "right_ankle", "rkne": "right_knee", "rhip": "right_hip", "lhip": "left_hip", "lkne": "left_knee",
    "lank": "left_ankle", "pelv": "pelvis", "thor": "thorax", "neck": "upper_neck", "head": "head_top",
    "rwri": "right_wrist", "relb": "right_elbow", "rsho": "right_shoulder", "lsho": "left_shoulder",
    "lelb": "left_elbow", "lwri": "left_wrist",
}  # fmt: skip


class PCKh(PCK):
    """Collect MPII's joints image by image, then compute PCKh@0.5 and its columns."""

    primary = "PCKh"

    def __init__(self, skeleton: Skeleton) -> None:
        if skeleton.joints != MPII.joints:
            raise UserError(
                f"pckh is of MPII's 16 joints, but skeleton '{skeleton.name}' has {skeleton.n_joints} joints: "
                "use --metric pck:head_size@0.5, which takes any"
            )
        super().__init__(skeleton, "head_size", THRESHOLD)

    def compute(self) -> dict[str, float]:
        """Return PCKh and the columns of `pckh`, 0..1; -1 where no joint is annotated."""
        if not sum(int(visible.sum()) for visible in self._visible):
            return {"PCKh": -1.0}
        columns = _columns(np.concatenate(self._distances), np.concatenate(self._visible))
        return {"PCKh": columns["Mean"], **columns}

    def _joints_in_mean(self) -> npt.NDArray[np.bool_]:
        return JOINTS_IN_MEAN


def make(skeleton: Skeleton) -> PCKh:
    """Return the metric for MPII's skeleton."""
    return PCKh(skeleton)


def pckh(xy: Floats, truth: Mapping[str, Any]) -> dict[str, float]:
    """Return PCKh of predictions for all people of MPII's truth.

    Args:
        xy: (N, 16, 2) px, 0-based, as the estimators here give them; one pose a person, in the truth's order. More
            values than x and y a joint are ignored.
        truth: the arrays of `gt_valid.mat`: `pos_gt_src` (16, 2, N) px, 1-based, `jnt_missing` (16, N),
            `headboxes_src` (2, 2, N): corner, axis, person; `dataset_joints` too, if the joints are in another order.

    Returns:
        0..1: Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle (left and right averaged as they are), Mean (weighted by
        visible joints, without pelvis and thorax), ``Mean@0.1`` as published, which is at 0.11, and
        ``Mean@0.1 exact``, which is at 0.1.

    Raises:
        UserError: arrays of another shape.
    """
    true_xy, visible, head_sizes = read_truth(truth)
    xy = np.asarray(xy, float)
    if xy.ndim != 3 or xy.shape[:2] != true_xy.shape[:2] or xy.shape[2] < 2:
        raise UserError(f"pckh needs predictions {true_xy.shape} (people, joints, x y), got {xy.shape}")
    counted = head_sizes > 0  # without a head box there is nothing to measure by
    distances = np.linalg.norm((xy[counted, :, :2] + 1.0) - true_xy[counted], axis=-1) / head_sizes[counted, None]
    return _columns(distances, visible[counted])


def read_truth(truth: Mapping[str, Any]) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Return positions (N, 16, 2) px, 1-based, which are visible (N, 16), and head sizes (N,) px, of `gt_valid.mat`.

    Raises:
        UserError: an array is missing or of another shape.
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
    """Return where in the file each joint of ours is."""
    if names is None:
        return list(range(16))
    words = [str(np.asarray(name).ravel()[0]) for name in np.asarray(names).ravel()]
    found = [MAT_NAMES.get(word, word) for word in words]
    if sorted(found) != sorted(MPII.joints):
        raise UserError(f"MPII's truth must have the joints {', '.join(MAT_NAMES)}, got {', '.join(words)}")
    return [found.index(joint) for joint in MPII.joints]


def _columns(distances: Floats, visible: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the columns of distances (N, 16) in head sizes."""
    shares, counts = share_within(distances, visible, THRESHOLD)
    by_joint = dict(zip(MPII.joints, shares, strict=True))
    columns = {name: float(np.mean([by_joint[joint] for joint in joints])) for name, joints in COLUMNS.items()}
    kept = JOINTS_IN_MEAN
    weights = counts[kept] / max(counts[kept].sum(), 1)
    for name, threshold in (
        ("Mean", THRESHOLD),
        ("Mean@0.1", PUBLISHED_THRESHOLD_OF_01),
        ("Mean@0.1 exact", 0.1),
    ):
        columns[name] = float((share_within(distances, visible, threshold)[0][kept] * weights).sum())
    return columns
