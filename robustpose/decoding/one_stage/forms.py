"""Forms of rows: how rows of people can lie in the outputs of a network of some shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from robustpose.decoding.one_stage.kinds import CELLS_TO_ROWS, RAW_KINDS, STRIDES, Kind

Shape = tuple[int, ...]


@dataclass(frozen=True)
class RowForm:
    """How rows lie in the outputs of one network."""

    kind: Kind
    outputs: tuple[int, ...]  # indices: of the rows; of boxes and of joints for RTMO
    n_rows: int
    columns_first: bool = False  # (1, numbers, rows), not (1, rows, numbers)
    n_classes: int = 1
    n_numbers: int = 3  # of a joint: x, y and a confidence, or 2 without

    @property
    def is_raw(self) -> bool:
        """Return whether people are still to be suppressed."""
        return self.kind in RAW_KINDS

    def write_options(self, with_columns: bool) -> str:
        """Return the options that choose this form among others, and what it is."""
        classes = f" classes={self.n_classes}" if self.is_raw else ""
        columns = f" columns={'first' if self.columns_first else 'last'}" if self.is_raw and with_columns else ""
        return f"rows={self.kind}{classes}{columns} ({'x y v' if self.n_numbers == 3 else 'x y'} of each joint)"


class NoForm(ValueError):
    """Outputs are no rows that can be told; the message says why, to go on after a file's name and its shapes."""


def list_forms(shapes: Sequence[Shape], n_joints: int) -> list[RowForm]:
    """Return all ways to read outputs as rows of that many joints."""
    found = []
    for i, shape in enumerate(shapes):
        if len(shape) == 3 and shape[0] == 1:
            found += _list_of_one(i, shape[1], shape[2], n_joints)
        pairs = (j for j, other in enumerate(shapes) if shape == (1, *other[1:2], 5) and len(other) == 4)
        found += [RowForm("rtmo", (i, j), shape[1]) for j in pairs if shapes[j] == (1, shape[1], n_joints, 3)]
    return found


def _list_of_one(i: int, second: int, third: int, n_joints: int) -> list[RowForm]:
    found = []
    for columns, n_rows, first in ((second, third, True), (third, second, False)):
        for n_numbers in (3, 2):
            rest = columns - n_numbers * n_joints
            if rest > 4:
                found.append(RowForm("yolo", (i,), n_rows, first, rest - 4, n_numbers))
            if rest > 5 and n_numbers == 3:
                found.append(RowForm("yolo-obj", (i,), n_rows, first, rest - 5))
            if rest == 6 and not first:
                found.append(RowForm("yolo-nms", (i,), n_rows, n_numbers=n_numbers))
            if rest == 5 and n_numbers == 3 and not first:
                found.append(RowForm("movenet", (i,), n_rows))
    return found


def has_row_per_cell(form: RowForm, input_wh: tuple[int, int]) -> bool:
    """Return whether there are as many rows as the kind has for an input, px."""
    return form.kind in CELLS_TO_ROWS and form.n_rows in count_rows(CELLS_TO_ROWS[form.kind], input_wh)


def count_rows(n_per_cell: int, input_wh: tuple[int, int]) -> list[int]:
    """Return the numbers of rows for an input, px, with so many a cell, one for each choice of strides."""
    cells = (sum(math.prod(-(-side // stride) for side in input_wh) for stride in strides) for strides in STRIDES)
    return [n_per_cell * count for count in cells]
