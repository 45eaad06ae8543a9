"""PCKh: MPII's metric, PCK by head size (Andriluka et al., CVPR 2014), as the published pose programs compute it."""

from __future__ import annotations

import numpy as np

from robustpose.errors import UserError
from robustpose.metrics.pck import PCK, share_within
from robustpose.pose.protocols import Mask
from robustpose.pose.skeletons import MPII, Skeleton
from robustpose.pose.types import Floats

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


class PCKh(PCK):
    """Collect MPII's joints image by image, then compute PCKh@0.5 and its columns."""

    primary = "PCKh"
    not_in_mean = NOT_IN_MEAN

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


def pckh(xy: Floats, true_xy: Floats, visible: Mask, head_sizes: Floats) -> dict[str, float]:
    """Return PCKh of predictions for all people of MPII at once.

    ``pckh(xy + 1, *read_truth(arrays))`` is that of 0-based predictions, as the estimators here give them, for the
    arrays of gt_valid.mat, which are 1-based: see `robustpose.data.mpii`.

    Args:
        xy: (N, 16, 2) px, one pose a person, in the truth's order. More values than x and y a joint are ignored.
        true_xy: (N, 16, 2) px, counted from the same corner as `xy`.
        visible: (N, 16) which joints are annotated.
        head_sizes: (N,) px; people without one (0) are left out.

    Returns:
        0..1: Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle (left and right averaged as they are), Mean (weighted by
        visible joints, without pelvis and thorax), ``Mean@0.1`` as published, which is at 0.11, and
        ``Mean@0.1 exact``, which is at 0.1.
    """
    xy = np.asarray(xy, float)
    if xy.ndim != 3 or xy.shape[:2] != true_xy.shape[:2] or xy.shape[2] < 2:
        raise UserError(f"pckh needs predictions {true_xy.shape} (people, joints, x y), got {xy.shape}")
    counted = head_sizes > 0
    distances = np.linalg.norm(xy[counted, :, :2] - true_xy[counted], axis=-1) / head_sizes[counted, None]
    return _columns(distances, visible[counted])


def _columns(distances: Floats, visible: Mask) -> dict[str, float]:
    """Return the columns of distances (N, 16) in head sizes."""
    shares, counts = share_within(distances, visible, THRESHOLD)
    by_joint = dict(zip(MPII.joints, shares, strict=True))
    columns = {name: float(np.mean([by_joint[joint] for joint in joints])) for name, joints in COLUMNS.items()}
    kept = JOINTS_IN_MEAN
    weights = counts[kept] / max(counts[kept].sum(), 1)
    for name, threshold in (("Mean", THRESHOLD), ("Mean@0.1", PUBLISHED_THRESHOLD_OF_01), ("Mean@0.1 exact", 0.1)):
        columns[name] = float((share_within(distances, visible, threshold)[0][kept] * weights).sum())
    return columns
