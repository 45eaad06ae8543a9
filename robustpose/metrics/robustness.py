"""Robustness: what follows from the score of every cell: means of corruptions, of groups, and of a whole suite.

The mean of a suite is the mean over its corruptions of the mean over their severities; its ratio is that mean divided
by the clean score. For COCO-C they are mPC and rPC (Wang et al., CVPR 2021, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell

SHOWN = 80  # cells in a message
# Metrics whose score on clean images is 1 by definition: the mean over a suite has their name, and there is no ratio.
HELD_AGAINST_CLEAN = ("consistency",)
# Of a clean score that is to be divided by. What is below, such as 1e-17 for one joint of one image, is rounding or the
# tail of an exponential, and a ratio to it says nothing.
LEAST_CLEAN = 1e-6


@dataclass(frozen=True, eq=False)
class Means:
    """The scores of a run and their means. Each is a float, or an array (R,) with one value for each resample.

    `mean` and `ratio` are None, and `groups`, `severities` and `geometric` empty, unless the suite is complete: a mean
    over other cells would be taken for the suite's.
    """

    clean: Any  # score on clean images
    mean: Any  # of the suite: mPC for COCO-C
    ratio: Any  # mean / clean: rPC for COCO-C
    groups: dict[str, Any]  # by group of corruptions
    corruptions: dict[str, Any]  # by corruption of the run, over the severities of the run
    cells: dict[str, Any]  # by cell, clean left out
    severities: dict[int, Any]  # by severity, over the suite's corruptions
    # of suites with corruptions that move pixels: the mean without them, say `mPC_without`, and over them, `mPC_only`
    geometric: dict[str, Any]


def take_means(scores: Mapping[Cell, Any], cells: Sequence[Cell], suite: Suite = COCO_C) -> Means:
    """Return the means of a run, and those of the suite if all its cells are there.

    `scores` are floats, or arrays (R,) of resamples. `cells` are those that were asked for: one without a score is an
    error, and so is a missing clean one.
    """
    corrupted = [cell for cell in cells if cell.corruption is not None]
    names = list(dict.fromkeys(str(cell.corruption) for cell in corrupted))
    run_severities = sorted({cell.severity for cell in corrupted})
    require_cells(scores, list(dict.fromkeys([CLEAN, *cells])))
    is_complete = suite.is_complete(cells)

    def mean_of(corruptions: Sequence[str], severities: Sequence[int] = suite.severities) -> Any:
        return mean_under_corruption(scores, corruptions, severities)

    mean = mean_of(suite.corruptions) if is_complete else None
    others = [name for name in suite.corruptions if name not in suite.moves_pixels]
    parts = {f"{suite.mean_name}_without": others, f"{suite.mean_name}_only": suite.moves_pixels}
    return Means(
        clean=scores[CLEAN],
        mean=mean,
        ratio=None if mean is None else relative_under_corruption(mean, scores[CLEAN]),
        groups={group: mean_of(members) for group, members in suite.groups.items()} if is_complete else {},
        corruptions={name: mean_of([name], run_severities) for name in names},
        cells={cell.key: scores[cell] for cell in corrupted},
        severities={one: mean_of(suite.corruptions, [one]) for one in suite.severities} if is_complete else {},
        geometric={name: mean_of(part) for name, part in parts.items()} if is_complete and suite.moves_pixels else {},
    )


def mean_of_chosen(means: Means) -> Any:
    """Return the mean over the corruptions of a run that has not all cells of its suite; None for one that has."""
    chosen = list(means.corruptions.values())
    return sum(chosen) / len(chosen) if chosen and means.mean is None else None


def name_means(suite: Suite, metric: str) -> Suite:
    """Return a suite with the names that its mean and its ratio have for a metric, by the name of its figure."""
    return suite.with_mean_called(metric) if metric in HELD_AGAINST_CLEAN else suite


def mean_under_corruption(scores: Mapping[Cell, Any], corruptions: Sequence[str], severities: Sequence[int]) -> Any:
    """Return the mean over `corruptions` of the mean over `severities`; a cell that is missing is an error."""
    require_cells(scores, [Cell(name, severity) for name in corruptions for severity in severities])
    means = [sum(scores[Cell(name, severity)] for severity in severities) / len(severities) for name in corruptions]
    return sum(means) / len(means)


def relative_under_corruption(mean: Any, clean: Any) -> Any:
    """Return mean / clean score; None, or NaN in arrays (R,), where the clean score is next to nothing."""
    if isinstance(clean, np.ndarray):
        return np.divide(mean, clean, out=np.full(len(clean), np.nan), where=clean > LEAST_CLEAN)
    return mean / clean if clean > LEAST_CLEAN else None


def require_cells(scores: Mapping[Cell, Any], expected: Sequence[Cell]) -> None:
    """Raise UserError that names the cells of `expected` which `scores` lacks. None is ever taken for zero."""
    missing = [cell.key for cell in expected if cell not in scores]
    if missing:
        named = ", ".join(missing[:SHOWN]) + ", …" * (len(missing) > SHOWN)
        raise UserError(f"the summary needs {len(expected)} cells, {len(missing)} are missing: {named}")
