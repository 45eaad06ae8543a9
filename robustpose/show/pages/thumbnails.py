"""Thumbnails: small WebP images for a page, of clean and of corrupted images, within a budget of bytes and time."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from robustpose.data.corrupted import CorruptedImages
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Image

LONGEST_SIDE = 320  # px
QUALITY = 62  # of WebP: about 9 kB for a clean photograph, 3 for fog, 20 for noise
# Corrupting takes about 0.05 µs a pixel on average: 400 photographs of 640 x 480 px take about 6 s on one core.
MOST_PIXELS = 400 * 640 * 480
EXPECTED_BYTES = 13_000  # of a corrupted thumbnail in base64: how many are worth making

Place = tuple[int, Cell]  # index of the image in its dataset, and where it is seen


class Thumbnail(NamedTuple):
    """A small image: its content as base64 of WebP, its size, and its pixels per pixel of the image."""

    base64: str
    size_wh: tuple[int, int]
    scale: float


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


def make_corrupted_thumbnails(
    dataset: Dataset,
    corrupted_images: CorruptedImages,
    wanted: Sequence[Place],
    n_pixels: Mapping[int, int],
    n_bytes: int,
) -> dict[Place, str]:
    """Return corrupted thumbnails in base64, as many of the first `wanted` ones as fit into `n_bytes`.

    `n_pixels` are those of each image, by its index, at full size.
    """
    places = _take_first(wanted[: n_bytes // EXPECTED_BYTES], lambda place: n_pixels[place[0]], MOST_PIXELS)
    made: dict[Place, str] = {}
    for index, of_image in groupby(sorted(places, key=itemgetter(0)), itemgetter(0)):
        frame = dataset.frame(index)  # decoded once: its corrupted copies share it
        for _, cell in of_image:
            made[index, cell] = make_thumbnail(corrupted_images.frame_in(frame, cell).image).base64
    return {place: made[place] for place in _take_first(places, lambda place: len(made[place]), n_bytes)}


def _take_first(places: Sequence[Place], cost_of: Callable[[Place], int], budget: int) -> list[Place]:
    """Return as many of the first places as a budget pays for."""
    taken = []
    for place in places:
        budget -= cost_of(place)
        if budget < 0:
            break
        taken.append(place)
    return taken
