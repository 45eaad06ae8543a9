"""Letterboxes: where a whole image lands in a network's input of one size, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from robustpose.pose.types import Floats, Image

Place = Literal["center", "corner", "stretch"]
# How a side becomes whole pixels: round(side · factor), int(side · factor), or round(side · longest / longer side).
# They differ by a pixel for some sizes, in floating point even where the longer side should fit.
Rounding = Literal["factor", "cut", "quotient"]


@dataclass(frozen=True)
class Letterbox:
    """How an image of any size becomes an input of `input_wh` px.

    It is resized with its aspect kept until one edge fits, and put into the middle (`center`) or the top left
    (`corner`); `fill` (a grey level) is what lies around it. `stretch` resizes both edges instead.
    """

    input_wh: tuple[int, int]
    place: Place = "center"
    fill: int = 114
    rounding: Rounding = "factor"

    def find_place(self, image_wh: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the size (width, height) px that an image is resized to, and the px (x, y) of its top left corner.

        >>> Letterbox((640, 640)).find_place((1280, 961))
        ((640, 480), (0, 80))
        """
        if self.place == "stretch":
            return self.input_wh, (0, 0)
        factors = [most / side for most, side in zip(self.input_wh, image_wh, strict=True)]
        if self.rounding == "quotient":
            axis = factors.index(min(factors))
            sides = [round(side * self.input_wh[axis] / image_wh[axis]) for side in image_wh]
        else:
            whole = int if self.rounding == "cut" else round
            sides = [whole(side * min(factors)) for side in image_wh]
        width, height = (max(1, side) for side in sides)
        if self.place == "corner":
            return (width, height), (0, 0)
        return (width, height), ((self.input_wh[0] - width) // 2, (self.input_wh[1] - height) // 2)

    def fit_image(self, image: Image) -> Image:
        """Return the input (h, w, 3) of an image (H, W, 3): bilinear, as `cv2.resize` does it."""
        (width, height), (left, top) = self.find_place((image.shape[1], image.shape[0]))
        fitted = np.full((self.input_wh[1], self.input_wh[0], 3), self.fill, np.uint8)
        fitted[top : top + height, left : left + width] = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_LINEAR
        )
        return fitted

    def map_xy(self, input_xy: Floats, image_wh: tuple[int, int], one_factor: bool = False) -> Floats:
        """Return positions (..., 2) in px of the input as px of the image, each axis by its own factor.

        With `one_factor` both axes are divided by the factor of the edge that fits, as if sides were not rounded to
        whole pixels; a stretched image has no such factor. There is no half-pixel shift: annotations are brought to the
        input by factors alone where such networks are trained.
        """
        size_wh, corner_xy = self.find_place(image_wh)
        from_corner = input_xy - np.array(corner_xy, float)
        if one_factor and self.place != "stretch":
            return from_corner / min(most / side for most, side in zip(self.input_wh, image_wh, strict=True))
        return from_corner * (np.array(image_wh, float) / np.array(size_wh, float))
