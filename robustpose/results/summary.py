"""The summary: from complete scores per cell to AP*, mPC, rPC and group means, with where they come from."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.errors import UserError
from robustpose.metrics.robustness import require_cells
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Floats
from robustpose.results.intervals import GEOMETRIC, find_intervals, make_series
from robustpose.versions import PIXELS, SCORES, versions


def decisive_versions() -> dict[str, str]:
    """Return the versions that decide the numbers."""
    found = versions((*PIXELS, *SCORES))
    return {"robustpose": found.pop("robustpose"), "python": platform.python_version(), **found}


def summarize(
    metric: str,
    figures: Mapping[Cell, Mapping[str, float]],
    cells: Sequence[Cell],
    provenance: Mapping[str, Any],
    resampled: Mapping[Cell, Floats] | None = None,
) -> dict[str, Any]:
    """Return the content of summary.json.

    mPC, rPC and the group means are those of all 75 cells; where a run covers fewer, they are None and
    `mean_of_chosen` is the mean over the corruptions and severities that were asked for.

    Args:
        metric: the figure that counts.
        figures: all figures of each cell, 0..1.
        cells: the cells that were asked for.
        provenance: written as it is.
        resampled: (R,) scores of each cell, of the same resamples of the images; None for no intervals.

    Raises:
        UserError: a cell that was asked for is missing.
    """
    require_cells({cell: 0.0 for cell in figures}, [CLEAN, *cells])
    series = make_series({cell: figures[cell][metric] for cell in cells}, cells)
    full = series.mpc is not None
    means = [mean for mean in series.corruptions.values()]
    return {
        "metric": metric,
        "clean": series.clean,
        "mPC": series.mpc,
        "rPC": series.rpc,
        "mean_of_chosen": None if full or not means else sum(means) / len(means),
        "groups": series.groups,
        "corruptions": series.corruptions,
        "cells": series.cells,
        "geometric": {
            "corruptions": list(GEOMETRIC),
            "mPC_without": series.mpc_photometric,
            "mPC_only": series.mpc_geometric,
        }
        if full
        else None,
        "intervals": None if resampled is None else find_intervals(resampled, cells),
        "provenance": dict(provenance),
    }


# Where people were looked for is part of what is compared, not of the images and their truth.
_NOT_OF_DATA = ("boxes", "boxes_file", "boxes_sha256", "metric")


def identify_data(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what determines the images and the truth of a dataset, of its provenance."""
    return {key: value for key, value in provenance.items() if key not in _NOT_OF_DATA}


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a finished run.

    Raises:
        UserError: the folder holds no finished run.
    """
    path = folder / "summary.json"
    if not path.is_file():
        hint = "it is no run folder"
        if (folder / "run.json").is_file():
            hint = "it holds a preview" if (folder / "preview.json").is_file() else "its bench has not finished"
        raise UserError(f"{folder} has no summary.json: {hint}")
    return read_summary_file(path)


def read_summary_file(path: Path) -> dict[str, Any]:
    """Return the summary in a file.

    Raises:
        UserError: it cannot be read, or is no summary.
    """
    try:
        summary = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    fields = {"metric", "clean", "mPC", "rPC", "cells", "corruptions", "groups", "provenance"}
    missing = fields - set(summary) if isinstance(summary, dict) else fields
    if missing:
        raise UserError(f"{path} lacks {', '.join(sorted(missing))}: was it written by robustpose bench?")
    return summary
