"""Samples: the people of a dataset as training crops with targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from robustpose.pose.crop import boxes_to_center_scale, clip_truth_box
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Floats, Image
from robustpose.train.crop_source import CropSource, Draw
from robustpose.train.geometry import (
    Placement,
    find_lower_body,
    place_half_body,
    placement_to_matrix,
    scale_to_width,
    vary_placement,
    warp_points,
)
from robustpose.train.settings import AugmentSettings
from robustpose.train.targets import draw_targets


@dataclass(frozen=True, eq=False)
class _Person:
    frame: int  # index in the dataset
    xy: Floats  # (K, 2) px
    visible: npt.NDArray[np.integer]  # (K,)
    box: Floats  # (4,) xyxy px


class PersonCrops(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Give one person per index: a crop varied at random, by nothing but (seed, epoch, person), with its targets.

    Args:
        source: of the crops; crowds, and people without an annotated joint, are left out.
        augment: how crops vary.
    """

    def __init__(self, source: CropSource, augment: AugmentSettings) -> None:
        self._source = source
        self._augment = augment
        skeleton = source.dataset.skeleton
        self._flip_order = list(skeleton.flip_order)
        self._lower = find_lower_body(skeleton)
        indices = range(len(source.dataset))
        self._people = [person for index in indices for person in _find_people(source.dataset, index)]

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self._people)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return `crops` and `grid` of the views, `target` (K, h', w') and `weight` (K, 1) of (epoch, person)."""
        person, input_spec = self._people[draw[1]], self._source.input_spec
        image = self._source.read(person.frame)
        placement = self._place(person, image, self._source.make_rng(draw))
        matrix = placement_to_matrix(placement, input_spec.input_wh)
        crop_xy, visible = warp_points(person.xy, matrix), person.visible
        if placement.mirrored:
            crop_xy, visible = crop_xy[self._flip_order], visible[self._flip_order]
        map_wh = (input_spec.input_wh[0] // input_spec.stride, input_spec.input_wh[1] // input_spec.stride)
        target, weight = draw_targets(crop_xy, visible, map_wh, input_spec.stride, input_spec.sigma)
        views = self._source.cut(image, matrix, draw)
        return {**views, "target": torch.from_numpy(target), "weight": torch.from_numpy(weight)}

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its views (B, V, 3, h, w), normalised, on the device it is on."""
        return self._source.prepare(batch)

    def _place(self, person: _Person, image: Image, rng: np.random.Generator) -> Placement:
        input_wh = self._source.input_spec.input_wh
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
