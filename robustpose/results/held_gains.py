"""Held gains: what a model gains over another one on one suite, and how much of that is there on another suite.

All is of the same resampled images, so what makes an image hard in every suite cancels out of the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from robustpose.corruptions.suites import Suite
from robustpose.metrics.robustness import Means, mean_of_chosen
from robustpose.pose.types import Floats
from robustpose.results.compared import Difference, subtract_runs
from robustpose.results.resampling import FEW_IMAGES, LEVEL, interval
from robustpose.results.rows import Interval
from robustpose.results.seen import list_unknown, mean_of_unseen

LEAST_DEFINED = 0.9  # of the resamples, as in `resampling.interval`
Sides = tuple[list[Means | None], list[Means | None]]  # of each model: its means, and those of the resamples


@dataclass(frozen=True)
class Gain:
    """What a model gains over the first one on one suite, and on another suite. Differences are 0..1."""

    model: int  # its place among the models
    suite: str  # label of the other suite
    known: Difference  # on the suite that gains are held against
    other: Difference  # on the other suite
    change: Difference  # `other` less `known`, of the same resamples
    share: float | None = None  # `other` / `known`; None unless the interval of `known` is above 0
    share_interval: Interval | None = None
    seen: tuple[str, ...] = ()  # corruptions of the other suite that one of both models has learned from
    unseen: Difference | None = None  # where there are some: as `other`, the mean over the others alone

    def to_json(self) -> dict[str, Any]:
        """Return what comparison.json holds of it."""
        differences = {name: getattr(self, name).to_json() for name in ("known", "other", "change")}
        return {**vars(self), **differences, "unseen": self.unseen and self.unseen.to_json()}


def take_main(means: Means | None) -> Any:
    """Return the score of a suite by which gains are measured: its mean, or that of the cells there are; else None."""
    if means is None:
        return None
    return mean_of_chosen(means) if means.mean is None else means.mean


def find_held_gains(
    suites: Sequence[Suite], sides: Mapping[str, Sides], seen: Sequence[Sequence[str]], n_images: int
) -> Iterator[Gain]:
    """Yield the gains of each model but the first, on each suite but the first, of those that have what it takes."""
    values = {label: list(map(take_main, of)) for label, (of, _) in sides.items()}
    resampled = {label: list(map(take_main, among)) for label, (_, among) in sides.items()}
    base = suites[0].label
    for model in range(1, len(values[base])):
        for suite in suites[1:]:
            label = suite.label
            known = subtract_runs(values[base], resampled[base], model, 0)
            other = subtract_runs(values[label], resampled[label], model, 0)
            if known is None or other is None:
                continue
            among = [resampled[of][model] - resampled[of][0] for of in (base, label)]
            both = list_measured(sides[label], (*seen[model], *seen[0]))
            without = (*both, *list_unknown((*seen[model], *seen[0])))
            gain = hold_gain(model, label, (known.value, other.value), among, n_images < FEW_IMAGES)
            yield replace(gain, seen=both, unseen=_gain_without(without, sides[label], suite, model, n_images))


def list_measured(sides: Sides, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of some corruptions that models have scores under, in the order of these."""
    measured = next(means.corruptions for means in sides[0] if means is not None)
    return tuple(name for name in measured if name in names)


def _gain_without(seen: Sequence[str], sides: Sides, suite: Suite, model: int, n_images: int) -> Difference | None:
    """Return the gain of a model over the first one under the corruptions that neither has seen; None without any."""
    values, resampled = (
        [None if means is None else mean_of_unseen(means, suite, seen) for means in side] for side in sides
    )
    gain = subtract_runs(values, resampled, model, 0)
    return gain and replace(gain, is_of_few=n_images < FEW_IMAGES)


def hold_gain(
    model: int, suite: str, values: tuple[float, float], resampled: Sequence[Floats], is_of_few: bool = False
) -> Gain:
    """Return the gain on another suite beside the known one, of their values and those of the same resamples (R,)."""
    known, other = (
        Difference(value, interval(among), is_of_few) for value, among in zip(values, resampled, strict=True)
    )
    change = Difference(values[1] - values[0], interval(resampled[1] - resampled[0]), is_of_few)
    gain = Gain(model, suite, known, other, change)
    if not known.is_distinguishable or known.value <= 0:
        return gain
    share = bound_ratio(resampled[1], resampled[0])
    return replace(gain, share=values[1] / values[0], share_interval=share)


def bound_ratio(above: Floats, below: Floats) -> list[float] | None:
    """Return the interval of a ratio whose denominators (R,) are above 0 but for a few; None where it has no end.

    A resample with a denominator of 0 or less could be any ratio, so it counts as beyond both ends: what is left is as
    wide as the interval of all ratios t of which `above - t * below` cannot be told from 0, or wider.
    """
    known = np.isfinite(above) & np.isfinite(below)
    if not len(known) or known.mean() < LEAST_DEFINED:
        return None
    above, below = above[known], below[known]
    is_above = below > 0
    ratio = np.divide(above, below, out=np.zeros(len(below)), where=is_above)
    tail = (1 - LEVEL) / 2
    low = float(np.quantile(np.where(is_above, ratio, -np.inf), tail, method="lower"))
    high = float(np.quantile(np.where(is_above, ratio, np.inf), 1 - tail, method="higher"))
    return [low, high] if np.isfinite(low) and np.isfinite(high) else None
