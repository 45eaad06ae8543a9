"""COCO-WholeBody: 133 joints, COCO's 17 and those of feet, face and hands; and the parts as skeletons of their own.

Names, sigmas and mirror pairs: Jin et al., Whole-Body Human Pose Estimation in the Wild, ECCV 2020, and its program.
"""

from __future__ import annotations

from robustpose.pose.joint_names import Pairs
from robustpose.pose.skeletons import COCO, Skeleton

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
_HAND_JOINTS = ("hand_root", *(f"{finger}{number}" for finger in _FINGERS for number in (1, 2, 3, 4)))
HAND_SIGMAS = (
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026, 0.017, 0.021, 0.021,
    0.032, 0.02, 0.019, 0.022, 0.031,
)  # fmt: skip
FACE_SIGMAS = (
    0.042, 0.043, 0.044, 0.043, 0.040, 0.035, 0.031, 0.025, 0.020, 0.023, 0.029, 0.032, 0.037, 0.038, 0.043, 0.041,
    0.045, 0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015, 0.009, 0.007, 0.007, 0.007, 0.012,
    0.009, 0.008, 0.016, 0.010, 0.017, 0.011, 0.009, 0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.010, 0.034,
    0.008, 0.008, 0.009, 0.008, 0.008, 0.007, 0.010, 0.008, 0.009, 0.009, 0.009, 0.007, 0.007, 0.008, 0.011, 0.008,
    0.008, 0.008, 0.01, 0.008,
)  # fmt: skip
# Of the 68 points: jaw, brows, nose, eyes, mouth.
FACE_PAIRS = (
    (0, 16), (1, 15), (2, 14), (3, 13), (4, 12), (5, 11), (6, 10), (7, 9), (17, 26), (18, 25), (19, 24), (20, 23),
    (21, 22), (31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46), (48, 54), (49, 53),
    (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67),
)  # fmt: skip
# Of a hand: from its root to each finger, and along it.
HAND_LIMBS = tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21))

FACE = tuple(f"face-{number}" for number in range(68))
LEFT_HAND = tuple(f"left_{joint}" for joint in _HAND_JOINTS)
RIGHT_HAND = tuple(f"right_{joint}" for joint in _HAND_JOINTS)
# Joints of each part of an annotation, in their order after COCO's.
PARTS: dict[str, tuple[str, ...]] = {
    "foot": tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("big_toe", "small_toe", "heel")),
    "face": FACE,
    "lefthand": LEFT_HAND,
    "righthand": RIGHT_HAND,
}


def shift(pairs: Pairs, by: int) -> Pairs:
    """Return pairs of joint indices, each index larger by a number.

    >>> shift(((0, 1),), 23)
    ((23, 24),)
    """
    return tuple((a + by, b + by) for a, b in pairs)


def _name_parts() -> tuple[tuple[str, tuple[int, ...]], ...]:
    parts, first = [("body", tuple(range(COCO.n_joints)))], COCO.n_joints
    for name, joints in PARTS.items():
        parts.append((name, tuple(range(first, first + len(joints)))))
        first += len(joints)
    return tuple(parts)


_JOINTS = (*COCO.joints, *(joint for joints in PARTS.values() for joint in joints))
WHOLE_BODY = Skeleton(
    name="coco-wholebody",
    joints=_JOINTS,
    limbs=(
        *COCO.limbs,
        *((ankle, toe) for ankle, first in ((15, 17), (16, 20)) for toe in range(first, first + 3)),
        *shift(HAND_LIMBS, 91),
        *shift(HAND_LIMBS, 112),
    ),
    sigmas=(*COCO.sigmas, 0.068, 0.066, 0.066, 0.092, 0.094, 0.094, *FACE_SIGMAS, *HAND_SIGMAS, *HAND_SIGMAS),
    sigmas_from="coco-wholebody",
    flip_pairs=(
        *(
            (i, _JOINTS.index(name.replace("left", "right", 1)))
            for i, name in enumerate(_JOINTS)
            if name.startswith("left")
        ),
        *shift(FACE_PAIRS, 23),
    ),
    parts=_name_parts(),
)
FOOT_6 = Skeleton(
    "foot-6",
    PARTS["foot"],
    limbs=((2, 0), (2, 1), (5, 3), (5, 4)),
    sigmas=WHOLE_BODY.sigmas[17:23],
    sigmas_from="foot-6",
)
# One hand, left or right: mirrored, a left one is a right one.
HAND_21 = Skeleton(
    "hand-21", ("wrist", *_HAND_JOINTS[1:]), limbs=HAND_LIMBS, sigmas=HAND_SIGMAS, sigmas_from="hand-21", flip_pairs=()
)
FACE_68 = Skeleton("face-68", FACE, limbs=(), sigmas=FACE_SIGMAS, sigmas_from="face-68", flip_pairs=FACE_PAIRS)
