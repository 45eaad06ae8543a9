"""Source images, kept between epochs as far as there is memory for them."""

from __future__ import annotations

from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Image


class ImageStore:
    """Give the images of a dataset, and keep the first ones that are asked for.

    Args:
        dataset: whose frames are read.
        room_mb: memory for images; 0 for none.
    """

    def __init__(self, dataset: Dataset, room_mb: int) -> None:
        self._dataset = dataset
        self._images: dict[int, Image] = {}
        self._room = room_mb * 2**20  # bytes

    def __getitem__(self, index: int) -> Image:
        """Return image `index` (H, W, 3)."""
        if index in self._images:
            return self._images[index]
        image = self._dataset.frame(index).image
        if image.nbytes <= self._room:
            self._images[index] = image
            self._room -= image.nbytes
        return image
