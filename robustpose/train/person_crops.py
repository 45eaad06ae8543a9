"""Samples: the people of a dataset as training crops with targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from robustpose.config import AugmentSettings
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
from robustpose.train.image_store import ImageStore
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
        self._images = ImageStore(dataset, cache_mb)

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self._people)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return `crops` and `grid` of the views, `target` (K, h', w') and `weight` (K, 1) of (epoch, person)."""
        person, input_wh = self._people[draw[1]], self._card.input_wh
        image = self._images[person.frame]
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


def _find_people(dataset: Dataset, index: int) -> list[_Person]:
    truth = dataset.truth(index)
    trainable = truth.counted & (truth.area > 0)
    sides = truth.boxes[:, 2:] - truth.boxes[:, :2]
    trainable &= (sides > 0).all(1)
    return [
        _Person(index, truth.xy[i], truth.visible[i], truth.boxes[i].astype(float)) for i in np.flatnonzero(trainable)
    ]
