"""Intervals of a summary's figures, from what the resamples scored in every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from robustpose import corruptions
from robustpose.corruptions.suites import is_full
from robustpose.metrics.robustness import (
    corruption_mean,
    group_means,
    mean_under_corruption,
    relative_under_corruption,
)
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Floats
from robustpose.results.resampling import LEVEL, interval

# The pixels move while the annotated joints stay: part of the drop is the truth's, not the estimator's.
GEOMETRIC = ("glass_blur", "zoom_blur", "elastic_transform")
PHOTOMETRIC = tuple(name for name in corruptions.NAMES if name not in GEOMETRIC)


@dataclass(frozen=True, eq=False)
class Series:
    """The figures of a run that are means of cells; floats, or (R,) arrays of resamples.

    Attributes:
        clean: score on clean images.
        mpc: mean over the 75 cells; None if some are missing.
        rpc: mpc / clean.
        groups: mean of each group of corruptions.
        corruptions: mean of each corruption.
        cells: of each cell but clean.
        severities: mean over the 15 corruptions at each severity.
        mpc_photometric: mpc without the corruptions that move pixels.
        mpc_geometric: of those alone.
    """

    clean: Any
    mpc: Any
    rpc: Any
    groups: dict[str, Any]
    corruptions: dict[str, Any]
    cells: dict[str, Any]
    severities: dict[int, Any]
    mpc_photometric: Any
    mpc_geometric: Any


def make_series(scores: Mapping[Cell, Any], cells: Sequence[Cell]) -> Series:
    """Return the figures of scores by cell: floats, or (R,) arrays.

    Raises:
        UserError: a cell is missing.
    """
    names = list(dict.fromkeys(cell.corruption for cell in cells if cell.corruption is not None))
    severities = sorted({cell.severity for cell in cells if cell.corruption is not None})
    clean: Any = scores[CLEAN]
    full = is_full(cells)
    grid = corruptions.NAMES, corruptions.SEVERITIES
    mpc = mean_under_corruption(scores, *grid) if full else None
    return Series(
        clean=clean,
        mpc=mpc,
        rpc=None if mpc is None else _divide(mpc, clean),
        groups=group_means(scores, corruptions.GROUPS, corruptions.SEVERITIES) if full else {},
        corruptions={name: corruption_mean(scores, name, severities) for name in names},
        cells={cell.key: scores[cell] for cell in cells if cell.corruption is not None},
        severities={s: mean_under_corruption(scores, corruptions.NAMES, [s]) for s in corruptions.SEVERITIES}
        if full
        else {},
        mpc_photometric=mean_under_corruption(scores, PHOTOMETRIC, corruptions.SEVERITIES) if full else None,
        mpc_geometric=mean_under_corruption(scores, GEOMETRIC, corruptions.SEVERITIES) if full else None,
    )


def find_intervals(resampled: Mapping[Cell, Floats], cells: Sequence[Cell]) -> dict[str, Any]:
    """Return `intervals` of summary.json: [low, high] of each figure, None where a resample has no score.

    Args:
        resampled: (R,) scores of each cell, of the same resamples.
        cells: those that were asked for.
    """
    series = make_series(resampled, cells)
    found: dict[str, Any] = {
        "level": LEVEL,
        "resamples": len(series.clean),
        "clean": interval(series.clean),
        "mPC": None if series.mpc is None else interval(series.mpc),
        "rPC": None if series.rpc is None else interval(series.rpc),
    }
    for name in ("groups", "corruptions", "cells"):
        found[name] = {key: interval(values) for key, values in getattr(series, name).items()}
    if series.mpc is not None:
        found["geometric"] = {
            "mPC_without": interval(series.mpc_photometric),
            "mPC_only": interval(series.mpc_geometric),
        }
    return found


def _divide(part: Any, whole: Any) -> Any:
    if isinstance(whole, np.ndarray):
        return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return relative_under_corruption(part, whole)
