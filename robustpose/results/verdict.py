"""The verdict: what a run found, in sentences: what the model keeps, what costs it most, who suffers most.

Nothing is said that the intervals do not bear; of what its own images show, a run of too few for intervals says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.errors import spell_list
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.results.costs import capitalize, spell, tell_costs
from robustpose.results.doubts import LOW_SCORE, is_fact, read_doubts
from robustpose.results.published import count_images
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import Interval, Row, percent, rows_of, severities_of, suite_of
from robustpose.results.slices_model import read_slices
from robustpose.results.sufferers import tell_sufferers
from robustpose.results.unseen import tell_unseen


def judge_run(summary: Mapping[str, Any], slices: Mapping[str, Any] | None = None) -> list[str]:
    """Return what a run found, a sentence each, from its summary.json and slices.json.

    Scores are in percent, losses in points of percent, intervals are those of the summary, of 95 %.
    """
    metric, clean = str(summary["metric"]), float(summary["clean"])
    if clean < LOW_SCORE:
        return [f"{metric} is {percent(clean)} % on clean images, next to nothing: what corruption costs says little."]
    who = tell_sufferers(summary, slices) if slices and not _is_of_few(summary) else []
    costs = tell_costs(summary, _is_of_few(summary))
    return [_tell_kept(summary), *costs, *tell_unseen(summary), *who, *_tell_doubts(summary)]


def _is_of_few(summary: Mapping[str, Any]) -> bool:
    """Return whether a run is of so few images that intervals from resamples of them are too narrow."""
    n_images = count_images(summary)
    return n_images is not None and n_images < FEW_IMAGES


def _tell_doubts(summary: Mapping[str, Any]) -> list[str]:
    """Return what speaks against a verdict: few images, no intervals, warnings that numbers could be wrong."""
    told = []
    if _is_of_few(summary):
        n_images = count_images(summary)
        images = f"{n_images} image{'s' * (n_images != 1)}"
        why = "too few for intervals to hold" if summary.get("intervals") else "and without intervals"
        told.append(f"This is of {images} only, {why}: others may tell otherwise.")
    elif not summary.get("intervals"):
        told.append("There are no intervals: how much of this is chance is not known.")
    if any(not is_fact(text) for text in read_doubts(summary)):
        told.append("The run has warnings: these numbers could be wrong.")
    return told


def judge_folder(folder: Path, summary: Mapping[str, Any]) -> list[str]:
    """Return what the run in a folder found, given its summary; UserError where its slices are damaged."""
    return judge_run(summary, read_slices(folder, summary))


def _tell_kept(summary: Mapping[str, Any]) -> str:
    """Return what is left of the clean score, over all cells of the run."""
    metric, clean, suite = str(summary["metric"]), float(summary["clean"]), suite_of(summary)
    mean = summary.get(suite.mean_name)
    if mean is None and summary.get("mean_of_chosen") is None:
        at = "100 % by definition" if metric in HELD_AGAINST_CLEAN else f"{percent(clean)} %"
        return f"{metric} is {at} on clean images; no corruption was run."
    where = "" if mean is not None else f"{_name_cells(summary)}, "
    score: float = summary["mean_of_chosen"] if mean is None else mean
    if metric in HELD_AGAINST_CLEAN:
        bounds = _of_headline(summary, suite.mean_name).interval if mean is not None else None
        within = _spell_within(summary, bounds)
        agree = f"poses agree to {100 * score:.0f} %{within} with those on clean images"
        return capitalize(f"{where}{agree}; 100 % would be no change. Nothing is said of how right they are.")
    change = f"from {percent(clean)} on clean images to {percent(score)}"
    kept = score / clean
    if mean is None:
        return capitalize(f"{where}{metric} goes {change}: {100 * kept:.0f} % is kept.")
    bounds = _of_headline(summary, suite.ratio_name).interval if suite.ratio_name else None
    nothing = ", so that it may lose nothing" if bounds is not None and bounds[0] <= 1 <= bounds[1] else ""
    within = _spell_within(summary, bounds)
    return f"Keeps {100 * kept:.0f} %{within} of its clean {metric}: {change} under corruption{nothing}."


def _name_cells(summary: Mapping[str, Any]) -> str:
    """Return the cells of a run that has not all of its suite, such as `in the 4 cells of this run`."""
    names, cells, severities = list(summary["corruptions"]), summary["cells"], severities_of(summary)
    if len(names) > 1:
        return f"in the {len(cells)} cells of this run"
    is_range = len(severities) > 2 and severities[-1] - severities[0] == len(severities) - 1
    levels = f"{severities[0]} to {severities[-1]}" if is_range else spell_list([str(one) for one in severities])
    return f"under {spell(names[0])} at {'severity' if len(severities) == 1 else 'severities'} {levels}"


def _of_headline(summary: Mapping[str, Any], name: str) -> Row:
    return next(row for row in rows_of(summary, "headline") if row.name == name)


def _spell_within(summary: Mapping[str, Any], bounds: Interval | None) -> str:
    """Return an interval behind its score, such as ` (95 % interval 56 to 62)`; nothing for none, or of few images."""
    if bounds is None or _is_of_few(summary):
        return ""
    return f" ({100 * summary['intervals']['level']:g} % interval {100 * bounds[0]:.0f} to {100 * bounds[1]:.0f})"
