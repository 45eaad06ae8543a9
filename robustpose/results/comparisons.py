"""Comparisons: one number of one or two measurements, its interval, and the range in which a claim wants it.

A figure is a function of the means of each measurement, which are floats, or arrays (R,) of resamples: the same ones of
the images for all, so that differences are paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from robustpose.metrics.robustness import LEAST_CLEAN, Means
from robustpose.pose.types import Floats
from robustpose.results.measurement import Measurement
from robustpose.results.resampling import interval
from robustpose.results.rows import Interval

Verdict = Literal["supports", "contradicts", "partly", "cannot tell"]
SUPPORTS: Verdict = "supports"
CONTRADICTS: Verdict = "contradicts"
PARTLY: Verdict = "partly"  # of several comparisons: some support, others contradict
CANNOT_TELL: Verdict = "cannot tell"
Unit = Literal["points", "rank", "correlation"]
DIGITS = 6  # beyond which a difference of printed numbers is rounding


@dataclass(frozen=True)
class Comparison:
    """One number, and what it says of a claim, which wants it between `low` and `high`."""

    what: str  # such as `mPC, the larger network's less the smaller one's`
    runs: tuple[str, ...]  # in that order
    pixels: str  # of the measurements
    value: float
    interval: Interval | None  # of the paired resamples; None where a run has none
    low: float
    high: float
    unit: Unit  # points: 0..1, percent for people
    is_printed: bool  # a number of the paper, which has no interval

    @property
    def verdict(self) -> Verdict:
        """Return what it says: where there is an interval, only what all of it says."""
        ends = (self.value, self.value) if self.is_printed else self.interval
        if ends is None:
            return CANNOT_TELL
        if self.low < ends[0] and ends[1] < self.high:
            return SUPPORTS
        return CONTRADICTS if ends[1] < self.low or self.high < ends[0] else CANNOT_TELL

    @property
    def of(self) -> str:
        """Return the runs as people read them: `a − b` for a difference."""
        return (" and " if self.unit == "correlation" else " − ").join(self.runs)

    @property
    def margin(self) -> float:
        """Return how far the value is inside the range; below 0 outside."""
        return min(self.value - self.low, self.high - self.value)

    def to_json(self) -> dict[str, Any]:
        """Return what files hold of it; an open end of the range is None."""
        ends = [None if math.isinf(end) else end for end in (self.low, self.high)]
        shown = {name: getattr(self, name) for name in ("what", "runs", "value", "interval", "unit", "verdict")}
        return {**shown, "wanted": ends}


def compare_figure(
    what: str,
    of: Sequence[Measurement],
    figure: Callable[..., Any],
    low: float = 0.0,
    high: float = math.inf,
    unit: Unit = "points",
) -> Iterator[Comparison]:
    """Yield the comparison of measurements by a figure of their means; nothing where it is not defined."""
    value = figure(*(one.means for one in of))
    if value is None or not math.isfinite(value):
        return
    resampled = [one.resampled for one in of if one.resampled is not None]
    is_paired = len(resampled) == len(of) and len({one.n_images for one in of}) == 1
    yield Comparison(
        what=what,
        runs=tuple(one.name for one in of),
        pixels=of[0].pixels,
        value=round(float(value), DIGITS),
        interval=interval(figure(*resampled)) if is_paired else None,
        low=low,
        high=high,
        unit=unit,
        is_printed=all(one.is_printed for one in of),
    )


def subtract(value_of: Callable[[Means], Any]) -> Callable[[Means, Means], Any]:
    """Return the figure of two measurements that is the first one's less the second one's, None without one of them."""

    def difference(first: Means, second: Means) -> Any:
        values = value_of(first), value_of(second)
        return None if values[0] is None or values[1] is None else values[0] - values[1]

    return difference


def keep_shares(means: Means, names: Sequence[str]) -> Floats | None:
    """Return what is kept of the clean score under each corruption, (C,) or (C, R); None where that has no meaning."""
    if not set(names) <= set(means.corruptions) or (not np.ndim(means.clean) and not means.clean > LEAST_CLEAN):
        return None
    clean = np.where(np.asarray(means.clean) > LEAST_CLEAN, means.clean, np.nan)
    return np.stack([means.corruptions[name] for name in names]) / clean


def rank_shares(shares: Floats) -> Floats:
    """Return ranks of shares (C,) or (C, R), of the same shape: 1 for the largest; equal ones have their mean rank.

    >>> rank_shares(np.array([0.2, 0.9, 0.2])).tolist()
    [2.5, 1.0, 2.5]
    """
    above = (shares[None] > shares[:, None]).sum(1)
    equal = (shares[None] == shares[:, None]).sum(1)
    return np.where(np.isnan(shares), np.nan, 0.5 + above + equal / 2)


def correlate_ranks(first: Floats | None, second: Floats | None) -> Any:
    """Return Spearman's correlation of shares (C,) or (C, R) over the C corruptions; NaN where all are equal.

    >>> correlate_ranks(np.array([0.9, 0.5, 0.1]), np.array([0.8, 0.7, 0.2])).item()
    1.0
    """
    if first is None or second is None:
        return None
    ranks = [rank_shares(shares) for shares in (first, second)]
    x, y = (of - of.mean(0) for of in ranks)
    spread = np.sqrt((x * x).sum(0) * (y * y).sum(0))
    return np.divide((x * y).sum(0), spread, out=np.full(np.shape(spread), np.nan), where=spread > 0)
