"""Skeletons: which joints a pose has, how they are linked and mirrored, and how exactly each can be placed.

All published ones are in `robustpose.pose.skeleton_table`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from robustpose.errors import UserError
from robustpose.pose.joint_names import Pairs, find_lacking, find_sides, match_names

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
        sigmas_from: where the sigmas come from: a skeleton of the table, such as `coco`, a file, or `1/K`.
        flip_pairs: pairs (left, right) of joint indices that change places in a mirrored image; () if all are in the
            middle; None for what the names say. It is filled in.
        sides_from: where the pairs come from: `names`, or `given`.
        parts: joints that are scored apart, too, such as a hand's: pairs of a name and joint indices. A joint may be in
            several.
        cut_from: the skeleton that these joints are some of; None for all.

    >>> from robustpose import Skeleton
    >>> arms = Skeleton("arms", ("left_wrist", "right_wrist"), limbs=(), sigmas=(0.062, 0.062))
    >>> arms.n_joints, arms.flip_pairs
    (2, ((0, 1),))
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    sigmas: tuple[float, ...]
    sigmas_from: str = "given"
    flip_pairs: Pairs | None = None
    sides_from: str = "given"
    parts: tuple[tuple[str, tuple[int, ...]], ...] = ()
    cut_from: Skeleton | None = None

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
        if self.flip_pairs is None or self.sides_from == "names":
            object.__setattr__(self, "flip_pairs", find_sides(self.joints).pairs)
            object.__setattr__(self, "sides_from", "names")
        pairs = tuple(tuple(pair) for pair in self.flip_pairs or ())
        paired = [joint for pair in pairs for joint in pair]
        if {*map(len, pairs), 2} != {2} or len(set(paired)) != len(paired) or not set(paired) <= set(range(n_joints)):
            raise UserError(
                f"skeleton '{self.name}': flip_pairs must be pairs of different joints 0..{n_joints - 1}, each in one "
                f"pair at most, got {self.flip_pairs}"
            )
        for name, of_part in self.parts:
            if not of_part or len(set(of_part)) < len(of_part) or not set(of_part) <= set(range(n_joints)):
                raise UserError(
                    f"skeleton '{self.name}': part '{name}' must be different joints 0..{n_joints - 1}, got {of_part}"
                )

    @property
    def n_joints(self) -> int:
        """Return K."""
        return len(self.joints)

    @property
    def whole(self) -> Skeleton:
        """Return the skeleton that these joints are some of, or itself."""
        return self.cut_from or self

    @property
    def flip_order(self) -> tuple[int, ...]:
        """Return the K indices that put the joints of a mirrored image back in order."""
        order = list(range(self.n_joints))
        for left, right in self.flip_pairs or ():
            order[left], order[right] = right, left
        return tuple(order)

    @property
    def sides_doubt(self) -> str:
        """Return why it is not known which joints change places in a mirrored image; empty where it is."""
        return find_sides(self.joints).doubt if self.sides_from == "names" else ""

    def check_sides(self, what: str, way_out: str) -> None:
        """Raise UserError if it is not known which joints change places in a mirrored image.

        `what` mirrors images, such as ``flip_test``; `way_out` is how to turn that off.
        """
        doubt = self.sides_doubt
        if doubt:
            raise UserError(
                f"{what} mirrors images, but the names of skeleton '{self.name}' do not say which joints change sides: "
                f"{doubt}. List flip_pairs in the skeleton (--skeleton FILE; [] if all joints are in the middle), "
                f"or set {way_out}"
            )

    def arrange(self, joints: Sequence[str]) -> Skeleton | None:
        """Return the skeleton with its joints named and ordered as in `joints`; None if these are other joints."""
        order = match_names(self.joints, joints)
        if order is None:
            return None
        place = {old: new for new, old in enumerate(order)}
        limbs, pairs = (tuple((place[a], place[b]) for a, b in of) for of in (self.limbs, self.flip_pairs or ()))
        sigmas = tuple(self.sigmas[old] for old in order)
        parts = tuple((name, tuple(sorted(place[old] for old in of_part))) for name, of_part in self.parts)
        return replace(self, joints=tuple(joints), limbs=limbs, sigmas=sigmas, flip_pairs=pairs, parts=parts)


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


WHOLE_BODY = 133  # joints of COCO-WholeBody, which begin with COCO's


def explain_other_joints(joints: Sequence[str], skeleton: Skeleton) -> str:
    """Return why a model of `joints` does not fit annotations of a skeleton, and what does, for messages."""
    lacking, more = find_lacking(joints, skeleton.joints), find_lacking(skeleton.joints, joints)
    if lacking:
        of = "and lacks" if len(joints) != skeleton.n_joints else "others, too: it lacks"
        why = f", {of} {_list_few(lacking)}"
    else:
        why = f", it finds {_list_few(more)}, too" if more else ", it names some of them twice"
    return (
        f"finds {len(joints)} joints ({', '.join(joints[:2])}, …), but the annotations have {skeleton.n_joints}{why}: "
        f"{advise_model(len(joints), skeleton)}"
    )


def advise_model(n_joints: int, skeleton: Skeleton) -> str:
    """Return what to do where a model of `n_joints` does not fit a skeleton, for messages."""
    if n_joints == WHOLE_BODY and set(skeleton.joints) == set(COCO_JOINTS):
        return "it is of COCO-WholeBody: name annotations of that and --parts wholebody, or use a model of 17 joints"
    if skeleton.n_joints == WHOLE_BODY and n_joints == COCO.n_joints:
        return "leave out --parts wholebody, or use a model of all 133"
    return "use a model of that skeleton"


def _list_few(joints: Sequence[str]) -> str:
    more = f", … {len(joints)} in all" if len(joints) > 4 else ""
    return ", ".join(joints[:4]) + more


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
    # Nobody has measured any, since MPII is scored by PCKh, which does not use them. These are MMPose 1.3's.
    sigmas=(
        0.089, 0.083, 0.107, 0.107, 0.083, 0.089, 0.026, 0.026, 0.026, 0.026, 0.062, 0.072, 0.179, 0.179, 0.072, 0.062,
    ),
    sigmas_from="mpii",
)  # fmt: skip
