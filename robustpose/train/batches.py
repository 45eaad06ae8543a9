"""Batches: in which order the samples of an epoch are learned, and in which parts, by which process.

A batch is done in parts, which batch norms see one at a time. Part j of n is ``batch[j::n]``, whoever does it: one
process does all of them, several take turns. So a batch has the same gradient, and the same random numbers, on any
number of processes, up to the order of sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from robustpose.train.seeding import make_rng, make_torch_seed

Draw = tuple[int, int]  # epoch, number of the sample


@dataclass(frozen=True)
class Part:
    """One part of a batch: so many crops, and what their mean loss counts in the mean over processes."""

    number: int | None  # among all parts of the batch; None where the others have one more than there is for this one
    n_crops: int
    weight: float  # then all crops count alike
    seed: int | None = None  # of PyTorch's random numbers; None to go on with those that there are


@dataclass(frozen=True)
class Share:
    """What one of the processes that divide a batch has of it."""

    parts: tuple[Part, ...]  # in the order of its crops
    n_parts: int  # of the whole batch
    is_older: bool = False  # whether the run began in a version that had other parts


@dataclass(frozen=True)
class Sharing:
    """Say how processes divide every batch."""

    rank: int = 0  # of this process
    n_processes: int = 1
    accumulate: int = 1  # parts that each process does its crops in
    in_sync: bool = False  # whether batch norms see what all processes do at the same time
    is_older: bool = False  # as version 0.1.0 did: a part is a run of a process's crops, which it has one in so many of

    def number_parts(self, rank: int, n_crops: int) -> list[int]:
        """Return the numbers of the parts of a batch of `n_crops` that a process does, in order."""
        n_parts = self.count_parts(n_crops)
        if self.in_sync:  # at the same time: crops that one process would have in one part
            return [part for part in range(rank * self.accumulate, (rank + 1) * self.accumulate) if part < n_parts]
        return list(range(rank, n_parts, self.n_processes))

    def count_parts(self, n_crops: int) -> int:
        """Return the parts of a batch of so many crops."""
        return min(self.accumulate * self.n_processes, n_crops)


class Batches:
    """Yield the (epoch, sample) pairs of each batch of one epoch, in an order that only (seed, epoch) decide.

    Processes share each batch of `batch_size` as `sharing` says. The last batch, which may have fewer samples, is
    learned, too, unless `drop_last`.

    A process that such a batch leaves none for gets the first sample of another one, with weight 0: processes wait for
    each other's gradients.
    """

    def __init__(
        self, n_samples: int, batch_size: int, seed: int, sharing: Sharing | None = None, drop_last: bool = False
    ) -> None:
        self._n_samples = n_samples
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._seed = seed
        self._sharing = sharing or Sharing()
        self._start = (0, 0)

    def start_at(self, epoch: int, step: int) -> None:
        """Choose the epoch that the next iteration goes through, and the step in it to begin with."""
        self._start = (epoch, step)

    def __len__(self) -> int:
        """Return the steps of a whole epoch."""
        n_whole, rest = divmod(self._n_samples, self._batch_size)
        return n_whole + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield this process's crops of each batch, part after part."""
        epoch, first_step = self._start
        order = make_rng(self._seed, "order", epoch).permutation(self._n_samples)
        for step in range(first_step, len(self)):
            batch = order[step * self._batch_size : (step + 1) * self._batch_size]
            own = [int(sample) for part in self._split(batch) for sample in part]
            yield [(epoch, sample) for sample in own or [int(batch[0])]]

    def _split(self, batch: np.ndarray) -> list[np.ndarray]:
        sharing = self._sharing
        if sharing.is_older:
            return [batch[sharing.rank :: sharing.n_processes]]
        n_parts = sharing.count_parts(len(batch))
        return [batch[number::n_parts] for number in sharing.number_parts(sharing.rank, len(batch))]

    def count(self, step: int) -> int:
        """Return the samples of a step's batch, of all processes."""
        return min(self._batch_size, self._n_samples - step * self._batch_size)

    def share(self, step: int) -> Share:
        """Return what this process has of the batch of a step in the epoch that was chosen."""
        sharing, n_crops, n_done = self._sharing, self.count(step), self._start[0] * len(self) + step
        n_processes = sharing.n_processes
        if sharing.is_older:
            return _share_as_before(sharing, n_crops)
        n_parts, own = sharing.count_parts(n_crops), sharing.number_parts(sharing.rank, n_crops)
        parts = []
        for number in own:
            size = len(range(number, n_crops, n_parts))
            # Of a single part, the numbers go on that the step began with: they are the same.
            seed = make_torch_seed(self._seed, "step", n_done, number) if n_parts > n_processes else None
            parts.append(Part(number, size, size * n_processes / n_crops, seed))
        n_rounds = max(len(sharing.number_parts(rank, n_crops)) for rank in range(n_processes))
        return Share((*parts, *[Part(None, 1, 0.0)] * (n_rounds - len(parts))), n_parts)

    def find_fewest(self) -> int:
        """Return the crops of the smallest part in an epoch."""
        counts = {self.count(step) for step in (0, len(self) - 1)}
        if self._sharing.is_older:
            return min(part.n_crops for n_crops in counts for part in _share_as_before(self._sharing, n_crops).parts)
        return min(n_crops // self._sharing.count_parts(n_crops) for n_crops in counts)

    def has_for_all(self) -> bool:
        """Return whether every process has crops for each of its parts, of the last batch, too."""
        sharing = self._sharing
        return self.count(len(self) - 1) >= sharing.accumulate * sharing.n_processes


def _share_as_before(sharing: Sharing, n_crops: int) -> Share:
    """Return what a process had of a batch in version 0.1.0, whose runs go on so."""
    counts = [len(range(rank, n_crops, sharing.n_processes)) for rank in range(sharing.n_processes)]
    own = max(1, counts[sharing.rank])
    weight = counts[sharing.rank] * sharing.n_processes / sum(counts)
    n_parts = min(sharing.accumulate, max(counts))
    numbers = np.array_split(np.arange(own), min(n_parts, own))
    parts = [Part(i, len(some), weight * len(some) / own) for i, some in enumerate(numbers)]
    return Share((*parts, *[Part(None, 1, 0.0)] * (n_parts - len(parts))), n_parts, is_older=True)
