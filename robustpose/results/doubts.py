"""Doubts: why the numbers of a run could be wrong. They stand in the terminal, in summary.json and on the page.

Datasets and estimators say what they know of themselves (`warnings` of their protocols); here is what figures tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LOW_SCORE = 0.05  # on clean images: below it, something is wrong more often than not
USUAL_CAUSES = (
    "a model of other joints or in another order, other colours, mean or std than it was trained with, boxes or "
    "results of other images, or images that are turned"
)


def doubt_score(metric: str, clean: float) -> list[str]:
    """Return the warnings that a score on clean images, 0..1, gives rise to."""
    if clean >= LOW_SCORE:
        return []
    return [f"{metric} on clean images is {100 * clean:.1f}, next to nothing: usual causes are {USUAL_CAUSES}"]


def list_doubts(known: Iterable[str], metric: str, clean: float) -> list[str]:
    """Return all warnings of a run, each once: `known` ones, of data and estimator, and that of its clean score."""
    return list(dict.fromkeys([*known, *doubt_score(metric, clean)]))


def read_doubts(summary: Mapping[str, Any]) -> list[str]:
    """Return the warnings that a summary carries; none in those of robustpose 0.1.0."""
    known = summary.get("warnings")
    return [str(text) for text in known] if isinstance(known, list) else []


def doubts_of_rescored(old: Mapping[str, Any], of_data: Sequence[str]) -> list[str]:
    """Return what is known of a run that is scored again: what its summary says, but for its score, and the data."""
    of_score = doubt_score(old["metric"], old["clean"])
    return [*of_data, *(text for text in read_doubts(old) if text not in of_score)]
