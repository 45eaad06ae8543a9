"""Robustness: mPC, rPC and group means, pure functions of complete scores (Wang et al., CVPR 2021, section 3).

mPC is the mean over corruptions of the mean over severities of the score; rPC = mPC / clean score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustpose.errors import UserError
from robustpose.pose.cell import Cell


def corruption_mean(scores: Mapping[Cell, float], corruption: str, severities: Sequence[int]) -> float:
    """Return the mean score over the severities of one corruption.

    Raises:
        UserError: a cell is missing; all missing ones are named.
    """
    require_cells(scores, [Cell(corruption, severity) for severity in severities])
    return sum(scores[Cell(corruption, severity)] for severity in severities) / len(severities)


def mean_under_corruption(scores: Mapping[Cell, float], corruptions: Sequence[str], severities: Sequence[int]) -> float:
    """Return mPC: the mean over `corruptions` of the mean over `severities`.

    Raises:
        UserError: a cell is missing; all missing ones are named.
    """
    require_cells(scores, [Cell(name, severity) for name in corruptions for severity in severities])
    return sum(corruption_mean(scores, name, severities) for name in corruptions) / len(corruptions)


def relative_under_corruption(mpc: float, clean: float) -> float | None:
    """Return rPC = mPC / clean score; None where the clean score is 0 or undefined and the ratio has no meaning."""
    return mpc / clean if clean > 0 else None


def group_means(
    scores: Mapping[Cell, float], groups: Mapping[str, Sequence[str]], severities: Sequence[int]
) -> dict[str, float]:
    """Return the mean under corruption of each group (noise, blur, weather, digital)."""
    return {group: mean_under_corruption(scores, names, severities) for group, names in groups.items()}


def require_cells(scores: Mapping[Cell, float], expected: Sequence[Cell]) -> None:
    """Raise UserError that names the cells of `expected` which `scores` lacks. None is ever taken for zero."""
    missing = [cell.key for cell in expected if cell not in scores]
    if missing:
        raise UserError(f"the summary needs {len(expected)} cells, {len(missing)} are missing: {', '.join(missing)}")
