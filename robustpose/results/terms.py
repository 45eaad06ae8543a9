"""Terms: what the names of scores mean, in a line each, wherever they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.results.rows import headline_columns, label_headline, suite_of
from robustpose.results.scored import name_pck

# By the name of a figure: what it is, behind the name. Metrics of one's own are known by their names alone.
FIGURES = {
    "AP": "average precision as in COCO, over OKS from 0.50 to 0.95",
    "PCKh": "joints that are right to half a head's size, as in MPII",
    "PCK": "joints that are right",
}


def explain_headline(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return what each number of a run's headline is, by the names of rows.

    >>> from robustpose.corruptions.suites import COCO_C
    >>> explain_headline({"metric": "AP", "suite": COCO_C.identity, "provenance": {}})["rPC"]
    'what is kept of the clean score: mPC / AP*'
    """
    metric, suite = str(summary["metric"]), suite_of(summary)
    dataset = summary["provenance"].get("dataset") or {}
    pck = name_pck(dataset)
    what = f"; {FIGURES[metric]}{f' ({pck})' if pck else ''}" if metric in FIGURES else ""
    cells = f"over {suite.n_corruptions} corruptions at {len(suite.severities)} severities each"
    if metric in HELD_AGAINST_CLEAN:
        clean, mean = "100 by definition", f"how much poses under corruption agree with those on clean images, {cells}"
    else:
        clean, mean = f"{metric} on clean images{what}", f"mean {metric} under corruption, {cells}"
    ratio = f"what is kept of the clean score: {suite.mean_name} / {label_headline('clean', metric)}"
    known = {"clean": clean, suite.mean_name: mean, suite.ratio_name: ratio}
    return {name: known[name] for name in headline_columns(suite) if name in known}


def list_terms(summary: Mapping[str, Any], of_part: str | None = None) -> tuple[tuple[str, str], ...]:
    """Return label and words of each number of a run's headline; `of_part` says of which images where not of all.

    >>> from robustpose.corruptions.suites import COCO_C
    >>> summary = {"metric": "PCK", "suite": COCO_C.identity, "provenance": {}}
    >>> list_terms(summary, "200 of 400 images (1::2)")[0]
    ('PCK*', 'PCK on clean images; joints that are right; of 200 of 400 images (1::2)')
    """
    metric, explained = str(summary["metric"]), explain_headline(summary)
    return tuple((label_headline(name, metric), add_images(words, of_part)) for name, words in explained.items())


def add_images(words: str, of_part: str | None) -> str:
    """Return what a number is, and of which images if it is of a part."""
    return words if of_part is None else f"{words}; of {of_part}"


def explain_chosen(metric: str, suite: Suite) -> str:
    """Return what the mean of some cells of a suite is; it is not that of the suite.

    >>> from robustpose.corruptions.suites import COCO_C
    >>> explain_chosen("AP", COCO_C)
    'mean AP of the cells that were run; not mPC, which is of all 75'
    """
    return f"mean {metric} of the cells that were run; not {suite.mean_name}, which is of all {suite.n_cells}"
