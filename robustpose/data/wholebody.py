"""COCO-WholeBody's annotations: joints of feet, face and hands are in fields beside those of the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import StrictBool

from robustpose.data.coco_file import Entry, JointNumbers
from robustpose.errors import quote
from robustpose.pose.skeletons import COCO
from robustpose.pose.whole_body import PARTS
from robustpose.records import Must, Record, find_mistakes

USED = frozenset(("keypoints", *(f"{part}_kpts" for part in PARTS)))  # fields with joints
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
