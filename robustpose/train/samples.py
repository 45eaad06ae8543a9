"""Samples: what is learned from, by family of networks, and the order it comes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from robustpose.errors import UserError
from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Dataset
from robustpose.train.crop_source import CropSource, Draw
from robustpose.train.field_targets import draw_field_targets
from robustpose.train.person_crops import PersonCrops
from robustpose.train.seeding import make_rng
from robustpose.train.settings import TrainSettings
from robustpose.train.tag_targets import draw_tag_targets
from robustpose.train.whole_images import WholeImages


class Samples(Protocol):
    """Training samples by (epoch, number): crops and targets, the same whenever they are drawn."""

    def __len__(self) -> int: ...
    def __getitem__(self, draw: Draw) -> dict[str, Tensor]: ...
    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its `views` (B, V, 3, h, w), normalised, and its targets."""
        ...


def make_samples(dataset: Dataset, input_spec: InputSpec, settings: TrainSettings, views: Sequence[str]) -> Samples:
    """Return the samples that a network's family learns from.

    Raises:
        UserError: they do not fill one batch.
    """
    source = CropSource(dataset, input_spec, settings.seed, settings.engine.cache_mb, views, settings.mixing.policies)
    samples: Samples
    if input_spec.family == "heatmaps":
        samples, what = PersonCrops(source, settings.augment), "people"
    else:
        draw = (
            partial(draw_field_targets, skeleton=dataset.skeleton)
            if input_spec.family == "fields"
            else draw_tag_targets
        )
        samples, what = WholeImages(source, settings.image_augment, draw), "images with people"
    if len(samples) < settings.batch_size:
        raise UserError(
            f"train_data holds {len(samples)} {what} to learn from, fewer than batch_size {settings.batch_size}"
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
