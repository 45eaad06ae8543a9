"""Progress: how much is done, and an honest guess at the time for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a run stands: units done and in all, and the seconds that the rest will take (None before the first)."""

    done: int
    total: int
    seconds_left: float | None


class Forecast:
    """Guess the remaining time from what each kind of unit has cost so far: corruptions differ by a factor of ten.

    `todo` are the kinds of the units still to do, one entry a unit; earlier runs have finished `already_done` units.
    """

    def __init__(self, todo: Iterable[Hashable], already_done: int, n_workers: int) -> None:
        self._left = Counter(todo)
        self._total = already_done + self._left.total()
        self._n_workers = n_workers
        self._done: Counter[Hashable] = Counter()
        self._seconds: dict[Hashable, float] = {}

    def update(self, kind: Hashable, seconds: float) -> Progress:
        """Take in a finished unit."""
        self._left[kind] -= 1
        self._done[kind] += 1
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds
        return self.now()

    def now(self) -> Progress:
        """Return where the run stands."""
        n_done = self._total - self._left.total()
        if not self._seconds:
            return Progress(n_done, self._total, None)
        means = {kind: seconds / self._done[kind] for kind, seconds in self._seconds.items()}
        typical = sum(means.values()) / len(means)  # for a kind not met yet
        seconds_left = sum(count * means.get(kind, typical) for kind, count in self._left.items()) / self._n_workers
        return Progress(n_done, self._total, seconds_left)
