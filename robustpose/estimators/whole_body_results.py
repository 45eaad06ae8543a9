"""Results in COCO-WholeBody's own form: the joints of feet, face and hands are in fields beside those of the body."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, first_few
from robustpose.pose.joint_names import find_names
from robustpose.pose.results_json import RESULTS
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.whole_body import PARTS
from robustpose.records import Number, Record, find_mistakes

OF_PARTS = {f"{part}_kpts": len(joints) for part, joints in PARTS.items()}  # fields, and how many joints each has
FIELDS = {"keypoints": COCO.n_joints, **OF_PARTS}
SCORE = "wholebody_score"  # what their evaluation sorts poses by, where it is there; else `score`
PART_SCORES = tuple(f"{part}_score" for part in PARTS)


class _Person(Record):
    keypoints: list[Number]
    foot_kpts: list[Number]
    face_kpts: list[Number]
    lefthand_kpts: list[Number]
    righthand_kpts: list[Number]


def has_parts(results: Any) -> bool:
    """Tell whether results, read and not checked, are in this form: a person has fields of parts, and a body alone."""
    people = [person for person in results if isinstance(person, dict)] if isinstance(results, list) else []
    of_parts = [person for person in people if OF_PARTS.keys() & person.keys()]
    return any(not _has_all(person.get("keypoints")) for person in of_parts)


def join_parts(results: Sequence[Any], path: Path) -> list[Any]:
    """Return results with the joints of all parts behind the body's in `keypoints`, scored as a whole body.

    UserError, which names the entry, if a part is lacking or has another number of joints.
    """
    problems = find_mistakes(_Person, results, "result")
    problems = problems or [
        f"result {number}: {field} needs {3 * n_joints} values ({n_joints} joints), got {len(person[field])}"
        for number, person in enumerate(results)
        for field, n_joints in FIELDS.items()
        if len(person[field]) != 3 * n_joints
    ]
    if problems:
        raise UserError(
            f"{RESULTS} {path}: {first_few(problems, 'problems')}: results of COCO-WholeBody have "
            f"{', '.join(OF_PARTS)} beside keypoints, or all 133 joints in keypoints"
        )
    return [{**person, "keypoints": [number for field in FIELDS for number in person[field]]} for person in results]


def settle_scores(results: Any, skeleton: Skeleton) -> Any:
    """Return results whose `score` is what their evaluation sorts poses by: the body's own, or the whole body's."""
    if not isinstance(results, list):
        return results
    is_body = is_of_body(skeleton)
    return [
        {**person, "score": person[SCORE]}
        if isinstance(person, dict) and SCORE in person and not (is_body and "score" in person)
        else person
        for person in results
    ]


def is_of_body(skeleton: Skeleton) -> bool:
    """Tell whether a skeleton has no joints but the body's, COCO's."""
    return find_names(COCO.joints, skeleton.joints) is not None


def doubt_part_scores(results: Sequence[Any]) -> list[str]:
    """Return a doubt if results have scores of parts: a pose has one score here."""
    found = [field for field in PART_SCORES if any(field in person for person in results)]
    if not found:
        return []
    verb = "are" if len(found) > 1 else "is"
    return [f"{', '.join(found)} of results {verb} not used: parts are scored by the score of the whole person"]


def _has_all(keypoints: Any) -> bool:
    return isinstance(keypoints, list) and len(keypoints) == 3 * sum(FIELDS.values())
