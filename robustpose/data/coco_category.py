"""Which category of a COCO file is looked for, and what its entry says of the joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustpose.data.coco_file import CocoFile, Entry
from robustpose.data.skeleton_file import Pairs, read_skeleton_file
from robustpose.errors import UserError, quote, spell_list
from robustpose.pose.skeleton_table import UNKNOWN, Published, find_published
from robustpose.pose.skeletons import COCO_JOINTS, Skeleton
from robustpose.pose.whole_body import WHOLE_BODY

ALL = "all"  # of the categories with keypoints


def choose_categories(file: CocoFile, wanted: str | None) -> list[Entry]:
    """Return the categories whose people are looked for: one, or several of the same joints.

    `wanted` is a category's name or id, or ``all`` if all with keypoints have the same joints. By default the only one
    with keypoints is taken, or the one of them that is called `person`.
    """
    posed = [category for category in file.categories if category.get("keypoints")]
    names = spell_list(f"{_name(category)} (id {category['id']})" for category in posed) if posed else "none"
    if not posed:
        raise UserError(f"{file.path} has no category with keypoints: it is of no keypoint dataset")
    if wanted is None:
        found = [category for category in posed if category.get("name") == "person"] or posed
        if len(found) == 1:
            return found
        together = f", or {ALL} of them" if _have_same_joints(posed) else ""
        raise UserError(
            f"{file.path} has several categories with keypoints, {names}: choose one{together}, category: NAME "
            "(--category NAME)"
        )
    found = [category for category in file.categories if category.get("name") == wanted]
    found = found or [category for category in file.categories if str(category["id"]) == wanted]
    if not found and wanted == ALL:
        if not _have_same_joints(posed):
            raise UserError(f"{file.path}: {names} do not have the same joints: choose one, --category NAME")
        return posed
    if len(found) != 1 or not found[0].get("keypoints"):
        reason = "no category" if not found else "several categories" if len(found) > 1 else "no keypoints for category"
        raise UserError(f"{file.path} has {reason} {quote(wanted)} (--category); those with keypoints are: {names}")
    return found


def name_categories(categories: Sequence[Entry]) -> tuple[str, ...]:
    """Return what categories are called: their names, or their ids where two have one name or one has none."""
    names = tuple(str(category.get("name") or category["id"]) for category in categories)
    return names if len(set(names)) == len(names) else tuple(str(category["id"]) for category in categories)


def _have_same_joints(categories: Sequence[Entry]) -> bool:
    return all(category["keypoints"] == categories[0]["keypoints"] for category in categories)


def _name(category: Entry) -> str:
    return quote(str(category.get("name", "")))


@dataclass(frozen=True)
class FoundSkeleton:
    """A skeleton, and what results say of it."""

    skeleton: Skeleton
    provenance: dict[str, object]
    warnings: list[str]


def read_skeleton(
    categories: Sequence[Entry], path: Path, skeleton_file: Path | None, is_whole_body: bool = False
) -> FoundSkeleton:
    """Return the skeleton of COCO categories: `name`, `keypoints` (K names), perhaps `skeleton` (limbs, 1-based pairs).

    What a skeleton file does not say comes from the category, and what that does not say from the published skeleton
    whose joints these are. Sigmas of other joints are 1/K. A whole body is COCO-WholeBody's.
    """
    joints = tuple(categories[0]["keypoints"])
    name = str(categories[0].get("name") or "person") if len(categories) == 1 else ALL
    if len(set(joints)) < len(joints):
        raise UserError(f"{path}: category {quote(name)} names a joint twice: {', '.join(map(quote, joints))}")
    if is_whole_body and joints != COCO_JOINTS:
        raise UserError(f"{path}: parts: wholebody is for COCO's 17 joints in their order, got {len(joints)} joints")
    limbs, warnings = read_limbs(categories[0].get("skeleton"), joints)
    found = find_published(joints)
    skeleton = WHOLE_BODY if is_whole_body else found[0].arrange(joints) if len(found) == 1 else None
    if skeleton is None:
        skeleton = Skeleton(name, joints, (), (1 / len(joints),) * len(joints), UNKNOWN)
    skeleton = replace(skeleton, name=name, limbs=limbs or skeleton.limbs)
    if skeleton_file is not None:
        given = read_skeleton_file(skeleton_file, skeleton.joints)
        if given.sigmas is not None:
            skeleton = replace(skeleton, sigmas=given.sigmas, sigmas_from=skeleton_file.name)
        if given.limbs is not None:
            skeleton, warnings = replace(skeleton, limbs=given.limbs), []
        if given.flip_pairs is not None:
            skeleton = replace(skeleton, flip_pairs=given.flip_pairs, sides_from="given")
    if skeleton.sigmas_from == UNKNOWN:
        warnings.append(_doubt_sigmas(skeleton, found))
    return FoundSkeleton(skeleton, {"skeleton": name, "sigmas_from": skeleton.sigmas_from}, warnings)


def _doubt_sigmas(skeleton: Skeleton, published: Sequence[Published]) -> str:
    """Return why the sigmas of a skeleton are 1/K, and what to do; `published` are all whose joints it has."""
    of, n_joints = f"the {skeleton.n_joints} joints of category {quote(skeleton.name)}", skeleton.n_joints
    names = [row.skeleton.name for row in published]
    if len(names) > 1:
        why = f"{of} are those of {spell_list(names)}, in the order of none of them"
    elif names:
        why = f"{of} are those of {names[0]}, for which nobody has published sigmas"
    else:
        why = f"{of} are of no published skeleton (robustpose list skeletons)"
    name = "NAME, or " * (len(names) > 1)
    return f"{why}: every OKS sigma is 1/{n_joints}. Give measured ones with --skeleton {name}FILE (YAML with 'sigmas')"


def read_limbs(given: Any, joints: Sequence[str]) -> tuple[Pairs, list[str]]:
    """Return COCO's limbs, pairs of joints counted from 1 or named, as pairs from 0; and what is doubtful about them.

    If a limb has joint 0 and none the number of joints, all are taken as counted from 0.
    """
    entries = [] if given is None else given if isinstance(given, list) else [given]
    numbers = [
        joint for limb in entries if isinstance(limb, list) for joint in limb if not isinstance(joint, list | dict)
    ]
    first = 0 if 0 in numbers and len(joints) not in numbers else 1
    read = [_read_limb(limb, joints, first) for limb in entries]
    warnings = []
    left_out = [quote(entry) for entry, limb in zip(entries, read, strict=True) if limb is None]
    if left_out:
        warnings.append(
            f"{len(left_out)} of {len(entries)} limbs in the category's 'skeleton' cannot be drawn, such as "
            f"{left_out[0]}: a limb is a pair of joints, counted from 1 to {len(joints)}"
        )
    if first == 0:
        warnings.append("the limbs in the category's 'skeleton' are taken as counted from 0: one of them has joint 0")
    return tuple(limb for limb in read if limb is not None), warnings


def _read_limb(limb: Any, joints: Sequence[str], first: int) -> tuple[int, int] | None:
    """Return a limb as joints counted from 0, where the file counts from `first`; None for what is no limb."""
    if not isinstance(limb, list) or len(limb) != 2:
        return None
    found = []
    for joint in limb:
        if isinstance(joint, str) and joint in joints:
            found.append(joints.index(joint))
        elif isinstance(joint, int | float) and not isinstance(joint, bool) and joint - first in range(len(joints)):
            found.append(int(joint) - first)
    return (found[0], found[1]) if len(found) == 2 else None
