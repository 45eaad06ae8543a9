"""Grouped: one score of groups of trainings, as means with intervals over trainings and images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from robustpose.results.compared import ComparedRow, Difference, make_row
from robustpose.results.rows import as_number
from robustpose.results.spreads import Trainings, interval_of_difference, interval_of_mean

T = TypeVar("T")


def compare_grouped_row(
    sizes: Sequence[int], n_images: int, kind: str, name: str, values: Sequence[float | None], resampled: Sequence[Any]
) -> ComparedRow:
    """Return one score of groups of trainings, as `compared.compare_row` does of runs.

    `sizes` are how many runs each group has: `values` and `resampled` have a place for each run, group by group. A
    group has no score where one of its trainings has none.
    """
    own = list(split(values, sizes))
    groups = [_gather(*of) for of in zip(own, split(resampled, sizes), strict=True)]

    def subtract(one: int, other: int) -> Difference | None:
        first, second = groups[one], groups[other]
        if first is None or second is None:
            return None
        value = float(first.values.mean() - second.values.mean())
        is_paired = first.resampled.shape[1] == second.resampled.shape[1]
        return Difference(value, interval_of_difference(first, second, n_images) if is_paired else None)

    means = [None if of is None else float(of.values.mean()) for of in groups]
    intervals = [None if of is None else interval_of_mean(of, n_images) for of in groups]
    spreads = tuple(None if of is None else of.spread for of in groups)
    return make_row(kind, name, means, intervals, subtract, spreads=spreads, trainings=tuple(map(tuple, own)))


def split(all_runs: Sequence[T], sizes: Sequence[int]) -> Iterator[Sequence[T]]:
    """Yield what belongs to each group, in their order.

    >>> list(split("abcde", [2, 3]))
    ['ab', 'cde']
    """
    start = 0
    for size in sizes:
        yield all_runs[start : start + size]
        start += size


def _gather(values: Sequence[float | None], resampled: Sequence[Any]) -> Trainings | None:
    """Return the trainings of a group; None where one has no score. What they score on resamples is (k, 0) without."""
    known = [value for value in values if as_number(value) is not None]
    if len(known) < len(values):
        return None
    kept = [np.zeros(0) if among is None else np.asarray(among) for among in resampled]
    least = min(map(len, kept))
    is_complete = all(len(among) == least for among in kept)
    return Trainings(np.array(known), np.stack([among if is_complete else among[:0] for among in kept]))
