"""The table of published skeletons: joints, mirror pairs, limbs and OKS sigmas by name, with the source of the sigmas.

Annotations whose joints have the names of a row, in any order and usual spelling, get its sigmas: see `find_published`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from robustpose.errors import UserError, nearest
from robustpose.pose.joint_names import match_names, spell
from robustpose.pose.skeletons import COCO, COCO_JOINTS, COCO_SIGMAS, MPII, Skeleton
from robustpose.pose.whole_body import (
    FACE,
    FACE_68,
    FACE_PAIRS,
    FOOT_6,
    HAND_21,
    HAND_LIMBS,
    LEFT_HAND,
    RIGHT_HAND,
    WHOLE_BODY,
    shift,
)

UNKNOWN = "1/K"  # where sigmas are from that nobody has published: the convention of the field


@dataclass(frozen=True)
class Published:
    """A row of the table.

    Attributes:
        skeleton: joints in the order of the published annotations, their sigmas, limbs and mirror pairs.
        title: what it is of, for lists.
        source: where the sigmas were published, for lists.
        spellings: other names of joints in files of this skeleton, and which joint each is.
    """

    skeleton: Skeleton
    title: str
    source: str
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_sigmas(self) -> bool:
        """Return whether the sigmas were published; else they are 1/K."""
        return self.skeleton.sigmas_from != UNKNOWN

    def translate(self, joints: Sequence[str]) -> list[str]:
        """Return names of joints in which this skeleton's other spellings are replaced by its own."""
        own = dict(zip(spell(list(self.spellings)), self.spellings.values(), strict=True))
        return [own.get(key, name) for key, name in zip(spell(joints), joints, strict=True)]

    def arrange(self, joints: Sequence[str]) -> Skeleton | None:
        """Return the skeleton with its joints named and ordered as in `joints`; None if these are other joints."""
        arranged = self.skeleton.arrange(self.translate(joints))
        return None if arranged is None else replace(arranged, joints=tuple(joints))

    def spell_as(self, joints: Sequence[str]) -> tuple[str, ...]:
        """Return this skeleton's joints in its order, each as it is spelt in `joints` if these are the same ones."""
        order = match_names(self.translate(joints), self.skeleton.joints)
        return self.skeleton.joints if order is None else tuple(joints[place] for place in order)

    def is_in_order(self, joints: Sequence[str]) -> bool:
        """Tell whether `joints` are this skeleton's in its order, however they are spelt."""
        order = match_names(self.skeleton.joints, self.translate(joints))
        return order == tuple(range(self.skeleton.n_joints))


_COCO_12 = COCO_JOINTS[5:]  # shoulders, elbows, wrists, hips, knees, ankles


def _name_paws() -> dict[str, str]:
    """Return other spellings of AP-10K's paws: its files have left_front_paw, programs L_F_Paw."""
    ends = {"front": ("f", "fore"), "back": ("b", "rear", "hind")}
    return {
        f"{side}_{short}_paw": f"{side}_{end}_paw"
        for side in ("left", "right")
        for end, shorts in ends.items()
        for short in shorts
    }


CROWDPOSE = Skeleton(
    name="crowdpose",
    joints=(*_COCO_12, "head", "neck"),
    limbs=(
        (10, 8), (8, 6), (11, 9), (9, 7), (6, 7), (0, 6), (1, 7), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (12, 13),
        (1, 13), (0, 13),
    ),
    sigmas=(*(COCO_SIGMAS[joint] for joint in _COCO_12), 0.079, 0.079),
    sigmas_from="crowdpose",
)  # fmt: skip

