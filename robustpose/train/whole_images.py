"""Whole images as training samples: a square crop with everybody in it, for networks that find people themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from robustpose.config import ImageAugmentSettings
from robustpose.data.ignored import find_ignored
from robustpose.evaluate import Dataset
from robustpose.models.card import ModelCard
from robustpose.pose.types import Floats, Image
from robustpose.train.autoaugment import Policies
from robustpose.train.geometry import Placement, placement_to_matrix, warp_image, warp_points
from robustpose.train.image_store import ImageStore
from robustpose.train.seeding import make_rng
from robustpose.train.targets import draw_crowd_targets
from robustpose.train.views import corrupt_at_random, draw_views, finish_views

MAX_PEOPLE = 30  # whose tags are learned in one image
COARSE, FINE = 4, 2  # crop px per heatmap px


@dataclass(frozen=True, eq=False)
class _Crowd:
    frame: int  # index in the dataset
    xy: Floats  # (N, K, 2) px
    visible: npt.NDArray[np.integer]  # (N, K)


class WholeImages(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Give one image per index: a crop varied at random, by nothing but (seed, epoch, image), with its targets.

    Args:
        dataset: pictures and truth; images without an annotated person are left out.
        card: what the network expects; its input size is that of the crops.
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
        augment: ImageAugmentSettings,
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
        self._views = tuple(views)
        self._policies: Policies = policies
        self._crowds = [crowd for index in range(len(dataset)) for crowd in _find_crowd(dataset, index)]
        self._images = ImageStore(dataset, cache_mb)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._crowds)

    def __getitem__(self, draw: tuple[int, int]) -> dict[str, Tensor]:
        """Return `crops` and `grid` of the views and the targets of (epoch, image); see `tags.TagObjective`."""
        crowd, input_wh = self._crowds[draw[1]], self._card.input_wh
        clean = self._images[crowd.frame]
        image = clean
        if "corrupted" in self._views:
            image = corrupt_at_random(image, make_rng(self._seed, "corrupted", *draw))
        placement = place_crop(clean, self._augment, make_rng(self._seed, "crop", *draw))
        matrix = placement_to_matrix(placement, input_wh)
        crop = warp_image(image, matrix, input_wh)
        crop_xy, visible = warp_points(crowd.xy, matrix), crowd.visible
        if placement.mirrored:
            crop_xy, visible = crop_xy[:, self._flip_order], visible[:, self._flip_order]
        drawn = draw_views(crop, self._views, make_rng(self._seed, "views", *draw), self._policies)
        coarse_wh, fine_wh = ((input_wh[0] // stride, input_wh[1] // stride) for stride in (COARSE, FINE))
        ignored = find_ignored(self._dataset, crowd.frame)
        targets = {
            "coarse": draw_crowd_targets(crop_xy, visible, coarse_wh, COARSE, self._card.sigma),
            "fine": draw_crowd_targets(crop_xy, visible, fine_wh, FINE, self._card.sigma),
            "coarse_kept": find_kept(ignored, matrix, coarse_wh, COARSE),
            "fine_kept": find_kept(ignored, matrix, fine_wh, FINE),
            "joints": place_joints(crop_xy, visible, coarse_wh),
        }
        return {**drawn, **{name: torch.from_numpy(target) for name, target in targets.items()}}

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its views (B, V, 3, h, w), normalised, on the device it is on."""
        views = finish_views(batch["crops"], batch["grid"], self._views, self._card)
        return {"views": views, **{name: batch[name] for name in batch if name not in ("crops", "grid")}}


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


def place_joints(crop_xy: Floats, visible: npt.NDArray[np.integer], map_wh: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return (MAX_PEOPLE, K): y·w + x of every annotated joint in the coarse map; -1 for none there.

    Args:
        crop_xy: (N, K, 2) px of the crop.
        visible: (N, K).
        map_wh: width and height of the coarse map.
    """
    cells = np.floor(crop_xy / COARSE).astype(np.int64)
    inside = (visible > 0) & ((cells >= 0) & (cells < np.array(map_wh))).all(-1)
    joints = np.where(inside, cells[..., 1] * map_wh[0] + cells[..., 0], -1)[:MAX_PEOPLE]
    rest = np.full((MAX_PEOPLE - len(joints), joints.shape[1]), -1, np.int64)
    return np.concatenate([joints, rest])


def _find_crowd(dataset: Dataset, index: int) -> list[_Crowd]:
    """Return the people of an image, as one entry; nothing for an image without any."""
    truth = dataset.truth(index)
    return [_Crowd(index, truth.xy[truth.counted], truth.visible[truth.counted])] if truth.counted.any() else []
