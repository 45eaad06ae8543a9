"""Progress: how much is done, and an honest guess at the time for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Progress:
    """Where a run stands: how much is done and in all, and the seconds that the rest will take (None before the first).

    `note` says what is being done, such as the cell `fog/3`; several words for it, the most important first, have two
    spaces between them, and where there is little room the last ones are left out.
    """

    done: int
    total: int
    seconds_left: float | None
    note: str = ""


class Piece(NamedTuple):
    """A result of a task, as it is counted: what pieces of one kind cost is about their size."""

    kind: Hashable
    size: int = 1  # such as the number of its images
    note: str = ""  # what it is called, such as its cell


class Forecast:
    """Guess the remaining time from what each kind of piece has cost so far: corruptions differ by a factor of ten.

    `todo` are the pieces that are still to do, or only their kinds; earlier runs have done what counts `already_done`.
    """

    def __init__(self, todo: Iterable[Hashable], already_done: int, n_workers: int) -> None:
        self._left: Counter[Hashable] = Counter()
        for piece in map(as_piece, todo):
            self._left[piece.kind] += piece.size
        self._total = already_done + self._left.total()
        self._n_workers = n_workers
        self._done: Counter[Hashable] = Counter()
        self._seconds: dict[Hashable, float] = {}
        self._note = ""

    def update(self, done: Hashable, seconds: float) -> Progress:
        """Take in a finished piece."""
        piece = as_piece(done)
        self._left[piece.kind] -= piece.size
        self._done[piece.kind] += piece.size
        self._seconds[piece.kind] = self._seconds.get(piece.kind, 0.0) + seconds
        self._note = piece.note
        return self.now()

    def now(self) -> Progress:
        """Return where the run stands."""
        n_done = self._total - self._left.total()
        if not self._seconds:
            return Progress(n_done, self._total, None, self._note)
        means = {kind: seconds / max(self._done[kind], 1) for kind, seconds in self._seconds.items()}
        typical = sum(means.values()) / len(means)  # for a kind not met yet
        seconds_left = sum(count * means.get(kind, typical) for kind, count in self._left.items()) / self._n_workers
        return Progress(n_done, self._total, seconds_left, self._note)


def as_piece(kind: Hashable) -> Piece:
    """Return a piece as it is, and of a kind alone one that counts for one."""
    return kind if isinstance(kind, Piece) else Piece(kind)
