"""Skeleton files: YAML that says of joints what an annotation file does not. Joints are named, or numbered from 0.

sigmas: {nose: 0.026, left_eye: 0.025, …}      OKS sigmas, by joint or as a list in the joints' order
flip_pairs: [[left_eye, right_eye], …]         joints that change places in a mirrored image; [] for none
limbs: [[nose, left_eye], …]                   joints that are drawn linked
joints: {n: nose, e1: left_eye, …}             what joints are usually called, by their names in the annotations; or a
                                               list of all names in their order. The other lines have these names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, StrictStr

from robustpose.config import Settings, check_settings
from robustpose.errors import UserError, first_few, nearest, quote, spell_list
from robustpose.pose.skeleton_table import TABLE
from robustpose.reading import read_yaml
from robustpose.records import Must

Pairs = tuple[tuple[int, int], ...]
Sigma = Annotated[float, Field(strict=True, ge=1e-4, le=1, allow_inf_nan=False), Must("a number above 0, at most 1")]
Joint = Annotated[StrictStr | StrictInt, Must("the name of a joint, or its number from 0")]
Pair = Annotated[tuple[Joint, Joint], Must("a pair of joints")]
Name = Annotated[StrictStr, Field(min_length=1, max_length=200), Must("the name of a joint")]


def _tell_name_from_path(value: Any) -> Any:
    """Return the name of a published skeleton as text, a path to a file as a path."""
    if isinstance(value, str | Path) and str(value) in TABLE:
        return str(value)
    return Path(value) if isinstance(value, str) else value


# What settings take for a skeleton: the name of a published one, or a path to such a file.
NameOrFile = Annotated[str | Path | None, BeforeValidator(_tell_name_from_path)]


class _File(Settings):
    sigmas: Annotated[
        list[Sigma] | dict[str, Sigma] | None, Must("numbers above 0, at most 1: a list, or by joint")
    ] = None
    flip_pairs: Annotated[list[Pair] | None, Must("pairs of joints, [] for none")] = None
    limbs: Annotated[list[Pair] | None, Must("pairs of joints")] = None
    joints: Annotated[
        list[Name] | dict[Name, Name] | None, Must("names of joints: a list of all, or by their names in annotations")
    ] = None


@dataclass(frozen=True)
class SkeletonFile:
    """What a skeleton file says of K joints; None for what it does not say."""

    sigmas: tuple[float, ...] | None
    flip_pairs: Pairs | None
    limbs: Pairs | None


def read_skeleton_file(path: Path, joints: Sequence[str]) -> SkeletonFile:
    """Return what a skeleton file says of joints; UserError where it does not fit them."""
    file = _read(path)
    pairs = None if file.flip_pairs is None else _find_pairs(file.flip_pairs, joints, f"{path}: flip_pairs")
    limbs = None if file.limbs is None else _find_pairs(file.limbs, joints, f"{path}: limbs")
    paired = [joint for pair in pairs or () for joint in pair]
    twice = sorted({joints[joint] for joint in paired if paired.count(joint) > 1})
    if twice:
        raise UserError(f"{path}: flip_pairs may have each joint once: {', '.join(map(quote, twice))}")
    return SkeletonFile(_order_sigmas(file.sigmas, joints, path), pairs, limbs)


def rename_joints(path: Path, joints: Sequence[str]) -> tuple[str, ...]:
    """Return the joints of annotations as a skeleton file calls them; those of its list where annotations name none."""
    said = _read(path).joints
    if said is None:
        return tuple(joints)
    if isinstance(said, dict):
        unknown = [f"{quote(name)}{nearest(name, joints)}" for name in said if name not in joints]
        if unknown:
            raise UserError(f"{path}: joints: the annotations have no joint {first_few(unknown, 'joints')}")
        renamed = [said.get(joint, joint) for joint in joints]
    else:
        if joints and len(said) != len(joints):
            raise UserError(
                f"{path}: joints must name all {len(joints)} joints of the annotations in their order (or name: name), "
                f"got {len(said)}"
            )
        renamed = said
    twice = sorted({name for name in renamed if renamed.count(name) > 1})
    if twice:
        raise UserError(f"{path}: joints has a name twice: {', '.join(map(quote, twice))}")
    return tuple(renamed)


def names_all_joints(path: Path) -> bool:
    """Tell whether a skeleton file lists all joints, so that annotations need not name any."""
    return isinstance(_read(path).joints, list)


def _read(path: Path) -> _File:
    if not path.exists():
        meant = nearest(path.name.lower(), TABLE)
        raise UserError(
            f"there is no skeleton file {path}{meant}: name one, or a published skeleton (robustpose list skeletons)"
        )
    content = read_yaml(path, "skeleton file")
    if not isinstance(content, dict) or not content:
        came = type(content).__name__ if content else "nothing"  # what stands in a file of another kind is not told
        raise UserError(f"skeleton file {path} must hold sigmas, flip_pairs, limbs or joints (key: value), got {came}")
    return check_settings(_File, content, f"skeleton file {path}")


def _order_sigmas(
    sigmas: Sequence[float] | dict[str, float] | None, joints: Sequence[str], path: Path
) -> tuple[float, ...] | None:
    if isinstance(sigmas, dict):
        differing = [
            f"{quote(name)} {'is missing' if name in joints else 'is unknown'}" for name in sigmas.keys() ^ set(joints)
        ]
        if differing:
            raise UserError(
                f"{path} must give a sigma for each joint of the annotations and no other: "
                f"{first_few(sorted(differing), 'differences')}"
            )
        return tuple(sigmas[joint] for joint in joints)
    if sigmas is not None and len(sigmas) != len(joints):
        raise UserError(f"{path} must hold 'sigmas' with {len(joints)} numbers (or joint: number), got {len(sigmas)}")
    return None if sigmas is None else tuple(sigmas)


def _find_pairs(pairs: Sequence[tuple[str | int, str | int]], joints: Sequence[str], where: str) -> Pairs:
    """Return pairs of joints as numbers from 0."""
    found = []
    for pair in pairs:
        for joint in pair:
            if isinstance(joint, str) and joint not in joints:
                raise UserError(f"{where}: there is no joint {quote(joint)}{nearest(joint, joints)}")
            if isinstance(joint, int) and not 0 <= joint < len(joints):
                raise UserError(f"{where}: joints are numbered from 0 to {len(joints) - 1}, got {quote(joint)}")
        first, second = (joints.index(joint) if isinstance(joint, str) else joint for joint in pair)
        if first == second:
            raise UserError(f"{where}: {spell_list(map(quote, pair))} are the same joint")
        found.append((first, second))
    return tuple(found)
