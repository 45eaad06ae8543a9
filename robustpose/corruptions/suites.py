"""The grid: which cells a run covers."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose import corruptions
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell

FULL_GRID = (
    CLEAN,
    *(Cell(name, severity) for name in corruptions.NAMES for severity in corruptions.SEVERITIES),
)


def choose_cells(corruption_words: Sequence[str], severities: Sequence[int]) -> tuple[Cell, ...]:
    """Return the cells of a run, clean first, in the order of the tables.

    Args:
        corruption_words: names; groups (`noise`, `blur`, `weather`, `digital`, `held_out`); `all` for the 15; `none`
            for clean images only; or ``package.module:function``.
        severities: of 1..5.

    Raises:
        UserError: a word or a severity means nothing.
    """
    names: list[str] = []
    for word in corruption_words:
        if word == "none":
            continue
        if word == "all":
            names += corruptions.NAMES
        elif word == "held_out":
            names += corruptions.HELD_OUT
        elif word in corruptions.GROUPS:
            names += corruptions.GROUPS[word]
        else:
            names.append(word)
    corruptions.check_names(names)
    for severity in severities:
        if severity not in corruptions.SEVERITIES:
            raise UserError(f"severities are 1, 2, 3, 4 and 5, got {severity}")
    if names and not severities:
        raise UserError("name at least one severity of 1, 2, 3, 4 and 5")
    known = [name for name in (*corruptions.NAMES, *corruptions.HELD_OUT) if name in names]
    others = [name for name in dict.fromkeys(names) if name not in known]
    return (CLEAN, *(Cell(name, severity) for name in known + others for severity in sorted(set(severities))))


def is_full(cells: Sequence[Cell]) -> bool:
    """Tell whether clean and all 75 cells of the benchmark are there."""
    return set(FULL_GRID) <= set(cells)
