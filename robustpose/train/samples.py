"""Samples: what is learned from, by family of networks, and the order it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from robustpose.errors import UserError
from robustpose.models.families import FAMILIES, FamilyName
from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import Skeleton
from robustpose.train.crop_source import CropSource, Draw
from robustpose.train.objectives import Objective
from robustpose.train.seeding import make_rng
from robustpose.train.settings import TrainSettings


class Samples(Protocol):
    """Training samples by (epoch, number): crops and targets, the same whenever they are drawn.

    `what` is what messages call them.
    """

    what: str

    def __len__(self) -> int: ...
    def __getitem__(self, draw: Draw) -> dict[str, Tensor]: ...
    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its `views` (B, V, 3, h, w), normalised, and its targets."""
        ...


class FamilyTraining(Protocol):
    """What the module of a family in this folder (`heatmaps`, `tags`, `fields`) says about training its networks.

    `OUTPUTS` is what messages call their outputs; with `MORE_OUTPUTS` further ones are left alone.
    """

    OUTPUTS: str
    MORE_OUTPUTS: bool

    def make_samples(self, source: CropSource, settings: TrainSettings) -> Samples:
        """Return the crops to learn from."""
        ...

    def make_objective(self, settings: TrainSettings) -> Objective:
        """Return what is learned."""
        ...

    def expected_shapes(self, input_wh: tuple[int, int], skeleton: Skeleton) -> tuple[Any, ...]:
        """Return the shape of each output for one crop, nested as the outputs are."""
        ...


def find_training(family: FamilyName) -> FamilyTraining:
    """Return the module of a family."""
    return FAMILIES[family].training


def make_samples(dataset: Dataset, input_spec: InputSpec, settings: TrainSettings) -> Samples:
    """Return the samples that a network's family learns from, with the views of the settings.

    Raises:
        UserError: they do not fill one batch.
    """
    source = CropSource(
        dataset, input_spec, settings.seed, settings.engine.cache_mb, settings.views, settings.mixing.policies
    )
    samples = find_training(input_spec.family).make_samples(source, settings)
    if len(samples) < settings.batch_size:
        raise UserError(
            f"train_data holds {len(samples)} {samples.what} to learn from, fewer than batch_size {settings.batch_size}"
        )
    return samples


def draw_views_of_first(samples: Samples, epoch: int, n_samples: int, device: torch.device | None = None) -> Tensor:
    """Return the views (B, V, 3, h, w) of the first samples, as an epoch has drawn them."""
    drawn = [samples[epoch, number] for number in range(min(n_samples, len(samples)))]
    batch = {name: torch.stack([sample[name] for sample in drawn]).to(device) for name in drawn[0]}
    return samples.prepare(batch)["views"]


class Batches:
    """Yield the (epoch, sample) pairs of each batch of one epoch, in an order that only (seed, epoch) decide.

    Every process takes its share of each batch; the last incomplete batch is left out.

    Args:
        n_samples: how many there are.
        batch_size: over all processes.
        seed: of the run.
        rank: number of this process.
        n_processes: how many share a batch.
    """

    def __init__(self, n_samples: int, batch_size: int, seed: int, rank: int = 0, n_processes: int = 1) -> None:
        self._n_samples = n_samples
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._n_processes = n_processes
        self._start = (0, 0)

    def start_at(self, epoch: int, step: int) -> None:
        """Choose the epoch that the next iteration goes through, and the step in it to begin with."""
        self._start = (epoch, step)

    def __len__(self) -> int:
        """Return the steps of a whole epoch."""
        return self._n_samples // self._batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield this process's part of each batch."""
        epoch, first_step = self._start
        order = make_rng(self._seed, "order", epoch).permutation(self._n_samples)
        for step in range(first_step, len(self)):
            batch = order[step * self._batch_size : (step + 1) * self._batch_size]
            yield [(epoch, int(sample)) for sample in batch[self._rank :: self._n_processes]]
