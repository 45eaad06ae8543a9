"""How a COCO file is read where it leaves a choice: the areas of people, parts of the body, visibility of joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from robustpose.data.coco_file import Entry
from robustpose.data.wholebody import USED, has_parts, join_parts
from robustpose.errors import quote, spell_list
from robustpose.pose.whole_body import WHOLE_BODY

# Of the area of a box: what the evaluation of CrowdPose takes for the area of a person, and MMPose where there is none.
OF_BOX = 0.53
WITHOUT_AREAS = ("crowdpose",)  # published skeletons whose annotations never have areas

COUNTS_SEEN = ("crowdpose",)  # published skeletons whose annotations count in `num_keypoints` what can be seen


@dataclass(frozen=True)
class Reading:
    """Say how a COCO file is read where it leaves a choice."""

    category: str | None = None  # name or id; ``all`` takes all with keypoints; None for the only one, or person
    area: Literal["annotated", "box"] = "annotated"  # of people, px²: as annotated, or 0.53 of that of the box
    parts: Literal["body", "wholebody"] = "body"  # of COCO-WholeBody: COCO's 17 joints, or all 133
    # Of joints: COCO's 0, 1 and 2; or any number, such as a confidence, above 0 where a joint is annotated.
    visibility: Literal["flags", "fractions"] = "flags"

    @property
    def provenance(self) -> dict[str, object]:
        """Return what results say of it: what is not as by default."""
        chosen = {field: value for field, value in vars(self).items() if value != getattr(Reading, field)}
        return chosen | ({"area": f"{OF_BOX} x box"} if self.area == "box" else {})


BY_DEFAULT = Reading()


def settle_parts(reading: Reading, skeleton: str | Path | None, annotations: Sequence[Entry]) -> Reading:
    """Return a reading that takes all parts where the skeleton is named as a whole body, and the parts have fields."""
    is_named = skeleton == WHOLE_BODY.name and any(map(has_parts, annotations))
    return replace(reading, parts="wholebody") if is_named else reading


def settle_area(reading: Reading, people: Sequence[Entry], published: str | None) -> tuple[Reading, list[str]]:
    """Return a reading that takes areas of boxes where a set of data never has areas, and the doubt that it raises."""
    has_none = published in WITHOUT_AREAS and people and all(person.get("area") is None for person in people)
    if reading.area == "box" or not has_none:
        return reading, []
    return replace(reading, area="box"), [
        f"nobody has an area, as in {published}'s annotations: areas are {OF_BOX} x width x height of the boxes, as in "
        "its evaluation program"
    ]


def find_uncounted(people: Sequence[Entry], published: str | None) -> frozenset[int | str]:
    """Return the ids of checked annotations that have joints and are not scored.

    CrowdPose's `num_keypoints` counts joints that can be seen, and its evaluation leaves out people without any.
    """
    if published not in COUNTS_SEEN:
        return frozenset()
    return frozenset(p["id"] for p in people if p.get("num_keypoints") == 0 and any(p["keypoints"][2::3]))


def apply_reading(reading: Reading, people: Sequence[Entry]) -> list[str]:
    """Change annotations to what the reading says; return what is wrong with them."""
    problems = join_parts(people) if reading.parts == "wholebody" else []
    for person in people:
        if reading.area == "box":
            person["area"] = person["bbox"][2] * person["bbox"][3] * OF_BOX
        numbers = person.get("keypoints") or []
        if reading.visibility == "fractions" and numbers:
            if min(numbers[2::3], default=0) < 0:
                problems.append(f"annotation {quote(person['id'])} has a visibility below 0: {min(numbers[2::3])}")
            person["keypoints"] = numbers = list(numbers)
            numbers[2::3] = [2 if flag > 0 else 0 for flag in numbers[2::3]]
    return problems


def doubt_left_out(reading: Reading, people: Sequence[Entry]) -> list[str]:
    """Return the warnings that joints give rise to which annotations have in fields that are not read."""
    doubts = []
    if reading.parts == "body" and any(map(has_parts, people)):
        doubts.append(
            "only the body's joints are taken, but the annotations have those of feet, face and hands, too: parts: "
            "wholebody (--parts wholebody) takes all of them"
        )
    others = set().union(*people) - USED
    names = [name for name in others if any(word in name.lower() for word in ("kpt", "keypoint", "landmark"))]
    left_out = sorted(quote(name) for name in names if any(_has_numbers(person.get(name)) for person in people))
    if left_out:
        doubts.append(f"joints in other fields of annotations are left out: {spell_list(left_out)}")
    return doubts


def _has_numbers(value: object) -> bool:
    return isinstance(value, list) and len(value) >= 3
