"""Samples: the people of a dataset as training crops with targets, and the order they come in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from robustpose.config import AugmentSettings
from robustpose.errors import UserError
from robustpose.evaluate import Dataset
from robustpose.models.card import ModelCard
from robustpose.pose.crop import boxes_to_center_scale, clip_truth_box
from robustpose.pose.types import Floats, Image
from robustpose.train.autoaugment import Policies
from robustpose.train.geometry import (
    Placement,
    find_lower_body,
    place_half_body,
    placement_to_matrix,
    scale_to_width,
    vary_placement,
    warp_image,
    warp_points,
)
from robustpose.train.seeding import make_rng
from robustpose.train.targets import draw_targets
from robustpose.train.views import corrupt_at_random, draw_views, finish_views

Draw = tuple[int, int]  # epoch, person


@dataclass(frozen=True, eq=False)
class _Person:
    frame: int  # index in the dataset
    xy: Floats  # (K, 2) px
    visible: npt.NDArray[np.integer]  # (K,)
    box: Floats  # (4,) xyxy px


class PersonCrops(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Give one person per index: a crop varied at random, by nothing but (seed, epoch, person), with its targets.

    Args:
        dataset: pictures and truth; crowds, and people without an annotated joint, are left out.
        card: what the network expects.
        augment: how crops vary.
        seed: of the run.
        cache_mb: memory for source images, which are kept until it is full.
        views: names of `robustpose.train.views`, which `prepare` makes of a batch.
        policies: of AutoAugment.
    """

    def __init__(
        self,
        dataset: Dataset,
        card: ModelCard,
        augment: AugmentSettings,
        seed: int,
        cache_mb: int = 0,
        views: Sequence[str] = ("clean",),
        policies: Policies = "paper",
    ) -> None:
        self._dataset = dataset
        self._card = card
        self._augment = augment
        self._seed = seed
        self._flip_order = list(dataset.skeleton.flip_order)
        self._lower = find_lower_body(dataset.skeleton)
        self._views = tuple(views)
        self._policies: Policies = policies
        self._people = [person for index in range(len(dataset)) for person in _find_people(dataset, index)]
        self._images: dict[int, Image] = {}
        self._room = cache_mb * 2**20  # bytes

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self._people)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return `crops` and `grid` of the views, `target` (K, h', w') and `weight` (K, 1) of (epoch, person)."""
        person, input_wh = self._people[draw[1]], self._card.input_wh
        image = self._image(person.frame)
        if "corrupted" in self._views:
            image = corrupt_at_random(image, make_rng(self._seed, "corrupted", *draw))
        placement = self._place(person, image, make_rng(self._seed, "crop", *draw))
        matrix = placement_to_matrix(placement, input_wh)
        crop = warp_image(image, matrix, input_wh)
        crop_xy, visible = warp_points(person.xy, matrix), person.visible
        if placement.mirrored:
            crop_xy, visible = crop_xy[self._flip_order], visible[self._flip_order]
        map_wh = (input_wh[0] // self._card.stride, input_wh[1] // self._card.stride)
        target, weight = draw_targets(crop_xy, visible, map_wh, self._card.stride, self._card.sigma)
        drawn = draw_views(crop, self._views, make_rng(self._seed, "views", *draw), self._policies)
        return {**drawn, "target": torch.from_numpy(target), "weight": torch.from_numpy(weight)}

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its views (B, V, 3, h, w), normalised, on the device it is on."""
        views = finish_views(batch["crops"], batch["grid"], self._views, self._card)
        return {"views": views, "target": batch["target"], "weight": batch["weight"]}

    def _place(self, person: _Person, image: Image, rng: np.random.Generator) -> Placement:
        input_wh = self._card.input_wh
        placement = place_half_body(
            person.xy, person.visible, self._lower, input_wh[0] / input_wh[1], self._augment, rng
        )
        if placement is None:
            x1, y1, x2, y2 = person.box
            clipped = clip_truth_box(np.array([x1, y1, x2 - x1, y2 - y1]), (image.shape[1], image.shape[0]))
            box = person.box if clipped is None else clipped
            centers, scales = boxes_to_center_scale(box[None], input_wh)
            placement = Placement(centers[0], scale_to_width(scales[0]))
        return vary_placement(placement, self._augment, rng)

    def _image(self, index: int) -> Image:
        if index in self._images:
            return self._images[index]
        image = self._dataset.frame(index).image
        if image.nbytes <= self._room:
            self._images[index] = image
            self._room -= image.nbytes
        return image


class Batches:
    """Yield the (epoch, person) pairs of each batch of one epoch, in an order that only (seed, epoch) decide.

    Every process takes its share of each batch; the last incomplete batch is left out.

    Args:
        n_people: how many there are.
        batch_size: over all processes.
        seed: of the run.
        rank: number of this process.
        n_processes: how many share a batch.
    """

    def __init__(self, n_people: int, batch_size: int, seed: int, rank: int = 0, n_processes: int = 1) -> None:
        self._n_people = n_people
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
        return self._n_people // self._batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield this process's part of each batch."""
        epoch, first_step = self._start
        order = make_rng(self._seed, "order", epoch).permutation(self._n_people)
        for step in range(first_step, len(self)):
            batch = order[step * self._batch_size : (step + 1) * self._batch_size]
            yield [(epoch, int(person)) for person in batch[self._rank :: self._n_processes]]


def _find_people(dataset: Dataset, index: int) -> list[_Person]:
    truth = dataset.truth(index)
    trainable = truth.counted & (truth.area > 0)
    sides = truth.boxes[:, 2:] - truth.boxes[:, :2]
    trainable &= (sides > 0).all(1)
    return [
        _Person(index, truth.xy[i], truth.visible[i], truth.boxes[i].astype(float)) for i in np.flatnonzero(trainable)
    ]


def check_enough(crops: PersonCrops, batch_size: int) -> None:
    """Raise UserError where the people do not fill one batch."""
    if len(crops) < batch_size:
        raise UserError(f"train_data holds {len(crops)} people to learn from, fewer than batch_size {batch_size}")
