"""Thumbnails: small WebP images for a page, of clean and of corrupted images, within a budget of bytes and time."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
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


def make_thumbnail(image: Image) -> Thumbnail:
    """Return the thumbnail of an (H, W, 3) uint8 RGB image; small images stay as large as they are."""
    import cv2
    import PIL.Image

    height, width = image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    small = image if scale == 1 else cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    content = io.BytesIO()
    PIL.Image.fromarray(small).save(content, "WEBP", quality=QUALITY, method=2)  # half the time of 4 for 3 % more
    return Thumbnail(base64.b64encode(content.getvalue()).decode(), size_wh, scale)


def make_corrupted_thumbnails(
    dataset: Dataset,
    corrupted_images: CorruptedImages,
    wanted: Sequence[Place],
    n_pixels: Mapping[int, int],
    n_bytes: int,
) -> dict[Place, str]:
    """Return corrupted thumbnails in base64, as many of the first `wanted` ones as fit.

    Args:
        dataset: the images.
        corrupted_images: how they look in a cell.
        wanted: what to show, the most important first.
        n_pixels: of each image that is wanted, at full size.
        n_bytes: how much there is to spend.
    """
    candidates: list[Place] = []
    pixels_left = MOST_PIXELS
    for place in wanted[: n_bytes // EXPECTED_BYTES]:
        pixels_left -= n_pixels[place[0]]
        if pixels_left < 0:
            break
        candidates.append(place)
    made: dict[Place, str] = {}
    by_image: dict[int, list[Cell]] = {}
    for index, cell in candidates:
        by_image.setdefault(index, []).append(cell)
    for index, cells in by_image.items():  # an image is decoded once: its corrupted copies share it
        frame = dataset.frame(index)
        for cell in cells:
            made[index, cell] = make_thumbnail(corrupted_images.frame_in(frame, cell).image).base64
    kept: dict[Place, str] = {}
    for place in candidates:
        n_bytes -= len(made[place])
        if n_bytes < 0:
            break
        kept[place] = made[place]
    return kept
