"""Context crops: the box grown by a margin, and the image around it, in a rectangle of the input's aspect.

For a square input that is the square about the box's centre with the grown box's longer side, as MoveNet is fed. Edges
belong to edges: the middle of crop pixel 0 is half a crop pixel inside of the rectangle (half-pixel convention).

Samples are what `cv2.warpAffine` gave up to OpenCV 4, to the last grey level: positions in 32nds of a pixel. OpenCV 5
rounds otherwise, and published outputs of networks are of crops made before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Floats, Image

STEPS = 32  # positions between two pixels
FINE = 1024  # the finer ones that are added up and then rounded to those
FARTHEST = 2**20  # px: where positions end, so that any box can be asked for

Indices = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Rectangles:
    """Where N crops are: their centres (N, 2) and sizes (N, 2), px, and the sizes (N, 2) of the grown boxes in them."""

    centers: Floats
    sizes: Floats
    grown: Floats

    def to_xy(self, fractions: Floats) -> Floats:
        """Return positions (N, K, 2) px of positions in 0..1 of the rectangles, from edge to edge."""
        corners = self.centers - self.sizes / 2
        return np.asarray(fractions * self.sizes[:, None] + corners[:, None])


def place_rectangles(boxes_xyxy: Floats, input_wh: tuple[int, int], margin: float) -> Rectangles:
    """Return where boxes (N, 4) px are cropped: the smallest rectangles of the input's aspect around them, grown."""
    # Rounded, so that a box that was x y width height has its width again: samples may lie on the border of two steps.
    size = np.round(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 9)
    grown = size * margin
    aspect_wh = np.array(input_wh, float)
    sizes = (grown / aspect_wh).max(1, keepdims=True) * aspect_wh
    return Rectangles(boxes_xyxy[:, :2] + size / 2, sizes, grown)


def crop_context(
    image: Image, rectangles: Rectangles, row: int, input_wh: tuple[int, int], mask: int | None = None
) -> Image:
    """Return the crop (h, w, 3) of rectangle `row` of an image (H, W, 3): bilinear, zero outside the image.

    With a `mask`, all image pixels that the grown box does not touch, and what is outside the image, are that grey.
    """
    center, size, grown = rectangles.centers[row], rectangles.sizes[row], rectangles.grown[row]
    shift = [0, 0]
    if mask is not None:
        image, shift = _cut(image, center, grown)
    (columns, across), (rows, down) = (
        _sample(center[axis], size[axis], input_wh[axis], shift[axis], apart=axis == 0) for axis in (0, 1)
    )
    grey = mask or 0
    top, bottom = (_mix_columns(image, rows + step, columns, across, grey) for step in (0, 1))
    weight = down.astype(np.float32)[:, None, None]  # whole numbers below 2**24 are exact, and faster than integers
    mixed = top * (STEPS - weight) + bottom * weight  # (h, w, 3), in 1024ths of a grey level
    return ((mixed + np.float32(STEPS * STEPS / 2)) * np.float32(1 / (STEPS * STEPS))).astype(np.uint8)  # cut off


def _cut(image: Image, center: Floats, grown: Floats) -> tuple[Image, list[int]]:
    """Return the part of an image that the grown box touches, and its first column and row."""
    ranges = []
    for axis, side in ((0, image.shape[1]), (1, image.shape[0])):
        first, end = center[axis] - grown[axis] / 2, center[axis] + grown[axis] / 2
        first, end = (math.floor(min(max(first, 0), side)), math.ceil(min(max(end, 0), side)))
        ranges.append((first, max(first, end)))
    (left, right), (top, bottom) = ranges
    return image[top:bottom, left:right], [left, top]


def _sample(center: float, size: float, n_samples: int, shift: int, apart: bool) -> tuple[Indices, Indices]:
    """Return of one axis the pixel before each sample, and how many 32nds of a pixel the sample is behind it.

    OpenCV rounds the first column and the steps from it `apart`, and rows with their steps.
    """
    steps = np.arange(n_samples) * (size / n_samples)
    first = center - size / 2 + size / n_samples / 2 - 0.5
    fine = _round_fine(first) + _round_fine(steps) if apart else _round_fine(first + steps)
    position = (fine + FINE // STEPS // 2) // (FINE // STEPS)
    return position // STEPS - shift, position % STEPS


def _round_fine(px: Any) -> Indices:
    return np.rint(np.clip(px, -FARTHEST, FARTHEST) * FINE).astype(np.int64)


def _mix_columns(image: Image, rows: Indices, columns: Indices, across: Indices, grey: int) -> npt.NDArray[np.uint16]:
    """Return some rows of an image (h, w, 3), mixed from two columns each, in 32nds of a grey level."""
    left, right = (_take(image, rows, columns + step, grey) for step in (0, 1))
    weight = across.astype(np.uint16)[:, None]
    return np.asarray(left * (np.uint16(STEPS) - weight) + right * weight, np.uint16)


def _take(image: Image, rows: Indices, columns: Indices, grey: int) -> Image:
    """Return the pixels (h, w, 3) in some rows and columns of an image; `grey` outside of it."""
    height, width = image.shape[:2]
    if not height or not width:
        return np.full((len(rows), len(columns), 3), grey, np.uint8)
    taken = image.take(np.clip(rows, 0, height - 1), 0).take(np.clip(columns, 0, width - 1), 1)
    taken[(rows < 0) | (rows >= height)] = grey
    taken[:, (columns < 0) | (columns >= width)] = grey
    return taken
