"""Pairings: which measurements stand beside each other for a claim, and by which number.

Each function takes measurements of any kind and yields the comparisons that they allow. Nothing is compared across
data, metrics, suites or boxes; only those of top-down and bottom-up networks differ, for that is what they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations
from operator import attrgetter
from typing import Any

from robustpose.corruptions.suites import COCO_C
from robustpose.metrics.robustness import Means
from robustpose.results.comparisons import (
    Comparison,
    compare_figure,
    correlate_ranks,
    keep_shares,
    rank_shares,
    subtract,
)
from robustpose.results.measurement import Measurement

Measurements = Sequence[Measurement]
Pair = tuple[Measurement, Measurement]
ADVMIX, STANDARD = "AdvMix", "Standard"
# Networks degrade alike from this rank correlation on. Unrelated orders of 15 corruptions exceed it once in 35 times.
ALIKE = 0.5


def _pair(of: Measurements, *same: str) -> Iterator[Pair]:
    """Yield all ordered pairs on the same pixels that agree in further attributes, none of them None."""
    groups: dict[tuple[Any, ...], list[Measurement]] = {}
    for one in of:
        key = (one.pixels, *(attrgetter(name)(one) for name in same))
        if None not in key:
            groups.setdefault(key, []).append(one)
    for group in groups.values():
        yield from permutations(group, 2)


def _pair_trained_alike(of: Measurements, *same: str) -> Iterator[Pair]:
    """Yield the pairs whose training is the same; or of which neither says its own, which a note tells people."""
    return (pair for pair in _pair(of, *same) if pair[0].about.training == pair[1].about.training)


def compare_ways(of: Measurements) -> Iterator[Comparison]:
    """Compare what top-down and bottom-up networks keep of their clean scores, corruption by corruption."""
    names = COCO_C.corruptions

    def figure(first: Means, second: Means) -> Any:
        return correlate_ranks(keep_shares(first, names), keep_shares(second, names))

    for pair in _pair_trained_alike(_choose_complete(of)):
        if pair[0].about.boxes not in (None, "none") and pair[1].about.boxes == "none":
            what = "rank correlation of what top-down and bottom-up keep"
            yield from compare_figure(what, pair, figure, ALIKE, unit="correlation")


def compare_capacity(figure: str, of: Measurements) -> Iterator[Comparison]:
    """Compare networks of one series at the same input, the larger one first."""
    for pair in _pair_trained_alike(of, "people", "about.input", "about.line"):
        if pair[0].about.size > pair[1].about.size:
            what = f"{_name(pair[0], figure)}, larger network less smaller one"
            yield from compare_figure(what, pair, subtract(attrgetter(figure)))


def compare_inputs(figure: str, is_more: bool, of: Measurements) -> Iterator[Comparison]:
    """Compare a network with itself at a smaller input: it is claimed to have more of a figure, or less."""
    low, high = (0.0, math.inf) if is_more else (-math.inf, 0.0)
    for pair in _pair_trained_alike([one for one in of if one.about.n_pixels], "people", "about.network"):
        if pair[0].about.n_pixels > pair[1].about.n_pixels:
            what = f"{_name(pair[0], figure)}, larger input less smaller one"
            yield from compare_figure(what, pair, subtract(attrgetter(figure)), low, high)


def compare_trainings(
    better: Sequence[str], worse: Sequence[str], figure: str, low: float, of: Measurements
) -> Iterator[Comparison]:
    """Compare trainings of one network on everything else being equal; the difference is claimed to be above `low`."""
    for first, second in _pair_trainings(better, worse, of):
        what = f"{_name(first, figure)}, {first.about.training} less {second.about.training}"
        yield from compare_figure(what, (first, second), subtract(attrgetter(figure)), low)


def compare_severities(of: Measurements) -> Iterator[Comparison]:
    """Compare what AdvMix gains at each severity: how it grows, and whether it is a gain at the highest one."""
    for pair in _pair_trainings((ADVMIX,), (STANDARD,), of):
        yield from compare_figure("growth of the gain per step of severity", pair, find_growth)
        yield from compare_figure("gain at the highest severity", pair, find_last_gain)


def find_growth(hardened: Means, standard: Means) -> Any:
    """Return the slope, by least squares, of the gain over the severities: score (0..1) for each severity more."""
    gains = _find_gains(hardened, standard)
    if not gains:
        return None
    middle = sum(gains) / len(gains)
    return sum(gain * (severity - middle) for severity, gain in gains.items()) / sum((at - middle) ** 2 for at in gains)


def find_last_gain(hardened: Means, standard: Means) -> Any:
    """Return the gain at the highest severity, score 0..1."""
    gains = _find_gains(hardened, standard)
    return gains[max(gains)] if gains else None


def _find_gains(hardened: Means, standard: Means) -> dict[int, Any]:
    """Return the gain by severity, over all corruptions; nothing unless both have all cells."""
    both = hardened.severities.keys() & standard.severities.keys()
    return {at: hardened.severities[at] - standard.severities[at] for at in sorted(both)}


def compare_group(group: str, of: Measurements) -> Iterator[Comparison]:
    """Compare what a group of corruptions leaves of the clean score with what the others do, run by run."""
    names = COCO_C.groups[group]
    others = [name for name in COCO_C.corruptions if name not in names]

    def figure(means: Means) -> Any:
        shares = keep_shares(means, (*names, *others))
        return None if shares is None else shares[: len(names)].mean(0) - shares[len(names) :].mean(0)

    for one in _choose_complete(of):
        what = f"mean share of the clean score kept under {group} minus that kept under the other corruptions"
        yield from compare_figure(what, (one,), figure)


def compare_rank(corruption: str, is_easy: bool, of: Measurements) -> Iterator[Comparison]:
    """Compare the rank of a corruption, 1 for what costs least or most, with the first third of ranks, run by run."""
    names = COCO_C.corruptions
    what = f"rank of {corruption} among {len(names)} (1 costs {'least' if is_easy else 'most'})"

    def figure(means: Means) -> Any:
        shares = keep_shares(means, names)
        return None if shares is None else rank_shares(shares if is_easy else -shares)[names.index(corruption)]

    for one in _choose_complete(of):
        yield from compare_figure(what, (one,), figure, -math.inf, len(names) // 3 + 0.5, "rank")


def _choose_complete(of: Measurements) -> list[Measurement]:
    return [one for one in of if one.is_complete and one.suite == COCO_C]


def _pair_trainings(better: Sequence[str], worse: Sequence[str], of: Measurements) -> Iterator[Pair]:
    """Yield pairs of measurements of one network at one input that differ in its training."""
    for pair in _pair(of, "people", "about.network"):
        is_wanted = pair[0].about.training in better and pair[1].about.training in worse
        if is_wanted and pair[0].about.input == pair[1].about.input:
            yield pair


def _name(one: Measurement, figure: str) -> str:
    return {"clean": f"{one.metric}*", "mean": one.suite.mean_name, "ratio": one.suite.ratio_name}[figure]
