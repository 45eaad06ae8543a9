"""The summary: from the scores of all cells to their means, with intervals, and where they come from."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.errors import UserError
from robustpose.metrics.robustness import take_means
from robustpose.pose.cell import Cell
from robustpose.pose.types import Floats
from robustpose.results.doubts import list_doubts
from robustpose.results.resampling import LEVEL, interval
from robustpose.results.rows import nest_means, suite_of
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
    suite: Suite = COCO_C,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the content of summary.json.

    The suite's mean, its ratio and the group means are those of all its cells; where a run covers fewer, they are None
    and `mean_of_chosen` is the mean over the corruptions and severities of `cells`, of which none may lack figures.
    Figures are 0..1, and `metric` is the one that counts; `resampled` are its values (R,) in each cell, of the same
    resamples of the images, or None for no intervals. `warnings` are what data and estimator say of themselves.
    """
    means = take_means({cell: every[metric] for cell, every in figures.items()}, cells, suite)
    nested = nest_means(means, suite)
    geometric = nested.pop("geometric")
    by_corruption = list(means.corruptions.values())
    has_other_mean = means.mean is None and by_corruption
    return {
        "suite": suite.identity,
        "metric": metric,
        **nested,
        "mean_of_chosen": sum(by_corruption) / len(by_corruption) if has_other_mean else None,
        "geometric": {"corruptions": list(suite.moves_pixels), **geometric} if geometric else None,
        "intervals": None if resampled is None else find_intervals(resampled, cells, suite),
        "warnings": list_doubts(warnings, metric, nested["clean"]),
        "provenance": dict(provenance),
    }


def find_intervals(resampled: Mapping[Cell, Floats], cells: Sequence[Cell], suite: Suite = COCO_C) -> dict[str, Any]:
    """Return `intervals` of summary.json: [low, high] of each mean, None where a resample has no score.

    `resampled` are the scores (R,) of each cell, of the same resamples; `cells` are those that were asked for.
    """
    means = take_means(resampled, cells, suite)
    return {"level": LEVEL, "resamples": len(means.clean), **nest_means(means, suite, interval)}


# Where people were looked for is part of what is compared, not of the images and their truth.
_NOT_OF_DATA = ("boxes", "boxes_file", "boxes_sha256", "metric")


def identify_data(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what determines the images and the truth of a dataset, of its provenance."""
    return {key: value for key, value in provenance.items() if key not in _NOT_OF_DATA}


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a finished run."""
    path = folder / "summary.json"
    if not path.is_file():
        hint = "it is no run folder"
        if (folder / "run.json").is_file():
            hint = "it holds a preview" if (folder / "preview.json").is_file() else "its bench has not finished"
        raise UserError(f"{folder} has no summary.json: {hint}")
    return read_summary_file(path)


def read_summary_file(path: Path) -> dict[str, Any]:
    """Return the summary in a file, checked."""
    forms = _FORMS
    try:
        summary = json.loads(path.read_text())
        missing = set(forms) - set(summary) if isinstance(summary, dict) else set(forms)
        if not missing:
            suite = suite_of(summary)
            forms = {**forms, **dict.fromkeys((suite.mean_name, suite.ratio_name), _is_number_or_none)}
            missing = set(forms) - set(summary)
    except (OSError, ValueError, UserError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if missing:
        raise UserError(f"{path} lacks {', '.join(sorted(missing))}: was it written by robustpose bench?")
    wrong = [name for name, is_right in forms.items() if not is_right(summary[name])]
    if wrong:
        raise UserError(
            f"{path} is damaged: its {', '.join(wrong)} cannot be what robustpose bench wrote; run the same bench "
            "again, which writes it anew"
        )
    return summary


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _are_numbers(tree: object) -> bool:
    return isinstance(tree, dict) and all(map(_is_number, tree.values()))


def _is_provenance(tree: object) -> bool:
    return isinstance(tree, dict) and all(isinstance(tree.get(name), dict) for name in ("dataset", "estimator"))


# What every summary has, beside the mean and the ratio of its suite.
_FORMS: dict[str, Callable[[object], bool]] = {
    "metric": lambda name: isinstance(name, str),
    "clean": _is_number,
    "provenance": _is_provenance,
    **dict.fromkeys(("cells", "corruptions", "groups"), _are_numbers),
}
