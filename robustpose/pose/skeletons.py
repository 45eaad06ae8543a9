"""Skeletons: which joints a pose has, how they are linked and mirrored, and how exactly each can be placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from robustpose.errors import UserError

# OKS sigmas of the COCO keypoint challenge, by joint name (cocodataset.org, keypoints evaluation).
COCO_SIGMAS = {
    "nose": 0.026, "left_eye": 0.025, "right_eye": 0.025, "left_ear": 0.035, "right_ear": 0.035,
    "left_shoulder": 0.079, "right_shoulder": 0.079, "left_elbow": 0.072, "right_elbow": 0.072,
    "left_wrist": 0.062, "right_wrist": 0.062, "left_hip": 0.107, "right_hip": 0.107,
    "left_knee": 0.087, "right_knee": 0.087, "left_ankle": 0.089, "right_ankle": 0.089,
}  # fmt: skip
COCO_JOINTS = tuple(COCO_SIGMAS)


@dataclass(frozen=True)
class Skeleton:
    """Name the K joints of a pose.

    Attributes:
        name: for messages.
        joints: the K joint names, in the order of every array.
        limbs: pairs of joint indices (0-based) to draw.
        sigmas: K OKS constants: spread of the annotators' placement, relative to the square root of the area.
        sigmas_from: where the sigmas come from: `coco`, a file, or `1/K`.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    sigmas: tuple[float, ...]
    sigmas_from: str = "given"

    def __post_init__(self) -> None:
        n_joints = len(self.joints)
        if n_joints == 0:
            raise UserError(f"skeleton '{self.name}' has no joints")
        if len(set(self.joints)) != n_joints:
            raise UserError(f"skeleton '{self.name}' names a joint twice: {', '.join(self.joints)}")
        if len(self.sigmas) != n_joints or not all(sigma > 0 for sigma in self.sigmas):
            raise UserError(
                f"skeleton '{self.name}' needs {n_joints} positive sigmas, got {len(self.sigmas)}: {self.sigmas}"
            )
        if any(not 0 <= joint < n_joints for limb in self.limbs for joint in limb):
            raise UserError(f"skeleton '{self.name}' has a limb outside joints 0..{n_joints - 1}: {self.limbs}")

    @property
    def n_joints(self) -> int:
        """Return K."""
        return len(self.joints)

    @property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the (left, right) joint indices that change places in a mirrored image."""
        index = {name: i for i, name in enumerate(self.joints)}
        pairs = []
        for i, name in enumerate(self.joints):
            for left, right in (("left", "right"), ("Left", "Right"), ("l_", "r_")):
                if name.startswith(left) and right + name[len(left) :] in index:
                    pairs.append((i, index[right + name[len(left) :]]))
                    break
        return tuple(pairs)

    @property
    def flip_order(self) -> tuple[int, ...]:
        """Return the K indices that put the joints of a mirrored image back in order."""
        order = list(range(self.n_joints))
        for left, right in self.flip_pairs:
            order[left], order[right] = right, left
        return tuple(order)


def sigmas_for(joints: Sequence[str]) -> tuple[tuple[float, ...], str]:
    """Return the K OKS sigmas for joint names, and where they come from: COCO for its 17 names, else 1/K for each.

    1/K is the convention for skeletons without measured sigmas.
    """
    if tuple(joints) == COCO_JOINTS:
        return tuple(COCO_SIGMAS.values()), "coco"
    return (1.0 / len(joints),) * len(joints), "1/K"


COCO = Skeleton(
    name="coco",
    joints=COCO_JOINTS,
    limbs=tuple(
        (a - 1, b - 1)
        for a, b in [
            (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9),
            (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
        ]
    ),
    sigmas=tuple(COCO_SIGMAS.values()),
    sigmas_from="coco",
)  # fmt: skip


def list_connections(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
    """Return the pairs of joint indices (0-based) that a network has fields of connections for, in its order.

    For COCO's joints they are COCO's limbs, even if an annotation file gives others: networks are trained on these.
    """
    return COCO.limbs if skeleton.joints == COCO.joints else skeleton.limbs


# OKS sigmas that nobody has measured, from COCO's nearest joint: MPII is scored by PCKh, which does not use them.
_MPII_SIGMAS = {"pelvis": 0.107, "thorax": 0.079, "upper_neck": 0.079, "head_top": 0.079}
MPII_JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax",
    "upper_neck", "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow",
    "left_wrist",
)  # fmt: skip

MPII = Skeleton(
    name="mpii",
    joints=MPII_JOINTS,
    limbs=(
        (0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9),
        (10, 11), (11, 12), (12, 7), (7, 13), (13, 14), (14, 15),
    ),
    sigmas=tuple({**COCO_SIGMAS, **_MPII_SIGMAS}[joint] for joint in MPII_JOINTS),
    sigmas_from="coco's nearest joint",
)  # fmt: skip
