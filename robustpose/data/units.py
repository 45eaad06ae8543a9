"""Units of each person: who is annotated in fractions of the image where others are in px, as in files put together.

Means over all people do not show some who differ, and the score falls without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from robustpose.data.box_checks import LEAST_AREA, LEAST_SIDE, MOST_AREA, UNIT, find_fractions, spell
from robustpose.data.coco_file import Entry
from robustpose.errors import UserError, quote
from robustpose.pose.types import ImageId

NEAR = 10.0  # px, of the first corner: who is there, or as small as that, may truly have such joints
BROAD = 100.0  # px²: of people who have an area of more than 1 px²
OFTEN = 0.05  # of the people: areas that do not go with boxes are no longer by chance


def check_units(people: Sequence[Entry], sizes: Mapping[ImageId, tuple[int, int]], where: str) -> None:
    """Raise UserError if boxes or joints of some people are fractions of their images.

    Args:
        people: checked annotations with at least one joint.
        sizes: width and height of each image, px.
        where: what they are from, for messages.
    """
    boxes = np.array([person["bbox"] for person in people], float).reshape(-1, 4)
    in_fractions = find_fractions(boxes, np.array([sizes[person["image_id"]] for person in people], float))
    if in_fractions.any():
        first = int(np.flatnonzero(in_fractions)[0])
        raise UserError(
            f"{in_fractions.sum()} of {len(people)} annotated boxes of {where} are fractions of the image, at most "
            f"{np.abs(boxes[in_fractions]).max():.3g}, such as {spell(boxes[first])} of annotation "
            f"{quote(people[first]['id'])}: expected px, x y width height"
        )
    strange = [p for p in people if min(sizes[p["image_id"]]) > LEAST_SIDE and _has_joints_in_fractions(p)]
    if strange:
        largest = max(abs(number) for person in strange for point in _list_joints(person) for number in point)
        raise UserError(
            f"keypoints of {where} are fractions of the image, at most {largest:.3g}, of {len(strange)} of "
            f"{len(people)} people, such as annotation {quote(strange[0]['id'])}: expected px"
        )


def doubt_areas(people: Sequence[Entry], where: str) -> list[str]:
    """Return the warning that areas of some people give rise to: below 1 px² of anybody, beside the boxes' of many."""
    strange = [person for person in people if 0 < person["area"] < 1 and _measure(person) >= BROAD]
    if not strange:
        strange = [person for person in people if _has_another_area(person)]
        if len(strange) < 2 or len(strange) <= OFTEN * len(people):
            return []
    first = strange[0]
    return [
        f"areas of {len(strange)} of {len(people)} people in {where} do not go with their boxes, such as "
        f"{first['area']:.3g} of annotation {quote(first['id'])} with a box of {spell(np.array(first['bbox'][2:]))} "
        "px, and poses are scored by them: are they in px²? area: box (--area box) takes 0.53 of those of the boxes"
    ]


def _has_joints_in_fractions(person: Entry) -> bool:
    """Tell whether all joints are where fractions are, and the person is not one who is as small as that."""
    numbers = person["keypoints"]
    for x, y, flag in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        if flag and (abs(x) > UNIT or abs(y) > UNIT):
            return False  # nearly everybody leaves here
    joints = _list_joints(person)
    if all(number == int(number) for point in joints for number in point):
        return False  # such as 0 0, which some programs write for joints that are not there
    x, y, width, height = person["bbox"]
    is_in_corner = x <= NEAR and y <= NEAR
    return not is_in_corner or (len(joints) > 1 and max(width, height) > NEAR)


def _list_joints(person: Entry) -> list[tuple[float, float]]:
    numbers = person["keypoints"]
    return [(x, y) for x, y, flag in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True) if flag]


def _measure(person: Entry) -> float:
    """Return the area of the person's box, or of that around the joints if it is larger, px²."""
    of_joints = np.ptp(np.array(_list_joints(person), float), axis=0).prod()
    return max(float(of_joints), person["bbox"][2] * person["bbox"][3])


def _has_another_area(person: Entry) -> bool:
    of_box = person["bbox"][2] * person["bbox"][3]
    return of_box > 0 < person["area"] and not LEAST_AREA * of_box <= person["area"] <= MOST_AREA * of_box
