"""Which category of a COCO file is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.data.coco_file import CocoFile, Entry
from robustpose.errors import UserError, quote, spell_list
from robustpose.pose.skeleton_table import list_by_size

ALL = "all"  # of the categories with keypoints
EVERY = "*"  # the same, where a category is called so


def choose_categories(file: CocoFile, wanted: str | None, are_joints_given: bool = False) -> list[Entry]:
    """Return the categories whose people are looked for: one, or several of the same joints.

    `wanted` is a category's name or id, or ``all`` if all with keypoints have the same joints. Where it may be two of
    these, it is refused: ``name:NAME``, ``id:ID`` and ``*`` say which is meant. By default the only one with keypoints
    is taken, or the one of them that is called `person`. Where joints are given, as by the name of a published
    skeleton, a file need not name any.
    """
    posed = [category for category in file.categories if category.get("keypoints")]
    if are_joints_given and not posed:
        posed = file.categories
    names = spell_list(f"{_name(category)} (id {category['id']})" for category in posed) if posed else "none"
    if not posed:
        raise UserError(f"{file.path} has no category with keypoints: {_advise(file)}")
    if wanted is None:
        found = [category for category in posed if category.get("name") == "person"] or posed
        if len(found) == 1:
            return found
        together = f", or {ALL} of them" if _have_same_joints(posed) else ""
        raise UserError(
            f"{file.path} has several categories with keypoints, {names}: choose one{together}, category: NAME "
            "(--category NAME)"
        )
    if wanted == EVERY or (wanted == ALL and not any(wanted in _spell(category) for category in posed)):
        if not _have_same_joints(posed):
            raise UserError(f"{file.path}: {names} do not have the same joints: choose one, --category NAME")
        return posed
    found = _find(file.categories, wanted)
    found = [category for category in found if category in posed] or found
    if wanted == ALL and posed != found:
        raise UserError(
            f"{file.path}: --category {ALL} may be the category of that name or all of them ({names}): say --category "
            f"name:{ALL}, or --category '{EVERY}' for all of them"
        )
    if len({str(category.get("name", "")) == wanted for category in found}) > 1:
        raise UserError(
            f"{file.path}: --category {wanted} is one category's name and another one's id ({names}): say --category "
            f"name:{wanted} or --category id:{wanted}"
        )
    if len(found) != 1 or found[0] not in posed:
        reason = "no category" if not found else "several categories" if len(found) > 1 else "no keypoints for category"
        raise UserError(f"{file.path} has {reason} {quote(wanted)} (--category); those with keypoints are: {names}")
    return found


def _find(categories: Sequence[Entry], wanted: str) -> list[Entry]:
    """Return the categories that are meant, by name or id, or by the one that a prefix says."""
    found = [category for category in categories if wanted in _spell(category)]
    return found or [category for category in categories if wanted in _spell_exactly(category)]


def _spell(category: Entry) -> tuple[str, str]:
    return str(category.get("name", "")), str(category["id"])


def _spell_exactly(category: Entry) -> tuple[str, str]:
    return f"name:{category.get('name', '')}", f"id:{category['id']}"


def name_categories(categories: Sequence[Entry]) -> tuple[str, ...]:
    """Return what categories are called: their names, or their ids where two have one name or one has none."""
    names = tuple(str(category.get("name") or category["id"]) for category in categories)
    return names if len(set(names)) == len(names) else tuple(str(category["id"]) for category in categories)


def _advise(file: CocoFile) -> str:
    """Return what to do about a file that names no joints."""
    sizes = (len(joints) // 3 for one in file.annotations if isinstance(joints := one.get("keypoints"), list))
    n_joints = max(sizes, default=0)
    if n_joints == 0:
        return "it is of no keypoint dataset"
    names = spell_list(list_by_size(n_joints), "or") if list_by_size(n_joints) else "see robustpose list skeletons"
    return f"its annotations have {n_joints} joints; name the skeleton, --skeleton NAME ({names})"


def _have_same_joints(categories: Sequence[Entry]) -> bool:
    return all(category.get("keypoints") == categories[0].get("keypoints") for category in categories)


def _name(category: Entry) -> str:
    return quote(str(category.get("name", "")))
