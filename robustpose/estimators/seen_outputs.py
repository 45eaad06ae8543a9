"""Outputs of one call of a file, looked through for joints, and what their shapes have in common with a form's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from robustpose.decoding.one_stage import RowForm, choose_form
from robustpose.estimators.file_options import FileOptions
from robustpose.estimators.network_file import Layout, Outputs

MOST_STRIDE = 64
NO_NUMBERS = np.zeros(())  # in the place of outputs that are no floating-point numbers


@dataclass(frozen=True)
class Seen:
    """Outputs of a call on `n_crops` crops of `input_wh` px in a layout, to be looked through for `n_joints` joints."""

    outputs: Outputs
    n_crops: int
    input_wh: tuple[int, int]
    layout: Layout
    n_joints: int
    options: FileOptions

    def floats(self, n_sides: int) -> Outputs:
        """Return the outputs of floating-point numbers that have so many sides, the first of which are the crops."""
        return {name: a for name, a in self.outputs.items() if is_float(a, n_sides) and len(a) == self.n_crops}


def choose_rows(seen: Seen) -> RowForm:
    """Return how the outputs are rows of people; NoForm, whose message is empty where they do not look like it."""
    # As of one image: a file that takes several at once gives as many.
    shapes = [
        (1, *array.shape[1:]) if array.ndim and len(array) == seen.n_crops else array.shape
        for array in (found if is_float(found) else NO_NUMBERS for found in seen.outputs.values())
    ]
    options = seen.options
    return choose_form(shapes, seen.input_wh, seen.n_joints, options.rows, options.classes, options.columns)


def is_float(array: Any, n_sides: int | None = None) -> bool:
    """Return whether an output is an array of floating-point numbers, with so many sides if that is said."""
    return isinstance(array, np.ndarray) and array.dtype.kind == "f" and n_sides in (None, array.ndim)


def divide(map_hw: tuple[int, ...], input_hw: tuple[int, ...]) -> int:
    """Return the number of px of the input per px of a map; 0 if its sides do not divide by one."""
    stride = input_hw[1] // map_hw[1] if map_hw[1] else 0
    fits = (map_hw[0] * stride, map_hw[1] * stride) == tuple(input_hw)
    return stride if fits and 1 <= stride <= MOST_STRIDE else 0
