"""Whole images as training samples: a square crop with everybody in it, for networks that find people themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.data.ignored import find_ignored
from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Floats, Image
from robustpose.train.geometry import Placement
from robustpose.train.samples import Annotation, CropSource, Samples
from robustpose.train.settings_groups import ImageAugmentSettings


@dataclass(frozen=True, eq=False)
class PeopleInCrop:
    """The people in a crop."""

    crop_xy: Floats  # (N, K, 2) px of the crop
    visible: npt.NDArray[np.integer]  # (N, K); above 0 where the joint is annotated
    ignored: npt.NDArray[np.bool_]  # (H, W) of the image: where people are not annotated
    matrix: Floats  # (2, 3) affine from image px to crop px


class WholeImages(Samples):
    """Give one image per number: a crop varied at random, with its targets. Images without people are left out.

    `draw` gives what is to be learned of the people in a crop: arrays by name, always of the same shapes.
    """

    what = "images with people"

    def __init__(
        self,
        source: CropSource,
        augment: ImageAugmentSettings,
        draw: Callable[[PeopleInCrop, InputSpec], Mapping[str, npt.NDArray[Any]]],
    ) -> None:
        if augment.mirror_probability > 0:
            way_out = "image_augment.mirror_probability=0 (--set)"
            source.dataset.skeleton.check_sides("image_augment.mirror_probability", way_out)
        annotations = []
        for index in range(len(source.dataset)):
            truth = source.dataset.truth(index)
            if (counted := truth.counted).any():
                annotations.append(Annotation(index, truth.xy[counted], truth.visible[counted], truth.boxes[counted]))
        super().__init__(source, annotations)
        self._augment = augment
        self._draw = draw

    def place(self, annotation: Annotation, image: Image, rng: np.random.Generator) -> Placement:
        """Return a square of the image: see `place_crop`."""
        return place_crop(image, self._augment, rng)

    def draw_targets(
        self, crop: Annotation, matrix: Floats, shape_hw: tuple[int, int]
    ) -> Mapping[str, npt.NDArray[Any]]:
        """Return what `draw` gives of the people in the crop."""
        ignored = find_ignored(self.source.dataset, crop.frame, shape_hw)
        return self._draw(PeopleInCrop(crop.xy, crop.visible, ignored, matrix), self.source.input_spec)


def place_crop(image: Image, augment: ImageAugmentSettings, rng: np.random.Generator) -> Placement:
    """Return a square of an image, rotated, shifted, mirrored and sized (by the image's shorter side) at random."""
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

    `ignored` (H, W) and `matrix` are those of `PeopleInCrop`; a heatmap px is `stride` crop px.
    """
    known = np.where(ignored, 0, 255).astype(np.uint8)
    warped = cv2.warpAffine(known, matrix / stride, map_wh, flags=cv2.INTER_LINEAR)
    return (np.asarray(warped) > 127).astype(np.float32)
