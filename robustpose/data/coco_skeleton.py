"""The skeleton of a COCO annotation file: from its category, with sigmas from COCO, a small YAML file, or 1/K."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import yaml

from robustpose.errors import UserError
from robustpose.pose.skeletons import Skeleton, sigmas_for


def read_skeleton(category: dict[str, Any], skeleton_file: Path | None = None) -> Skeleton:
    """Return the skeleton that a COCO category describes.

    Args:
        category: with `name`, `keypoints` (K names) and, if it likes, `skeleton` (limbs, 1-based pairs).
        skeleton_file: YAML with `sigmas`: a list of K numbers, or a mapping from every joint's name to its sigma.
    """
    joints = tuple(str(name) for name in category["keypoints"])
    limbs = tuple((int(a) - 1, int(b) - 1) for a, b in category.get("skeleton") or [])
    name = str(category.get("name", "person"))
    if skeleton_file is not None:
        return Skeleton(name, joints, limbs, _read_sigmas(skeleton_file, joints), skeleton_file.name)
    sigmas, sigmas_from = sigmas_for(joints)
    if sigmas_from == "1/K":
        warnings.warn(
            f"the {len(joints)} joints of category '{name}' are not COCO's: every OKS sigma is 1/{len(joints)}. "
            "Give measured ones with --skeleton FILE (YAML with 'sigmas')",
            stacklevel=3,
        )
    return Skeleton(name, joints, limbs, sigmas, sigmas_from)


def _read_sigmas(path: Path, joints: tuple[str, ...]) -> tuple[float, ...]:
    try:
        settings = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the skeleton file {path}: {error}") from error
    sigmas = settings.get("sigmas") if isinstance(settings, dict) else None
    if isinstance(sigmas, dict):
        if set(sigmas) != set(joints):
            differing = ", ".join(sorted(set(sigmas) ^ set(joints)))
            raise UserError(f"{path} must give a sigma for each joint of the annotations and no other: {differing}")
        sigmas = [sigmas[joint] for joint in joints]
    if not isinstance(sigmas, list) or len(sigmas) != len(joints):
        raise UserError(f"{path} must hold 'sigmas' with {len(joints)} numbers (or joint: number), got {sigmas!r}")
    try:
        return tuple(float(sigma) for sigma in sigmas)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: sigmas must be numbers, got {sigmas!r}") from error
