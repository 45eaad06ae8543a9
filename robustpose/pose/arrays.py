"""Arrays of others: lists and tensors become NumPy arrays of numbers, or one clear line."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError

NUMBERS = "biuf"  # kinds of NumPy's types: bool, integers, floats


def to_numbers(value: Any, what: str) -> npt.NDArray[Any]:
    """Return an array of numbers as it is, and lists, and tensors of any device or with gradients, as one.

    Raises:
        UserError: it is no array of numbers. The message begins with `what`, such as ``Poses.xy``.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS:
        return value
    try:
        array = np.asarray(_take_out(value))
    except Exception as error:  # whatever a library of theirs has for it
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{what} must be an array of numbers, got {type(value).__name__} ({reason})") from error
    if array.dtype.kind not in NUMBERS:
        came = type(value).__name__ if array.ndim == 0 else f"{type(value).__name__} of {array.dtype}"
        raise UserError(f"{what} must be an array of numbers, got {came}")
    return array


def _take_out(value: Any) -> Any:
    """Return what NumPy takes: tensors without gradients, on the CPU, of a type that it knows."""
    if isinstance(value, list | tuple):
        return [_take_out(part) for part in value]
    for step in ("detach", "cpu"):
        value = getattr(value, step)() if hasattr(value, step) else value
    return value.float() if "bfloat16" in str(getattr(value, "dtype", "")) else value
