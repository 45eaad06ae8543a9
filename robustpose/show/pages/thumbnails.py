"""Thumbnails: small WebP images for a page, of whole images and of people in them, within a budget of bytes and time.

A person is cut out where that shows more than the thumbnail of the whole image, enlarged.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np

from robustpose.data.corrupted import CorruptedImages
from robustpose.data.people import frame_to_corrupt
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame, Image

LONGEST_SIDE = 320  # px
DEAR_BYTES, LONGEST_OF_DEAR = 16_000, 256  # of noise: in base64, and px, which take half as much
LONGEST_OF_CROP = 200  # px: many times what a small person has in the thumbnail, for half the bytes of that
QUALITY = 40  # of WebP: about 10 kB in base64 for a clean photograph, 5 for fog, 28 for noise
WORTH_CROPPING = 1.3  # how many times as many pixels a side a crop has as the thumbnail has there
# Corrupting takes about 0.05 µs a pixel on average: 400 photographs of 640 x 480 px take about 6 s on one core.
MOST_PIXELS = 400 * 640 * 480
EXPECTED_BYTES = 12_000  # of a corrupted thumbnail in base64: how many are worth making

Place = tuple[int, Cell]  # index of the image in its dataset, and where it is seen
CropPlace = tuple[int, Cell, int]  # the same, and the number of the person in the image
Region = tuple[int, int, int, int]  # xyxy, whole px of the image


class Thumbnail(NamedTuple):
    """A small image: its content as base64 of WebP, its size, and its pixels per pixel of the image."""

    base64: str
    size_wh: tuple[int, int]
    scale: float


class Wanted(NamedTuple):
    """An image to show in a cell; who is looked at there, and the region in which that person is cut out."""

    place: Place
    person: int = -1  # nobody
    region: Region | None = None  # nobody is cut out


@dataclass(frozen=True)
class Thumbnails:
    """Thumbnails of whole images and of people who are cut out, in base64, by where they are from."""

    whole: dict[Place, str] = field(default_factory=dict)
    crops: dict[CropPlace, str] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Return what they take on the page."""
        return sum(map(len, [*self.whole.values(), *self.crops.values()]))

    def joined(self, others: Thumbnails) -> Thumbnails:
        """Return these and others."""
        return Thumbnails(self.whole | others.whole, self.crops | others.crops)

    def number(self, number_of: Mapping[int, int], cells: Sequence[Cell]) -> tuple[dict[str, str], dict[str, str]]:
        """Return both by what scripts call them, `image cell` and `image cell person`, in numbers.

        `number_of` are the numbers of the images of a page, by their indices; those of cells are their places.
        """
        whole = {f"{number_of[index]} {cells.index(cell)}": content for (index, cell), content in self.whole.items()}
        crops = {f"{number_of[i]} {cells.index(cell)} {person}": it for (i, cell, person), it in self.crops.items()}
        return whole, crops


def make_thumbnail(image: Image, longest_side: int = LONGEST_SIDE, quality: int = QUALITY) -> Thumbnail:
    """Return the thumbnail of an (H, W, 3) uint8 RGB image; small images stay as large as they are."""
    import cv2
    import PIL.Image

    height, width = image.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    size_wh = shrink((width, height), longest_side)
    small = image if scale == 1 else cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    content = io.BytesIO()
    PIL.Image.fromarray(small).save(content, "WEBP", quality=quality, method=2)  # half the time of 4 for 3 % more
    return Thumbnail(base64.b64encode(content.getvalue()).decode(), size_wh, scale)


def shrink(size_wh: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Return the size of an image whose longer side is at most `longest_side` px; a small one keeps its own."""
    scale = min(1.0, longest_side / max(size_wh))
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def is_worth_cropping(region: Region, size_wh: tuple[int, int]) -> bool:
    """Return whether a crop of the region of an image shows clearly more than the thumbnail of the image does.

    >>> is_worth_cropping((60, 80, 180, 240), (640, 480)), is_worth_cropping((60, 80, 180, 240), (320, 240))
    (True, False)
    """
    side = max(region[2] - region[0], region[3] - region[1])
    in_thumbnail = side * min(1.0, LONGEST_SIDE / max(size_wh))
    return min(side, LONGEST_OF_CROP) >= WORTH_CROPPING * in_thumbnail


def make_thumbnails(
    dataset: Dataset,
    corrupted_images: CorruptedImages,
    wanted: Sequence[Wanted],
    n_pixels: Mapping[int, int],
    n_bytes: int,
) -> Thumbnails:
    """Return thumbnails in cells, as many of the first `wanted` ones as fit into `n_bytes` with their people cut out.

    Who is cut out of a corrupted image is cut out of the clean one, too. `n_pixels` are those of each image, by its
    index, at full size.
    """
    chosen = _take_first(wanted[: n_bytes // EXPECTED_BYTES], lambda one: n_pixels[one.place[0]], MOST_PIXELS)
    made: dict[Place, Thumbnails] = {}
    for index, of_image in groupby(sorted(chosen, key=lambda one: one.place[0]), lambda one: one.place[0]):
        frame = frame_to_corrupt(dataset, index)  # decoded once: its corrupted copies share it
        for one in of_image:
            made[one.place] = _make_one(frame, corrupted_images, one)
    thumbnails = Thumbnails()
    for one in chosen:
        more = thumbnails.joined(made[one.place])
        if more.n_bytes > n_bytes:
            break
        thumbnails = more
    return thumbnails


def _make_one(frame: Frame, corrupted_images: CorruptedImages, wanted: Wanted) -> Thumbnails:
    (index, cell), region = wanted.place, wanted.region
    image = corrupted_images.frame_in(frame, cell).image
    crops: dict[CropPlace, str] = {}
    if region is not None:
        x0, y0, x1, y1 = region
        for where, of_cell in ((CLEAN, frame.image), (cell, image)):
            crop = np.ascontiguousarray(of_cell[y0:y1, x0:x1])
            crops[index, where, wanted.person] = make_thumbnail(crop, LONGEST_OF_CROP).base64
    return Thumbnails({wanted.place: _make_cheap(image)}, crops)


def _make_cheap(image: Image) -> str:
    """Return the thumbnail of a corrupted image in base64; smaller where that saves much, as it does of noise."""
    content = make_thumbnail(image).base64
    return content if len(content) <= DEAR_BYTES else make_thumbnail(image, LONGEST_OF_DEAR).base64


def _take_first(wanted: Sequence[Wanted], cost_of: Callable[[Wanted], int], budget: int) -> list[Wanted]:
    """Return as many of the first ones as a budget pays for."""
    taken = []
    for one in wanted:
        budget -= cost_of(one)
        if budget < 0:
            break
        taken.append(one)
    return taken
