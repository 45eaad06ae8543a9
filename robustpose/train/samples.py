"""Samples: the crops that are learned from, all by (seed, epoch, number) alone.

What a sample is, the module of a family says (`heatmaps`, `tags`, `fields`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from robustpose.errors import UserError
from robustpose.models.families import FAMILIES
from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Dataset, adopt
from robustpose.pose.types import Floats, Image
from robustpose.train.batches import Draw
from robustpose.train.geometry import Placement, placement_to_matrix, warp_image, warp_points
from robustpose.train.seeding import make_rng
from robustpose.train.settings import TrainSettings
from robustpose.train.views.autoaugment import Policies
from robustpose.train.views.fourier import STRENGTH
from robustpose.train.views.table import CLEAN, CORRUPTED_SHARE, ViewInput, draw_views, finish_views


@dataclass(eq=False)
class CropSource:
    """Cut crops out of a dataset's images and draw their views."""

    dataset: Dataset
    input_spec: InputSpec  # what the network expects; its input size is that of the crops
    seed: int  # of the run
    cache_mb: int = 0  # memory for source images: the first ones that are read are kept, until it is full
    views: Sequence[str] = (CLEAN,)  # names in `views.table.VIEWS`, which `Samples.prepare` makes of a batch
    policies: Policies = "paper"  # of AutoAugment
    corrupted_share: float = CORRUPTED_SHARE  # chance that the view `corrupted` is corrupted, 0..1
    fourier_strength: float = STRENGTH  # mean strength of the waves of the view `fourier`

    def __post_init__(self) -> None:
        self.dataset = adopt(self.dataset, Dataset, f"dataset {type(self.dataset).__name__}")
        self._images: dict[int, Image] = {}
        self._room = self.cache_mb * 2**20  # bytes

    def read(self, index: int) -> Image:
        """Return image `index` (H, W, 3), clean."""
        if index in self._images:
            return self._images[index]
        image = self.dataset.frame(index).image
        if image.nbytes <= self._room:
            self._images[index] = image
            self._room -= image.nbytes
        return image

    def make_rng(self, draw: Draw, purpose: str = "crop") -> np.random.Generator:
        """Return the generator of a draw; of the purpose `crop` is the one that places the crop."""
        return make_rng(self.seed, purpose, *draw)

    def cut(self, image: Image, matrix: Floats, draw: Draw) -> dict[str, Tensor]:
        """Return `crops` and the numbers that the views of a crop are made of (`views.table.draw_views`).

        `matrix` (2, 3) goes from px of the clean image (H, W, 3) to px of the crop.
        """
        width, height = input_wh = self.input_spec.input_wh
        of = ViewInput(
            image,
            cut=lambda whole: warp_image(whole, matrix, input_wh),
            shape_hw=(height, width),
            make_rng=lambda purpose: self.make_rng(draw, purpose),
            policies=self.policies,
            corrupted_share=self.corrupted_share,
            fourier_strength=self.fourier_strength,
        )
        return draw_views(of, self.views)


@dataclass(frozen=True, eq=False)
class Annotation:
    """What is annotated of a sample: of one person, or of all people in an image, where each array begins with N."""

    frame: int  # index of the image in the dataset
    xy: Floats  # (…, K, 2) px of the image
    visible: npt.NDArray[np.integer]  # (…, K); above 0 where the joint is annotated
    boxes: Floats  # (…, 4) xyxy px of the image


class Samples(ABC, torch.utils.data.Dataset[dict[str, Tensor]]):
    """Training samples by (epoch, number): crops varied at random, and their targets, the same whenever they are drawn.

    Each sample has one of the `annotations`.
    """

    what: str  # how messages call the samples

    def __init__(self, source: CropSource, annotations: list[Annotation]) -> None:
        self.source = source
        self._annotations = annotations
        self._flip_order = list(source.dataset.skeleton.flip_order)

    @abstractmethod
    def place(self, annotation: Annotation, image: Image, rng: np.random.Generator) -> Placement:
        """Return the part of the image (H, W, 3) that becomes the crop."""

    @abstractmethod
    def draw_targets(
        self, crop: Annotation, matrix: Floats, shape_hw: tuple[int, int]
    ) -> Mapping[str, npt.NDArray[Any]]:
        """Return what is to be learned of a crop, by name, always of the same shapes.

        `crop.xy` is in crop px, left and right exchanged where the crop is mirrored; `matrix` (2, 3) goes from px of
        the image, whose shape is `shape_hw`, to crop px.
        """

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._annotations)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        """Return what the views of a sample are made of (`views.table.draw_views`), and its targets."""
        source, annotation = self.source, self._annotations[draw[1]]
        image = source.read(annotation.frame)
        placement = self.place(annotation, image, source.make_rng(draw))
        matrix = placement_to_matrix(placement, source.input_spec.input_wh)
        xy, visible = warp_points(annotation.xy, matrix), annotation.visible
        if placement.mirrored:
            xy, visible = xy[..., self._flip_order, :], visible[..., self._flip_order]
        targets = self.draw_targets(replace(annotation, xy=xy, visible=visible), matrix, image.shape[:2])
        views = source.cut(image, matrix, draw)
        return {**views, **{name: torch.from_numpy(target) for name, target in targets.items()}}

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its `views` (B, V, 3, h, w), normalised, on the device it is on, and its targets."""
        return finish_views(batch, self.source.views, self.source.input_spec)

    def draw_views_of_first(self, epoch: int, n_samples: int, device: torch.device | None = None) -> Tensor:
        """Return the views (B, V, 3, h, w) of the first samples, as an epoch draws them."""
        drawn = [self[epoch, number] for number in range(min(n_samples, len(self)))]
        batch = {name: torch.stack([sample[name] for sample in drawn]).to(device) for name in drawn[0]}
        return self.prepare(batch)["views"]


def make_samples(dataset: Dataset, input_spec: InputSpec, settings: TrainSettings) -> Samples:
    """Return the samples that a network's family learns from, with the views of the settings; enough for a step."""
    mixing, cache_mb = settings.mixing, settings.engine.cache_mb
    source = CropSource(
        dataset,
        input_spec,
        settings.seed,
        cache_mb,
        settings.views,
        policies=mixing.policies,
        corrupted_share=mixing.corrupted_share,
        fourier_strength=mixing.fourier_strength,
    )
    samples: Samples = FAMILIES[input_spec.family].training.make_samples(source, settings)
    if not len(samples):
        raise UserError(f"train_data holds 0 {samples.what} to learn from")
    if settings.last_batch == "drop" and len(samples) < settings.batch_size:
        raise UserError(
            f"train_data holds {len(samples)} {samples.what} to learn from, fewer than batch_size "
            f"{settings.batch_size}: take smaller batches, or last_batch=keep (--set)"
        )
    return samples
