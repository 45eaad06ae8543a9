"""Doubts: why the numbers of a run could be wrong. They stand in the terminal, in summary.json and on the page.

Datasets and estimators say what they know of themselves (`warnings` of their protocols); here is what figures tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.seen import SEEN_FACT

# How warnings begin that say what was measured, not that it could be wrong.
FACTS = re.compile(
    r"only \d+ of the \d+ annotated joints are scored|there are no annotations: consistency|"
    rf"nobody has an area, as in crowdpose's annotations|{SEEN_FACT}"
)
LOW_SCORE = 0.05  # on clean images: below it, something is wrong more often than not
MUCH_MORE = 0.1  # above the clean score: no chance of a few images, no brightness that helps
_VALUES = (
    "colours, mean, std or scale other than it was trained with (--model-set channels=bgr, mean=, std=, scale=255)"
)
# By what results say of an estimator: the form of a file, or else its kind.
CAUSES = {
    "heatmaps": f"{_VALUES}, or another decode=",
    "simcc": _VALUES,
    "coordinates": f"coordinates other than those read (--model-set points=xy-01, yx-01, xy-px, yx-px), {_VALUES}",
    "one-stage": f"rows= or units= other than the file's, a threshold= that is too high, {_VALUES}",
    "hf": "weights that were not trained for these joints, another dataset_index= or joints=",
    "function": (
        "x and y that are not px of the whole image, x first (boxes come as x1 y1 x2 y2, not as x y width height), "
        "images taken for BGR (they are RGB)"
    ),
    "results": "x and y that are not px of the original image, x first",
    "network": "weights that were not trained to the end, or with another input= or decode=",
}
USUAL_CAUSES = "joints that are others or in another order, boxes or results of other images, or images that are turned"


def doubt_score(metric: str, clean: float, estimator: Mapping[str, Any] | None) -> list[str]:
    """Return the warnings that a score on clean images, 0..1, gives rise to.

    `estimator` is what results say of what was measured, from which the usual causes follow; None where nobody does.
    """
    if clean >= LOW_SCORE:
        return []
    causes = f"{_find_causes(estimator)}; {USUAL_CAUSES}" if estimator is not None else USUAL_CAUSES
    return [f"{_begin(metric, clean)}, next to nothing: usual causes are {causes}"]


def _begin(metric: str, clean: float) -> str:
    return f"{metric} on clean images is {100 * clean:.1f}"


def _find_causes(estimator: Mapping[str, Any]) -> str:
    """Return the usual causes of one kind of model."""
    kind = str(estimator.get("kind"))
    if kind in ("onnx", "tflite"):
        kind = str(estimator.get("form", "heatmaps"))
    if kind not in CAUSES or "state_sha256" in estimator:  # a network in memory
        kind = "network" if {"backend", "state_sha256"} & estimator.keys() else "function"
    return CAUSES[kind]


def doubt_few(n_images: int) -> list[str]:
    """Return the warning that scores of very few images give rise to."""
    if n_images >= FEW_IMAGES:
        return []
    of = f"{n_images} image{'s' * (n_images != 1)}"
    return [f"this is of {of} only, too few for intervals to hold: others may tell otherwise"]


def list_doubts(known: Iterable[str], metric: str, clean: float, estimator: Mapping[str, Any]) -> list[str]:
    """Return all warnings of a run, each once: `known` ones, of data and estimator, and that of its clean score."""
    return list(dict.fromkeys([*known, *doubt_score(metric, clean, estimator)]))


def doubt_gains(metric: str, clean: float, means: Mapping[str, float]) -> list[str]:
    """Return the warning that scores under corruption, 0..1, give rise to which are far above the clean one."""
    name, most = max(means.items(), key=lambda item: item[1], default=("", 0.0))
    if most <= clean + MUCH_MORE:
        return []
    return [
        f"{metric} under {name} is {100 * most:.1f}, and {100 * clean:.1f} on clean images: corruption makes no person "
        "easier to find, so one of both may be of other images, boxes or results"
    ]


def doubt_summary(summary: Mapping[str, Any]) -> list[str]:
    """Return the warnings that a summary carries, and those that its scores give rise to, each once."""
    metric, clean, known = summary["metric"], summary["clean"], read_doubts(summary)
    if not any(text.startswith(_begin(metric, clean)) for text in known):
        known += doubt_score(metric, clean, None)
    return list(dict.fromkeys([*known, *doubt_gains(metric, clean, summary["corruptions"])]))


def read_doubts(summary: Mapping[str, Any]) -> list[str]:
    """Return the warnings that a summary carries; none in those of robustpose 0.1.0."""
    known = summary.get("warnings")
    return [str(text) for text in known] if isinstance(known, list) else []


def is_fact(doubt: str) -> bool:
    """Return whether a warning says what was measured, such as some joints, and not that it could be wrong."""
    return FACTS.match(doubt) is not None


def doubts_of_rescored(old: Mapping[str, Any], of_data: Sequence[str]) -> list[str]:
    """Return what is known of a run that is scored again, of the data and by its summary, but for what scores tell."""
    told_anew = (_begin(old["metric"], old["clean"]), SEEN_FACT)
    return [*of_data, *(text for text in read_doubts(old) if not text.startswith(told_anew))]