_BODY_26 = (
    *COCO_JOINTS, "head", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
    "left_heel", "right_heel",
)  # fmt: skip
_LIMBS_26 = (
    (15, 13), (13, 11), (11, 19), (16, 14), (14, 12), (12, 19), (17, 18), (18, 19), (18, 5), (5, 7), (7, 9), (18, 6),
    (6, 8), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (15, 20), (15, 22), (15, 24), (16, 21),
    (16, 23), (16, 25),
)  # fmt: skip
_PARTS_26 = (("body", tuple(range(20))), ("foot", tuple(range(20, 26))))
HALPE_26 = Skeleton(
    name="halpe-26",
    joints=_BODY_26,
    limbs=_LIMBS_26,
    sigmas=(*COCO.sigmas, 0.026, 0.026, 0.066, *(0.079,) * 6),
    sigmas_from="halpe-26",
    parts=_PARTS_26,
)
# Joints of face and hands are those of COCO-WholeBody, in its order; the sigmas are not.
HALPE_136 = Skeleton(
    name="halpe-136",
    joints=(*_BODY_26, *FACE, *LEFT_HAND, *RIGHT_HAND),
    limbs=(*_LIMBS_26, *shift(HAND_LIMBS, 94), *shift(HAND_LIMBS, 115), (9, 94), (10, 115)),
    sigmas=(*COCO.sigmas, *(0.08,) * 3, *(0.089,) * 6, *(0.015,) * 110),
    sigmas_from="halpe-136",
    flip_pairs=(
        *((left, left + 1) for left in (1, 3, 5, 7, 9, 11, 13, 15, 20, 22, 24)),
        *shift(FACE_PAIRS, 26),
        *((left, left + 21) for left in range(94, 115)),
    ),
    parts=(
        *_PARTS_26,
        ("face", tuple(range(26, 94))),
        ("lefthand", tuple(range(94, 115))),
        ("righthand", tuple(range(115, 136))),
    ),
)
AIC = Skeleton(
    name="aic",
    joints=(
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "right_hip",
        "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "head_top", "neck",
    ),
    limbs=(
        (2, 1), (1, 0), (0, 13), (13, 3), (3, 4), (4, 5), (8, 7), (7, 6), (6, 9), (9, 10), (10, 11), (12, 13), (0, 6),
        (3, 9),
    ),
    sigmas=(
        0.01388152, 0.01515228, 0.01057665, 0.01417709, 0.01497891, 0.01402144, 0.03909642, 0.03686941, 0.01981803,
        0.03843971, 0.03412318, 0.02415081, 0.01291456, 0.01236173,
    ),
    sigmas_from="aic",
)  # fmt: skip
LSP = Skeleton(
    name="lsp",
    joints=(*MPII.joints[:6], *MPII.joints[10:], "neck", "head_top"),
    limbs=((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 12), (12, 9), (9, 10), (10, 11), (12, 13)),
    sigmas=(1 / 14,) * 14,
    sigmas_from=UNKNOWN,
)
AP10K = Skeleton(
    name="ap10k",
    joints=(
        "left_eye", "right_eye", "nose", "neck", "root_of_tail", "left_shoulder", "left_elbow", "left_front_paw",
        "right_shoulder", "right_elbow", "right_front_paw", "left_hip", "left_knee", "left_back_paw", "right_hip",
        "right_knee", "right_back_paw",
    ),
    limbs=(
        (0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (5, 6), (6, 7), (3, 8), (8, 9), (9, 10), (4, 11), (11, 12),
        (12, 13), (4, 14), (14, 15), (15, 16),
    ),
    sigmas=(
        0.025, 0.025, 0.026, 0.035, 0.035, 0.079, 0.072, 0.062, 0.079, 0.072, 0.062, 0.107, 0.087, 0.089, 0.107, 0.087,
        0.089,
    ),
    sigmas_from="ap10k",
)  # fmt: skip


def _name_fingers() -> dict[str, str]:
    """Return other spellings of a hand's joints: those of MediaPipe, and of sets that say index, middle, little."""
    others = {
        "forefinger": ("index", "index_finger"),
        "middle_finger": ("middle",),
        "ring_finger": ("ring",),
        "pinky_finger": ("pinky", "little", "little_finger"),
    }
    names = {"hand_root": "wrist", "palm": "wrist"}
    along = {name: ("mcp", "pip", "dip", "tip") for name in others} | {"thumb": ("cmc", "mcp", "ip", "tip")}
    for finger, ends in along.items():
        for other in (finger, *others.get(finger, ())):
            for number, end in enumerate(ends, 1):
                names |= {f"{other}{number}": f"{finger}{number}", f"{other}_{end}": f"{finger}{number}"}
    return names


_BY_MMPOSE = "the configuration of MMPose 1.3; nobody has published measured ones"
TABLE: dict[str, Published] = {
    row.skeleton.name: row
    for row in (
        Published(COCO, "people of COCO, OCHuman and Human-Art", "COCO's keypoint evaluation, cocodataset.org"),
        Published(
            WHOLE_BODY,
            "people of COCO-WholeBody: body, feet, face, hands",
            "Jin et al., Whole-Body Human Pose Estimation in the Wild, 2020",
        ),
        Published(
            CROWDPOSE,
            "people of CrowdPose",
            "Li et al., CrowdPose, 2019, its evaluation program",
            {"top_head": "head", "head_top": "head"},
        ),
        Published(MPII, "people of MPII, which is scored by PCKh, not by sigmas", _BY_MMPOSE),
        Published(HALPE_26, "people of Halpe: body, feet", _BY_MMPOSE, {"pelvis": "hip", "mid_hip": "hip"}),
        Published(
            HALPE_136,
            "people of Halpe: body, feet, face, hands",
            "Halpe-FullBody's evaluation in AlphaPose, as MMPose 1.3 has it",
            {"pelvis": "hip", "mid_hip": "hip"},
        ),
        Published(AIC, "people of AI Challenger", "Wu et al., AI Challenger, 2017, its evaluation program"),
        Published(LSP, "people of Leeds Sports Pose, which is scored by PCK", "1/K: nobody has published any"),
        Published(
            AP10K,
            "animals of AP-10K",
            "Yu et al., AP-10K, 2021, its evaluation program",
            {**_name_paws(), "tail_root": "root_of_tail"},
        ),
        Published(
            HAND_21, "one hand, as COCO-WholeBody, FreiHAND and others have it", "COCO-WholeBody's", _name_fingers()
        ),
        Published(
            FACE_68,
            "one face, as COCO-WholeBody and 300-W have it",
            "COCO-WholeBody's",
            {f"{word}-{number}": f"face-{number}" for word in ("kpt", "landmark") for number in range(68)},
        ),
        Published(FOOT_6, "both feet of a person of COCO-WholeBody", "COCO-WholeBody's"),
    )
}


def get_published(name: str) -> Published:
    """Return the row of a name; UserError if there is none.

    >>> get_published("crowdpose").skeleton.n_joints
    14
    """
    if name not in TABLE:
        raise UserError(f"there is no skeleton '{name}'{nearest(name, TABLE)}: expected one of {', '.join(TABLE)}")
    return TABLE[name]


def find_published(joints: Sequence[str]) -> list[Published]:
    """Return the rows whose joints these are, in any order and usual spelling: none, one, or several with other sigmas.

    Sets of 14 joints share their names and have other sigmas. There the order tells them apart; where it is the order
    of none of them, all are returned.

    >>> [row.skeleton.name for row in find_published(["pinky3", "heel"])]
    []
    """
    rows = [row for row in TABLE.values() if row.skeleton.n_joints == len(joints) and row.arrange(joints) is not None]
    return [row for row in rows if row.is_in_order(joints)] or rows


def list_by_size(n_joints: int) -> list[str]:
    """Return the names of the skeletons of so many joints.

    >>> list_by_size(14)
    ['crowdpose', 'aic', 'lsp']
    """
    return [name for name, row in TABLE.items() if row.skeleton.n_joints == n_joints]
