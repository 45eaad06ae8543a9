"""COCO-WholeBody: 133 joints, COCO's 17 and those of feet, face and hands, which its annotations have beside them.

Names, sigmas and mirror pairs: Jin et al., Whole-Body Human Pose Estimation in the Wild, ECCV 2020, and its program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import StrictBool

from robustpose.data.coco_file import Entry, JointNumbers
from robustpose.errors import quote
from robustpose.pose.skeletons import COCO
from robustpose.records import Must, Record, find_mistakes

_Valid = Annotated[StrictBool, Must("true or false")]


class _Parts(Record):
    foot_kpts: JointNumbers | None = None
    face_kpts: JointNumbers | None = None
    lefthand_kpts: JointNumbers | None = None
    righthand_kpts: JointNumbers | None = None
    foot_valid: _Valid = True
    face_valid: _Valid = True
    lefthand_valid: _Valid = True
    righthand_valid: _Valid = True


FOOT = ("big_toe", "small_toe", "heel")
FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
HAND = ("hand_root", *(f"{finger}{number}" for finger in FINGERS for number in (1, 2, 3, 4)))
# Joints of each part of an annotation, in their order after COCO's.
PARTS: dict[str, tuple[str, ...]] = {
    "foot": tuple(f"{side}_{joint}" for side in ("left", "right") for joint in FOOT),
    "face": tuple(f"face-{number}" for number in range(68)),
    "lefthand": tuple(f"left_{joint}" for joint in HAND),
    "righthand": tuple(f"right_{joint}" for joint in HAND),
}
JOINTS = (*COCO.joints, *(joint for joints in PARTS.values() for joint in joints))

_HAND_SIGMAS = (
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026, 0.017, 0.021, 0.021,
    0.032, 0.02, 0.019, 0.022, 0.031,
)  # fmt: skip
SIGMAS = (
    *COCO.sigmas,
    0.068, 0.066, 0.066, 0.092, 0.094, 0.094,  # feet
    0.042, 0.043, 0.044, 0.043, 0.040, 0.035, 0.031, 0.025, 0.020, 0.023, 0.029, 0.032, 0.037, 0.038, 0.043, 0.041,
    0.045, 0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015, 0.009, 0.007, 0.007, 0.007, 0.012,
    0.009, 0.008, 0.016, 0.010, 0.017, 0.011, 0.009, 0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.010, 0.034,
    0.008, 0.008, 0.009, 0.008, 0.008, 0.007, 0.010, 0.008, 0.009, 0.009, 0.009, 0.007, 0.007, 0.008, 0.011, 0.008,
    0.008, 0.008, 0.01, 0.008,
    *_HAND_SIGMAS, *_HAND_SIGMAS,
)  # fmt: skip

# Of the face's numbers: jaw, brows, nose, eyes, mouth.
_FACE_PAIRS = (
    (0, 16), (1, 15), (2, 14), (3, 13), (4, 12), (5, 11), (6, 10), (7, 9), (17, 26), (18, 25), (19, 24), (20, 23),
    (21, 22), (31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46), (48, 54), (49, 53),
    (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67),
)  # fmt: skip
_FIRST_OF_FACE = JOINTS.index("face-0")
FLIP_PAIRS = (
    *((i, JOINTS.index(name.replace("left", "right", 1))) for i, name in enumerate(JOINTS) if name.startswith("left")),
    *((_FIRST_OF_FACE + a, _FIRST_OF_FACE + b) for a, b in _FACE_PAIRS),
)


def has_parts(person: Entry) -> bool:
    """Tell whether an annotation has joints of feet, face or hands."""
    return any(f"{part}_kpts" in person for part in PARTS)


def join_parts(people: Sequence[Entry]) -> list[str]:
    """Put the joints of feet, face and hands behind the `keypoints` of each annotation; or return what is wrong.

    A part that an annotation lacks, or that is not valid, becomes zeros: joints that are not annotated.
    """
    if people and not any(map(has_parts, people)):
        return [f"no annotation has {', '.join(f'{part}_kpts' for part in PARTS)}: these are the body's joints alone"]
    problems = find_mistakes(_Parts, people, "annotation", "id")
    for person in people if not problems else ():
        numbers = list(person.get("keypoints") or [0] * (3 * COCO.n_joints))
        for part, joints in PARTS.items():
            nothing = [0] * (3 * len(joints))
            given = person.get(f"{part}_kpts") or nothing
            if len(given) != len(nothing):
                problems.append(
                    f"annotation {quote(person['id'])}: {part}_kpts needs {len(nothing)} values ({len(joints)} joints)"
                    f", got {len(given)}"
                )
            numbers += given if person.get(f"{part}_valid", True) else nothing
        person["keypoints"] = numbers
    return problems
