"""Where training crops come from: images kept in memory, views drawn of crops, all by (seed, epoch, sample) alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Floats, Image
from robustpose.train.geometry import warp_image
from robustpose.train.image_store import ImageStore
from robustpose.train.seeding import make_rng
from robustpose.train.views.autoaugment import Policies
from robustpose.train.views.table import corrupt_at_random, draw_views, finish_views

Draw = tuple[int, int]  # epoch, sample


class CropSource:
    """Cut crops out of a dataset's images and draw their views.

    Args:
        dataset: pictures and truth.
        input_spec: what the network expects; its input size is that of the crops.
        seed: of the run.
        cache_mb: memory for source images, which are kept until it is full.
        views: names of `robustpose.train.views.table`, which `prepare` makes of a batch.
        policies: of AutoAugment.
    """

    def __init__(
        self,
        dataset: Dataset,
        input_spec: InputSpec,
        seed: int,
        cache_mb: int = 0,
        views: Sequence[str] = ("clean",),
        policies: Policies = "paper",
    ) -> None:
        self.dataset = dataset
        self.input_spec = input_spec
        self._seed = seed
        self._views = tuple(views)
        self._policies: Policies = policies
        self._images = ImageStore(dataset, cache_mb)

    def read(self, index: int) -> Image:
        """Return image `index` (H, W, 3), clean."""
        return self._images[index]

    def make_rng(self, draw: Draw) -> np.random.Generator:
        """Return what decides how the crop of a draw is placed."""
        return make_rng(self._seed, "crop", *draw)

    def cut(self, image: Image, matrix: Floats, draw: Draw) -> dict[str, Tensor]:
        """Return `crops` and `grid` of the views (`views.draw_views`) of a crop.

        Args:
            image: (H, W, 3), clean; for the view `corrupted`, it is corrupted here.
            matrix: (2, 3) affine from image px to crop px.
            draw: epoch and sample.
        """
        if "corrupted" in self._views:
            image = corrupt_at_random(image, make_rng(self._seed, "corrupted", *draw))
        crop = warp_image(image, matrix, self.input_spec.input_wh)
        return draw_views(crop, self._views, make_rng(self._seed, "views", *draw), self._policies)

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its views (B, V, 3, h, w), normalised, on the device it is on, and its targets."""
        views = finish_views(batch["crops"], batch["grid"], self._views, self.input_spec)
        return {"views": views, **{name: batch[name] for name in batch if name not in ("crops", "grid")}}
