"""The summary: from complete scores per cell to AP*, mPC, rPC and group means, with where they come from."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose import corruptions
from robustpose.errors import UserError
from robustpose.metrics.robustness import (
    clean_score,
    corruption_mean,
    group_means,
    mean_under_corruption,
    relative_under_corruption,
    require_cells,
)
from robustpose.pose.cell import Cell
from robustpose.results.grid import is_full
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
) -> dict[str, Any]:
    """Return the content of summary.json.

    mPC, rPC and the group means are those of all 75 cells; where a run covers fewer, they are None and
    `mean_of_chosen` is the mean over the corruptions and severities that were asked for.

    Args:
        metric: the figure that counts.
        figures: all figures of each cell, 0..1.
        cells: the cells that were asked for.
        provenance: written as it is.

    Raises:
        UserError: a cell that was asked for is missing.
    """
    require_cells({cell: 0.0 for cell in figures}, cells)
    scores = {cell: figures[cell][metric] for cell in cells}
    clean = clean_score(scores)
    names = list(dict.fromkeys(cell.corruption for cell in cells if cell.corruption is not None))
    severities = sorted({cell.severity for cell in cells if cell.corruption is not None})
    full = is_full(cells)
    mpc = mean_under_corruption(scores, corruptions.NAMES, corruptions.SEVERITIES) if full else None
    return {
        "metric": metric,
        "clean": clean,
        "mPC": mpc,
        "rPC": None if mpc is None else relative_under_corruption(mpc, clean),
        "mean_of_chosen": None if full or not names else mean_under_corruption(scores, names, severities),
        "groups": group_means(scores, corruptions.GROUPS, corruptions.SEVERITIES) if full else {},
        "corruptions": {name: corruption_mean(scores, name, severities) for name in names},
        "cells": {cell.key: scores[cell] for cell in cells if cell.corruption is not None},
        "provenance": dict(provenance),
    }


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a finished run.

    Raises:
        UserError: the folder holds no finished run.
    """
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text())
    except FileNotFoundError as error:
        hint = "its bench has not finished" if (folder / "run.json").is_file() else "it is no run folder"
        raise UserError(f"{folder} has no summary.json: {hint}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    missing = {"metric", "clean", "mPC", "rPC", "cells", "corruptions", "groups", "provenance"} - set(summary)
    if missing:
        raise UserError(f"{path} lacks {', '.join(sorted(missing))}: was it written by robustpose bench?")
    return summary
