"""Checkpoints: everything the rest of a run depends on, in one file that is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from robustpose.errors import UserError
from robustpose.files import open_whole


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write `state` (tensors, numbers, strings, nested), atomically: killed at any moment, the old one is still whole.

    The old file also stays, with a UserError, where a tensor holds a value that is not finite.
    """
    broken = _find_not_finite(state)
    if broken:
        raise UserError(
            f"training has diverged: {broken} is not finite; {path} stays as it was: lower the learning rate"
        )
    with open_whole(path, sync=True) as file:
        torch.save(state, file)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what `write_checkpoint` wrote; runs no code from the file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        raise UserError(f"cannot read checkpoint {path} ({type(error).__name__}): delete it to start anew") from error


def _find_not_finite(value: Any, name: str = "") -> str:
    if isinstance(value, torch.Tensor):
        return "" if torch.isfinite(value).all() else name
    if isinstance(value, dict):
        found = (_find_not_finite(item, f"{name}.{key}".lstrip(".")) for key, item in value.items())
        return next(filter(None, found), "")
    return ""
