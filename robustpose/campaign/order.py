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

        A bench takes what the same bench of another training takes.
        """
        for known in (self._of_kind(run.kind), None if run.is_training else self._of_bench(run.bench)):
            if known is not None:
                return known
        return None

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

    def _of_kind(self, kind: Kind) -> float | None:
        if kind in self._measured:
            return fmean(self._measured[kind])
        return self._planned.get(kind)

    def _of_bench(self, bench: str | None) -> float | None:
        kinds = {*self._measured, *self._planned}
        known = [self._of_kind(kind) for kind in sorted(kinds, key=str) if kind[1] == bench]
        values = [seconds for seconds in known if seconds is not None]
        return fmean(values) if values else None


def choose_next(ready: Sequence[Run], costs: Costs) -> Run:
    """Return which of the runs that can be done comes first."""

    def rank(run: Run) -> tuple[float, ...]:
        of_seed, of_training, of_bench = run.place
        seconds = costs.guess(run)
        return of_seed, run.is_training, math.inf if seconds is None else seconds, of_training, of_bench

    return min(ready, key=rank)
