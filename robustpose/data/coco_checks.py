"""Checks of COCO's annotations: each person is of an image, with joints and a box, and together they can be right."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from robustpose.data.box_checks import check_areas, check_boxes, check_joints
from robustpose.data.coco_file import CocoFile, Entry, find_repeated
from robustpose.data.ignored import find_damage
from robustpose.data.units import check_units, doubt_areas
from robustpose.data.wholebody import has_parts
from robustpose.errors import UserError, first_few, quote, spell_list
from robustpose.pose.skeleton_table import list_by_size
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import ImageId

MOST_LOOKED_AT = 10_000  # people, for what only most of them tell
FLAGS = frozenset((0, 1, 2))  # of visibility
# What to do about a problem that has these words.
HINTS = {
    "area": "give areas, or take 0.53 of those of the boxes, as CrowdPose does, area: box (--area box)",
    "visibility": "if joints above 0 are annotated, say visibility: fractions (--visibility fractions)",
}


def check_people(people: Sequence[Entry], file: CocoFile, n_joints: int) -> None:
    """Raise UserError for what annotations of people, each of its type, say of each other, images and joints."""
    problems = [f"annotation id {quote(i)} occurs twice" for i in find_repeated(person["id"] for person in people)]
    sizes = {image["id"]: (image["width"], image["height"]) for image in file.images}
    for person in people:
        person["keypoints"] = person.get("keypoints") or [0] * (3 * n_joints)  # a person nobody has marked
        if problem := _check_person(person, sizes, n_joints):
            problems.append(f"annotation {quote(person['id'])} {problem}")
    if problems:
        hints = [hint for word, hint in HINTS.items() if any(word in problem for problem in problems[:3])]
        hints += advise_skeleton(people, n_joints)
        raise UserError(": ".join([f"{file.path}: {first_few(problems, 'problems')}", *hints]))


def advise_skeleton(people: Sequence[Entry], n_joints: int) -> list[str]:
    """Return what to do where annotations have the numbers of joints of a published skeleton, not those of the file."""
    sizes = {len(person["keypoints"]) for person in people if any(person["keypoints"])} - {3 * n_joints}
    names = list_by_size(sizes.pop() // 3) if len(sizes) == 1 else []
    return [f"if they are of a published skeleton, name it, --skeleton {spell_list(names, 'or')}"] if names else []


def _check_person(person: Entry, sizes: Mapping[ImageId, tuple[int, int]], n_joints: int) -> str | None:
    """Return what is wrong with an annotation, None for nothing. `sizes` gives the width and height of each image."""
    if person["image_id"] not in sizes:
        known = quote(next(iter(sizes)))
        return f"is about image {quote(person['image_id'])}, which is not listed: ids of images are such as {known}"
    keypoints = person["keypoints"]
    if len(keypoints) != 3 * n_joints:
        count = f"{3 * n_joints} keypoint values ({n_joints} joints)"
        return f"needs {count}, got {len(keypoints)}"
    flags = keypoints[2::3]
    if not FLAGS.issuperset(flags):
        strange = next(flag for flag in flags if flag not in FLAGS)
        return f"has a visibility other than 0, 1 or 2, {strange}"
    if person.get("area") is None:
        return "lacks 'area'"
    if person.get("iscrowd") or not any(flags):
        damage = find_damage(person.get("segmentation"), sizes[person["image_id"]])
        return None if damage is None else f"has a segmentation that cannot be read: {damage}"
    x, y, width, height = person["bbox"]  # of people who are ignored, COCO's own files have degenerate boxes
    image_width, image_height = sizes[person["image_id"]]
    if width < 0 or height < 0:
        return f"has a box of negative size: {person['bbox']}"
    if x >= image_width or y >= image_height or x + width < 0 or y + height < 0:
        return f"has a box outside its {image_width} x {image_height} image: {person['bbox']}"
    if person["area"] < 0:
        return f"has an area below 0, {person['area']}"
    return None


def doubt_people(
    people: Sequence[Entry], file: CocoFile, n_joints: int, uncounted: Collection[int | str] = ()
) -> list[str]:
    """Return why scores against checked annotations could be wrong, a line each. `uncounted` are ids of those left out.

    UserError where boxes or joints are fractions of the image, boxes are x1 y1 x2 y2, or nobody has an area.
    """
    counted = [person for person in people if not person.get("iscrowd") and any(person["keypoints"][2::3])]
    if not counted:
        return []
    small = [person for person in counted if person["area"] <= 0]
    if len(small) == len(counted):
        raise UserError(
            f"{file.path}: nobody with joints has an area above 0, by which poses are scored: {HINTS['area']}"
        )
    sizes = {image["id"]: (image["width"], image["height"]) for image in file.images}
    check_units(counted, sizes, file.path.name)
    some = counted[:: len(counted) // MOST_LOOKED_AT + 1]
    boxes = np.array([person["bbox"] for person in some], float)
    sizes_wh = np.array([sizes[person["image_id"]] for person in some], float)
    points = np.array([person["keypoints"] for person in some], float).reshape(-1, n_joints, 3)
    doubts = check_boxes(boxes, sizes_wh, f"annotated boxes of {file.path.name}")
    doubts += check_joints(points[:, :, :2], points[:, :, 2] > 0, boxes, sizes_wh, file.path.name)
    areas = np.array([person["area"] for person in some], float)
    doubts += check_areas(areas, boxes, file.path.name) or doubt_areas(counted, file.path.name)
    if small:
        doubts.append(
            f"{len(small)} of {len(counted)} people with joints have an area of 0, such as annotation "
            f"{quote(small[0]['id'])}: they get no box, and nobody can be found there; area: box (--area box) takes "
            "0.53 of that of the box"
        )
    differing = [person for person in people if _is_miscounted(person) and person["id"] not in uncounted]
    if differing:
        doubts.append(
            f"{len(differing)} annotations, such as {quote(differing[0]['id'])}, have joints and num_keypoints 0, or "
            "the other way round: people count who have a joint with a visibility above 0"
        )
    return doubts


def _is_miscounted(person: Entry) -> bool:
    """Tell whether `num_keypoints` says that nothing is annotated where something is, or the other way round.

    Of a whole body it may count the body's joints alone, as COCO-WholeBody's does.
    """
    count, flags = person.get("num_keypoints"), person["keypoints"][2::3]
    of_body = flags[: COCO.n_joints] if has_parts(person) else flags
    return isinstance(count, int) and bool(count) not in (any(flags), any(of_body))
