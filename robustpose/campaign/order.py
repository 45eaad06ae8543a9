"""Order: which run comes next, so that the table fills as fast as it can; and what is still to do, in seconds.

A table is of use once every method has a network in it, so seeds come one after the other. Of one seed, a bench fills
a place of the table and a training none: benches come first, the quickest first, then the quickest training.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from robustpose.campaign.runs import Run

Kind = tuple[str, str | None]


class Costs:
    """What runs take, in seconds: as those with other seeds took, or as their plans say."""

    def __init__(self) -> None:
        self._planned: dict[Kind, float] = {}
        self._measured: dict[Kind, list[float]] = {}

    def plan(self, seconds: Mapping[Kind, float]) -> None:
        """Take in what plans say of kinds of runs, for those that nothing was measured of."""
        self._planned.update(seconds)

    def add(self, run: Run, seconds: float) -> None:
        """Take in what a finished run took."""
        self._measured.setdefault(run.kind, []).append(seconds)

    def guess(self, run: Run) -> float | None:
        """Return what a run takes; None where nothing like it is known.

        That is what the same with other seeds has taken, or the same bench of other trainings; or what plans say, by
        as much more or less as they were wrong about what is done.
        """
        if run.kind in self._measured:
            return fmean(self._measured[run.kind])
        if not run.is_training:
            alike = [fmean(of) for kind, of in self._measured.items() if kind[1] == run.bench]
            if alike:
                return fmean(alike)
        planned = self._planned.get(run.kind)
        if planned is None and not run.is_training:
            alike = [seconds for kind, seconds in self._planned.items() if kind[1] == run.bench]
            planned = fmean(alike) if alike else None
        return None if planned is None else planned * self._correction

    @property
    def _correction(self) -> float:
        """Return how much longer runs take than their plans say, by those that both is known of."""
        both = [kind for kind in self._measured if self._planned.get(kind)]
        planned = sum(self._planned[kind] for kind in both)
        return sum(fmean(self._measured[kind]) for kind in both) / planned if planned else 1.0

    def guess_all(self, runs: Iterable[Run], n_jobs: int) -> float | None:
        """Return what runs take, shared by `n_jobs`; None where nothing is known of any."""
        left = list(runs)
        if not left:
            return 0.0
        guesses = {run: self.guess(run) for run in left}
        total = 0.0
        for is_training in (True, False):
            of_sort = [guesses[run] for run in left if run.is_training == is_training]
            known = [seconds for seconds in of_sort if seconds is not None]
            if len(known) < len(of_sort) and not known:
                return None
            total += sum(known) + (len(of_sort) - len(known)) * (fmean(known) if known else 0.0)
        return total / min(n_jobs, len(left))


def choose_next(ready: Sequence[Run], costs: Costs) -> Run:
    """Return which of the runs that can be done comes first."""

    def rank(run: Run) -> tuple[float, ...]:
        of_seed, of_training, of_bench = run.place
        seconds = costs.guess(run)
        return of_seed, run.is_training, math.inf if seconds is None else seconds, of_training, of_bench

    return min(ready, key=rank)
