"""Held gains of groups: what a method gains on one suite, and how much of it on another, as means over trainings.

A training's difference between its two suites is a score of its own, so the difference of two gains has the interval of
any score of groups: over trainings and images (`robustpose.results.spreads`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.results.compared import Difference
from robustpose.results.grouped import compare_grouped_row
from robustpose.results.held_gains import Gain, Sides, list_measured, take_main
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import Interval
from robustpose.results.seen import list_unknown, mean_of_unseen

MOST_SHARE = 1e4  # beyond, an interval of a share has no end
STEPS = 40  # of a bisection

# From the values of all trainings and what they score on resamples: the difference of each group to the first one.
Subtract = Callable[[Sequence[Any], Sequence[Any]], tuple[Difference | None, ...]]


def find_grouped_gains(
    suites: Sequence[Suite],
    sides: Mapping[str, Sides],
    seen: Sequence[Sequence[str]],
    sizes: Sequence[int],
    n_images: int,
) -> Iterator[Gain]:
    """Yield the gains of each group but the first, on each suite but the first, as `find_held_gains` does of models.

    `sides` have a place for each training, group by group, `sizes` is how many each has; `seen` is by group.
    """

    def subtract(values: Sequence[Any], resampled: Sequence[Any]) -> tuple[Difference | None, ...]:
        differences = compare_grouped_row(sizes, n_images, "", "", values, resampled).differences
        return tuple(d and replace(d, is_of_few=n_images < FEW_IMAGES) for d in differences)

    known_sides = [list(map(take_main, side)) for side in sides[suites[0].label]]
    known = subtract(*known_sides)
    for group in range(1, len(sizes)):
        for suite in suites[1:]:
            other_sides = [list(map(take_main, side)) for side in sides[suite.label]]
            both = list_measured(sides[suite.label], (*seen[group], *seen[0]))
            unknown = list_unknown((*seen[group], *seen[0]))
            unseen_sides = [
                [None if means is None else mean_of_unseen(means, suite, (*both, *unknown)) for means in side]
                for side in sides[suite.label]
            ]
            of_group = [subtract(*of)[group] for of in (other_sides, _combine(other_sides, known_sides, 1.0))]
            gained, (other, change) = known[group], of_group
            if gained is None or other is None or change is None:
                continue
            gain = Gain(group, suite.label, gained, other, change, seen=both, unseen=subtract(*unseen_sides)[group])
            if gained.is_distinguishable and gained.value > 0:
                test = partial(_subtract_share, subtract, other_sides, known_sides, group)
                share = other.value / gained.value
                gain = replace(gain, share=share, share_interval=invert(test, share))
            yield gain


def _combine(other: Sequence[Sequence[Any]], known: Sequence[Sequence[Any]], factor: float) -> list[list[Any]]:
    """Return each training's score on one suite less `factor` times that on another, and the same of resamples."""
    return [
        [None if u is None or s is None else u - factor * s for u, s in zip(*of, strict=True)]
        for of in zip(other, known, strict=True)
    ]


def _subtract_share(
    subtract: Subtract, other: Sequence[Sequence[Any]], known: Sequence[Sequence[Any]], group: int, share: float
) -> Interval | None:
    difference = subtract(*_combine(other, known, share))[group]
    return None if difference is None else difference.interval


def invert(interval_at: Callable[[float], Interval | None], share: float) -> list[float] | None:
    """Return the interval of a ratio: all t at which `other - t * known` cannot be told from 0, around the ratio.

    As Fieller has it, for any way of making intervals; None where the interval has no end.

    >>> invert(lambda t: (2 - 4 * t - 1, 2 - 4 * t + 1), 0.5)
    [0.25, 0.75]
    """
    ends = []
    for sign in (-1, 1):
        inside, outside = share, share + sign
        while _holds_zero(interval_at(outside)):
            inside, outside = outside, share + 2 * (outside - share)
            if abs(outside) > MOST_SHARE:
                return None
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if _holds_zero(interval_at(middle)) else (inside, middle)
        ends.append(round(inside, 12))
    return ends


def _holds_zero(interval: Interval | None) -> bool:
    return interval is None or interval[0] <= 0 <= interval[1]
