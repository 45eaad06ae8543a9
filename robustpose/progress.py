"""Progress: how many units are done, and an honest guess at the time for the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from robustpose.bench.work import UnitDone
from robustpose.pose.cell import Cell


@dataclass(frozen=True)
class Progress:
    """Where a run stands: units done and in all, and the seconds that the rest will take (None before the first)."""

    done: int
    total: int
    seconds_left: float | None


class Forecast:
    """Guess the remaining time from what each corruption has cost so far: they differ by a factor of ten.

    Args:
        todo: the cells of all units still to do, one entry a unit.
        already_done: units finished by earlier runs.
        n_workers: processes that share the work.
    """

    def __init__(self, todo: Iterable[Cell], already_done: int, n_workers: int) -> None:
        self._left = Counter(cell.corruption for cell in todo)
        self._already_done = already_done
        self._todo = self._left.total()
        self._n_workers = n_workers
        self._seconds: dict[str | None, list[float]] = defaultdict(list)

    def update(self, unit: UnitDone) -> Progress:
        """Take in a finished unit."""
        self._left[unit.cell.corruption] -= 1
        self._seconds[unit.cell.corruption].append(unit.seconds)
        return self.now()

    def now(self) -> Progress:
        """Return where the run stands."""
        left = self._left.total()
        done = self._already_done + self._todo - left
        return Progress(done, self._already_done + self._todo, self._seconds_left())

    def _seconds_left(self) -> float | None:
        means = {name: sum(seconds) / len(seconds) for name, seconds in self._seconds.items()}
        if not means:
            return None
        typical = sum(means.values()) / len(means)  # for a corruption not met yet
        work = sum(count * means.get(name, typical) for name, count in self._left.items())
        return work / self._n_workers
