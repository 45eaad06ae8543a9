"""Whole images as training samples: a square crop with everybody in it, for networks that find people themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from robustpose.data.ignored import find_ignored
from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Floats, Image
from robustpose.train.crop_source import CropSource, Draw
from robustpose.train.geometry import Placement, placement_to_matrix, warp_points
from robustpose.train.settings import ImageAugmentSettings


@dataclass(frozen=True, eq=False)
class PeopleInCrop:
    """The people in a crop.

    Attributes:
        crop_xy: (N, K, 2) px of the crop.
        visible: (N, K); above 0 where the joint is annotated.
        ignored: (H, W) of the image: where people are not annotated.
        matrix: (2, 3) affine from image px to crop px.
    """

    crop_xy: Floats
    visible: npt.NDArray[np.integer]
    ignored: npt.NDArray[np.bool_]
    matrix: Floats


@dataclass(frozen=True, eq=False)
class _People:
    frame: int  # index in the dataset
    xy: Floats  # (N, K, 2) px
    visible: npt.NDArray[np.integer]  # (N, K)


class WholeImages(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Give one image per index: a crop varied at random, by nothing but (seed, epoch, image), with its targets.

    Args:
        source: of the crops; images without an annotated person are left out.
        augment: how crops vary.
        draw_targets: what is to be learned of a crop, as arrays by name, always of the same shapes.
    """

    what = "images with people"

    def __init__(
        self,
        source: CropSource,
        augment: ImageAugmentSettings,
        draw_targets: Callable[[PeopleInCrop, InputSpec], dict[str, npt.NDArray[Any]]],
    ) -> None:
        self._source = source
        self._augment = augment
        self._draw_targets = draw_targets
        self._flip_order = list(source.dataset.skeleton.flip_order)
        indices = range(len(source.dataset))
        self._people = [people for index in indices for people in _find_people(source.dataset, index)]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._people)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return `crops` and `grid` of the views of (epoch, image), and its targets."""
        people, input_spec = self._people[draw[1]], self._source.input_spec
        image = self._source.read(people.frame)
        placement = place_crop(image, self._augment, self._source.make_rng(draw))
        matrix = placement_to_matrix(placement, input_spec.input_wh)
        crop_xy, visible = warp_points(people.xy, matrix), people.visible
        if placement.mirrored:
            crop_xy, visible = crop_xy[:, self._flip_order], visible[:, self._flip_order]
        ignored = find_ignored(self._source.dataset, people.frame, image.shape[:2])
        targets = self._draw_targets(PeopleInCrop(crop_xy, visible, ignored, matrix), input_spec)
        views = self._source.cut(image, matrix, draw)
        return {**views, **{name: torch.from_numpy(target) for name, target in targets.items()}}

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its views (B, V, 3, h, w), normalised, on the device it is on."""
        return self._source.prepare(batch)


def place_crop(image: Image, augment: ImageAugmentSettings, rng: np.random.Generator) -> Placement:
    """Return a square of an image, scaled, rotated, shifted and mirrored at random.

    Its side is a part or a multiple of the image's shorter side.
    """
    size, angle, along_x, along_y, mirror = rng.random(5)
    height, width = image.shape[:2]
    least, largest = augment.scale
    side = min(height, width) * (least + (largest - least) * size)
    shift = augment.translation * side * (2 * np.array([along_x, along_y]) - 1)
    return Placement(
        np.array([width / 2, height / 2]) + shift,
        float(side),
        float(augment.rotation * (2 * angle - 1)),
        bool(mirror < augment.mirror_probability),
    )


def find_kept(
    ignored: npt.NDArray[np.bool_], matrix: Floats, map_wh: tuple[int, int], stride: int
) -> npt.NDArray[np.float32]:
    """Return (h, w): 1 where a heatmap is learned, 0 outside the image and where people are not annotated.

    Args:
        ignored: (H, W) of the image.
        matrix: (2, 3) affine from image px to crop px.
        map_wh: width and height of the heatmap.
        stride: crop px per heatmap px.
    """
    known = np.where(ignored, 0, 255).astype(np.uint8)
    warped = cv2.warpAffine(known, matrix / stride, map_wh, flags=cv2.INTER_LINEAR)
    return (np.asarray(warped) > 127).astype(np.float32)


def _find_people(dataset: Dataset, index: int) -> list[_People]:
    """Return the people of an image, as one entry; nothing for an image without any."""
    truth = dataset.truth(index)
    return [_People(index, truth.xy[truth.counted], truth.visible[truth.counted])] if truth.counted.any() else []
