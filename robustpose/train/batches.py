"""Batches: in which order the samples of an epoch are learned, and which of them each process gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from robustpose.train.seeding import make_rng

Draw = tuple[int, int]  # epoch, number of the sample


@dataclass(frozen=True)
class Share:
    """What one of the processes that divide a batch has of it."""

    weight: float = 1.0  # of its losses, means over its crops, in the mean over processes: then all crops count alike
    n_most: int = 0  # crops of the process with the most, in as many parts as which all do theirs


WHOLE = Share()  # of a batch that nobody shares, or of which everybody has as many crops


class Batches:
    """Yield the (epoch, sample) pairs of each batch of one epoch, in an order that only (seed, epoch) decide.

    `n_processes` share each batch of `batch_size`; this one is number `rank`. The last batch, which may have fewer
    samples, is learned, too, unless `drop_last`.

    A process that such a batch leaves none for gets the first sample of another one, with weight 0: processes wait for
    each other's gradients.
    """

    def __init__(
        self, n_samples: int, batch_size: int, seed: int, rank: int = 0, n_processes: int = 1, drop_last: bool = False
    ) -> None:
        self._n_samples = n_samples
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._seed = seed
        self._rank, self._n_processes = rank, n_processes
        self._start = (0, 0)

    def start_at(self, epoch: int, step: int) -> None:
        """Choose the epoch that the next iteration goes through, and the step in it to begin with."""
        self._start = (epoch, step)

    def __len__(self) -> int:
        """Return the steps of a whole epoch."""
        n_whole, rest = divmod(self._n_samples, self._batch_size)
        return n_whole + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield this process's part of each batch."""
        epoch, first_step = self._start
        order = make_rng(self._seed, "order", epoch).permutation(self._n_samples)
        for step in range(first_step, len(self)):
            batch = order[step * self._batch_size : (step + 1) * self._batch_size]
            own = batch[self._rank :: self._n_processes]
            yield [(epoch, int(sample)) for sample in (own if len(own) else batch[:1])]

    def count(self, step: int) -> int:
        """Return the samples of a step's batch, of all processes."""
        return min(self._batch_size, self._n_samples - step * self._batch_size)

    def share(self, step: int) -> Share:
        """Return what this process has of a step's batch."""
        counts = self._count_by_process(step)
        return Share(counts[self._rank] * self._n_processes / sum(counts), max(counts))

    def find_fewest(self, n_parts: int) -> int:
        """Return the crops of the smallest part in an epoch, if each process does its share of a batch in `n_parts`."""
        fewest = self._batch_size
        for step in {0, len(self) - 1}:
            counts = self._count_by_process(step)
            fewest = min(fewest, max(1, min(counts) // min(n_parts, max(counts))))
        return fewest

    def _count_by_process(self, step: int) -> list[int]:
        n_samples = self.count(step)
        return [len(range(rank, n_samples, self._n_processes)) for rank in range(self._n_processes)]
