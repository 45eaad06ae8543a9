"""Divergence: values that are infinite or no numbers, wherever they show up. One message; the last good state stays.

They are looked for in the losses of every step, in everything that the next updates depend on before it is evaluated or
written, and in what the evaluation sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robustpose.errors import NotFinite, UserError


@contextmanager
def telling_divergence(step: int, lr: float, last: Path) -> Iterator[None]:
    """Turn `NotFinite` into a UserError that says what to do, after so many steps of a run with checkpoint `last`."""
    try:
        yield
    except NotFinite as error:
        kept = f"{last} holds the last good state" if last.exists() else "there is no checkpoint yet"
        raise UserError(
            f"training has diverged: {error} at step {step}; {kept}: try a lower lr than {lr:g} in another run folder"
        ) from error


def check_losses(losses: Mapping[str, float], batch: Mapping[str, Tensor]) -> None:
    """Raise NotFinite for a loss that is infinite or no number, or UserError where the batch is to blame."""
    broken = [f"{name} is {loss}" for name, loss in losses.items() if not math.isfinite(loss)]
    if not broken:
        return
    given = find_not_finite(dict(batch))
    if given:
        raise UserError(f"train_data gives values that are not finite ({given}): check its joints, boxes and images")
    raise NotFinite(", ".join(broken))


def check_state(state: Any) -> None:
    """Raise NotFinite for a state, nested dicts, that holds a value which is infinite or no number."""
    broken = find_not_finite(state)
    if broken:
        raise NotFinite(f"{broken} is not finite")


def find_not_finite(value: Any, name: str = "") -> str:
    """Return the name of the first tensor or number in nested dicts that is not finite, such as ``student.x``."""
    if isinstance(value, Tensor):
        is_finite = not value.is_floating_point() or bool(torch.isfinite(value).all())
        return "" if is_finite else name or "a tensor"
    if isinstance(value, float):
        return "" if math.isfinite(value) else name or "a number"
    if isinstance(value, Mapping):
        found = (find_not_finite(item, f"{name}.{key}".lstrip(".")) for key, item in value.items())
        return next(filter(None, found), "")
    if isinstance(value, list | tuple):
        return next(filter(None, (find_not_finite(item, name) for item in value)), "")
    return ""
