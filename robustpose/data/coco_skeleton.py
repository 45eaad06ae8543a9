"""The skeleton of a COCO file's people: what the category's entry says, a skeleton file, and the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustpose.data.coco_category import ALL
from robustpose.data.coco_file import Entry
from robustpose.data.skeleton_file import Pairs, read_skeleton_file, rename_joints
from robustpose.errors import UserError, first_few, quote, spell_list
from robustpose.pose.joint_names import spell
from robustpose.pose.skeleton_table import TABLE, UNKNOWN, Published, find_published, get_published
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.whole_body import WHOLE_BODY


@dataclass(frozen=True)
class FoundSkeleton:
    """A skeleton, and what results say of it."""

    skeleton: Skeleton
    published: str | None  # whose joints these are, of the table of published skeletons
    provenance: dict[str, object]
    warnings: list[str]


def read_skeleton(
    categories: Sequence[Entry], path: Path, given: str | Path | None, is_whole_body: bool = False
) -> FoundSkeleton:
    """Return the skeleton of COCO categories: `name`, `keypoints` (K names), perhaps `skeleton` (limbs, 1-based pairs).

    `given` is a skeleton file, or the name of a published skeleton. What the file does not say comes from the category,
    and what that does not say from the published skeleton whose joints these are. Sigmas of other joints are 1/K. With
    a name, the joints are those of that skeleton, in its order unless the category names them in another one.
    """
    joints = tuple(categories[0].get("keypoints") or ())
    name = str(categories[0].get("name") or "person") if len(categories) == 1 else ALL
    where = f"{path}: category {quote(name)}"
    if len(set(joints)) < len(joints):
        raise UserError(f"{where} names a joint twice: {', '.join(map(quote, joints))}")
    renamed = rename_joints(given, joints) if isinstance(given, Path) else joints
    limbs, warnings = read_limbs(categories[0].get("skeleton"), joints or renamed)
    joints = renamed
    if is_whole_body and joints and not any(TABLE[of].is_in_order(joints) for of in (COCO.name, WHOLE_BODY.name)):
        raise UserError(f"{path}: parts: wholebody is for COCO's 17 joints in their order, got {len(joints)} joints")
    provenance: dict[str, object] = {}
    if is_whole_body:
        _check_whole_body(given, path)
        skeleton, of = WHOLE_BODY, [TABLE[WHOLE_BODY.name]]
    elif isinstance(given, str):
        of = [get_published(given)]
        skeleton, doubts = _take_as(of[0], joints, where)
        if doubts:
            limbs, warnings, provenance = (
                () if len(joints) != skeleton.n_joints else limbs,
                doubts,
                {"joints_as": given},
            )
    else:
        of = find_published(joints)
        arranged = of[0].arrange(joints) if len(of) == 1 else None
        skeleton = arranged or Skeleton(name, joints, (), (1 / len(joints),) * len(joints), UNKNOWN)
    skeleton = replace(skeleton, name=name, limbs=limbs or skeleton.limbs)
    if isinstance(given, Path):
        skeleton, has_limbs = _apply_file(skeleton, given)
        warnings = [] if has_limbs else warnings
    if skeleton.sigmas_from == UNKNOWN:
        warnings.append(_doubt_sigmas(skeleton, of))
    provenance = {"skeleton": name, "sigmas_from": skeleton.sigmas_from, **provenance}
    return FoundSkeleton(skeleton, of[0].skeleton.name if len(of) == 1 else None, provenance, warnings)


def _check_whole_body(given: str | Path | None, path: Path) -> None:
    if isinstance(given, str) and given not in (COCO.name, WHOLE_BODY.name):
        raise UserError(f"{path}: parts: wholebody is COCO-WholeBody's, and does not go with --skeleton {given}")


def _take_as(row: Published, joints: Sequence[str], where: str) -> tuple[Skeleton, list[str]]:
    """Return a published skeleton with joints as a category names them, or as they are; and the doubts that raises.

    UserError where the category gives a joint of the skeleton another place, without naming all of them.
    """
    skeleton = row.skeleton
    arranged = row.arrange(joints)
    if arranged is not None or not joints:
        return arranged or skeleton, []
    if len(joints) != skeleton.n_joints:
        return skeleton, [
            f"{where} names {len(joints)} joints: they are taken as the {skeleton.n_joints} of {skeleton.name}, in its "
            "order, as --skeleton says"
        ]
    own = spell(skeleton.joints)
    pairs = list(zip(spell(row.translate(joints)), own, joints, skeleton.joints, strict=True))
    moved = [
        f"{quote(name)} where that has {quote(joint)}"
        for key, own_key, name, joint in pairs
        if key != own_key and key in own
    ]
    if moved:
        raise UserError(
            f"{where} does not have the joints of {skeleton.name} in its order: {first_few(moved, 'joints')}. Leave "
            "out --skeleton, or name the skeleton that it has"
        )
    others = [name for key, own_key, name, _ in pairs if key != own_key]
    return skeleton, [
        f"{len(others)} joints of category {where.rpartition('category ')[2]} have other names than those of "
        f"{skeleton.name}, such as {quote(others[0])}: they are taken in its order, as --skeleton says"
    ]


def _apply_file(skeleton: Skeleton, path: Path) -> tuple[Skeleton, bool]:
    """Return a skeleton with what a skeleton file says, and whether that says the limbs."""
    file = read_skeleton_file(path, skeleton.joints)
    if file.sigmas is not None:
        skeleton = replace(skeleton, sigmas=file.sigmas, sigmas_from=path.name)
    if file.limbs is not None:
        skeleton = replace(skeleton, limbs=file.limbs)
    if file.flip_pairs is not None:
        skeleton = replace(skeleton, flip_pairs=file.flip_pairs, sides_from="given")
    return skeleton, file.limbs is not None


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
