"""Poisson counts of many means: tables from which a uniform 32-bit number picks one, and the loop that does."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]

BUCKETS = 1024  # by the first ten bits of the random number
TAIL = 8.0  # standard deviations above the largest mean; more is drawn less often than once in 2**32, with room
MOST_MEAN = 50_000.0  # whose counts are below 2**16


class PoissonTables(NamedTuple):
    """What picks a count for each of n means."""

    guide: Counts  # (n, BUCKETS) least count that a random number of this bucket can pick
    cumulative: Doubles  # (n, m) distribution functions, scaled to 2**32

    @property
    def n_counts(self) -> int:
        """Return how many counts there are: 0 to n_counts - 1."""
        return self.cumulative.shape[1]


def tabulate_poisson(means: npt.ArrayLike) -> PoissonTables:
    """Return the tables of n means, each from 0 to `MOST_MEAN`.

    >>> tables = tabulate_poisson([0.0, 2.0])
    >>> tables.guide[1, [0, 512, 1023]].tolist(), round(tables.cumulative[1, 0] / 2**32, 4)
    ([0, 2, 6], 0.1353)
    """
    array = np.asarray(means, np.float64)
    most = float(array.max())
    assert 0 <= array.min() <= most <= MOST_MEAN
    n_counts = math.ceil(most + TAIL * math.sqrt(most)) + 16
    guide = np.empty((len(array), BUCKETS), np.uint16)
    cumulative = np.empty((len(array), n_counts))
    _fill_tables(array, guide, cumulative)
    return PoissonTables(guide, cumulative)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_tables(means: Doubles, guide: Counts, cumulative: Doubles) -> None:
    """Add up exp(-mean)·mean^k / k! for k = 0, 1, …, by logarithms, which hold for any mean."""
    n_counts = cumulative.shape[1]
    for row in range(means.size):
        mean = means[row]
        log_mean = math.log(mean) if mean > 0.0 else 0.0
        log_mass, total = -mean, 0.0
        for k in range(n_counts):
            if k > 0:
                log_mass += log_mean - math.log(k)
            total += math.exp(log_mass) if mean > 0.0 or k == 0 else 0.0
            cumulative[row, k] = min(total, 1.0) * 4294967296.0
        count = 0
        for bucket in range(guide.shape[1]):
            start = bucket * (4294967296.0 / guide.shape[1])
            while count < n_counts - 1 and cumulative[row, count] <= start:
                count += 1
            guide[row, bucket] = count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def pick_counts(
    rows: npt.NDArray[np.uint8],  # (n,) which of the means
    randoms: npt.NDArray[np.uint32],  # (n,)
    tables: Any,  # `PoissonTables`
    out: Counts,  # (n,)
) -> None:
    """Write a Poisson count for every value: the quantile of its random number."""
    guide, cumulative = tables.guide, tables.cumulative
    for i in range(rows.size):
        out[i] = pick_count(guide, cumulative, rows[i], randoms[i])


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def pick_count(guide: Counts, cumulative: Doubles, row: int, random: int) -> int:
    """Return the least count whose distribution function exceeds the random number."""
    last = cumulative.shape[1] - 1
    count = int(guide[row, random >> 22])
    while count < last and cumulative[row, count] <= random:
        count += 1
    return count
