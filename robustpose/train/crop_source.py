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
from robustpose.train.views.table import CLEAN, draw_views, finish_views
from robustpose.train.views.view import Policies, ViewInput

Draw = tuple[int, int]  # epoch, sample


class CropSource:
    """Cut crops out of a dataset's images and draw their views.

    Args:
        dataset: images and truth.
        input_spec: what the network expects; its input size is that of the crops.
        seed: of the run.
        cache_mb: memory for source images, which are kept until it is full.
        views: names in `views.table.VIEWS`, which `prepare` makes of a batch.
        policies: of AutoAugment.
    """

    def __init__(
        self,
        dataset: Dataset,
        input_spec: InputSpec,
        seed: int,
        cache_mb: int = 0,
        views: Sequence[str] = (CLEAN,),
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
        """Return what the views of a crop are made of: `crops` and their numbers (`views.table.draw_views`).

        Args:
            image: (H, W, 3), clean.
            matrix: (2, 3) affine from image px to crop px.
            draw: epoch and sample.
        """
        width, height = input_wh = self.input_spec.input_wh
        of = ViewInput(
            image,
            cut=lambda whole: warp_image(whole, matrix, input_wh),
            shape_hw=(height, width),
            make_rng=lambda purpose: make_rng(self._seed, purpose, *draw),
            policies=self._policies,
        )
        return draw_views(of, self._views)

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch with its views (B, V, 3, h, w), normalised, on the device it is on, and its targets."""
        return finish_views(batch, self._views, self.input_spec)
