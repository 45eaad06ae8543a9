"""PixMix: a crop mixed with a fractal, or with another copy of itself, up to four times (Hendrycks et al., CVPR 2022).

Half of the crops begin with one of AugMix's operations. Then come 0 to 4 rounds, each as likely: in each, what there is
so far is added to or multiplied by a fresh copy of the crop after one operation, or by the fractal. Values have 8 bits
between the rounds, where PixMix's are floats: so a round is one look at a table of 256 values for each image.

Constants are those for ImageNet, `BETA` 4 and 4 rounds. The fractals are ours (`fractals`), and the operations those of
`augmix`, where PixMix's recipes have all 13, with those that come close to corruptions or move pixels.

    >>> crop = np.random.default_rng(0).integers(0, 256, (128, 96, 3), np.uint8)
    >>> apply_pixmix(crop, np.random.default_rng(1)).shape
    (128, 96, 3)
"""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image
from robustpose.train.views.augmix import apply_operation
from robustpose.train.views.fractals import MOST_SIDE, N_FRACTALS, draw_fractal

BETA = 4.0  # the higher, the nearer to the crop
MOST_ROUNDS = 4
LARGER = 8 / 7  # than the crop is a fractal of which a part is taken; PixMix takes 224 px of 256

Terms = npt.NDArray[np.float32]  # (256,) what a value gives to a sum, or to a product, of levels 0..255
VALUES = np.arange(256) / 255


def apply_pixmix(crop: Image, rng: np.random.Generator) -> Image:
    """Return a new crop (h, w, 3), mixed at random."""
    fractal = cut_fractal((crop.shape[0], crop.shape[1]), rng)
    mixed = apply_operation(crop, rng) if rng.random() < 0.5 else np.array(crop, order="C")
    for _ in range(rng.integers(MOST_ROUNDS + 1)):
        other = apply_operation(crop, rng) if rng.random() < 0.5 else fractal
        multiplied = rng.random() < 0.5
        a, b = draw_coefficients(rng)
        mixed = _combine(mixed, other, *make_terms(a, b, multiplied), multiplied)
    return mixed


def cut_fractal(shape_hw: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return a part (h, w, 3) of a random fractal, maybe mirrored or turned by 90°."""
    longer = max(shape_hw)
    side = min(math.ceil(longer * LARGER), MOST_SIDE)
    scale = min(side / (longer * LARGER), 1)  # below 1 for large crops, which get an enlarged part
    fractal = draw_fractal(int(rng.integers(N_FRACTALS)), side)
    if rng.random() < 0.5:
        fractal = fractal.swapaxes(0, 1)
    fractal = fractal[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
    height, width = (max(int(length * scale), 1) for length in shape_hw)
    top, left = (int(rng.integers(side - length + 1)) for length in (height, width))
    part = np.ascontiguousarray(fractal[top : top + height, left : left + width])
    if part.shape[:2] != shape_hw:
        part = np.asarray(cv2.resize(part, shape_hw[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return part


def draw_coefficients(rng: np.random.Generator) -> tuple[float, float]:
    """Return the coefficients of what there is and of what comes to it: both positive, or 1 to 2 and −1 to 0."""
    if rng.random() < 0.5:
        return rng.beta(BETA, 1), rng.beta(1, BETA)
    return 1 + rng.beta(1, BETA), -rng.beta(1, BETA)


def make_terms(a: float, b: float, multiplied: bool) -> tuple[Terms, Terms]:
    """Return what values of the first and of the second image give to the result.

    That is, for x and y from 0 to 1, (a·(2x − 1) + b·(2y − 1) + 1) / 2, or `multiplied` (2x)^a · (2y)^b / 2.
    """
    if multiplied:
        first, second = 255 / 2 * (2 * VALUES) ** a, np.maximum(2 * VALUES, 1e-37) ** b
    else:
        first, second = 255 / 2 * (a * (2 * VALUES - 1) + 1), 255 / 2 * b * (2 * VALUES - 1)
    return first.astype(np.float32), second.astype(np.float32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _combine(one: Image, other: Image, first: Terms, second: Terms, multiplied: bool) -> Image:
    """Return the sum or the product of two images (h, w, 3), of the terms of their values, clipped and rounded."""
    out = np.empty_like(one)
    flat, ones, others = out.reshape(-1), one.reshape(-1), other.reshape(-1)
    top, half = np.float32(255), np.float32(0.5)
    if multiplied:
        for i in range(flat.size):
            flat[i] = np.uint8(min(first[ones[i]] * second[others[i]], top) + half)
    else:
        for i in range(flat.size):
            flat[i] = np.uint8(min(max(first[ones[i]] + second[others[i]], np.float32(0)), top) + half)
    return out
