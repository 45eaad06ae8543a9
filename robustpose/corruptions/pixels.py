"""Pixel values: to and from 0..1, Gaussian smoothing, hue-saturation-value, all with the benchmark's roundings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.floating[Any]]


def to_uint8(x: Floats) -> npt.NDArray[np.uint8]:
    """Clip to 0..1, scale by 255 and truncate (the benchmark never rounds)."""
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


def smooth(x: Floats, sigma: float | Sequence[float], mode: str = "nearest", truncate: float = 4.0) -> npt.NDArray[Any]:
    """Smooth the first two axes with a Gaussian of `sigma` px (one, or one per axis), keeping the dtype of `x`."""
    sigmas = list(sigma) if isinstance(sigma, Sequence) else [sigma, sigma]
    return ndimage.gaussian_filter(x, sigmas + [0] * (x.ndim - 2), mode=mode, truncate=truncate)


def rgb_to_hsv(rgb: Floats) -> Floats:
    """Convert (..., 3) RGB in 0..1 to hue, saturation and value in 0..1.

    Operation by operation as scikit-image does it, so that float64 results are equal to the last bit: where two
    channels share the maximum, the later one decides the hue.
    """
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value = rgb.max(-1)
    delta = value - rgb.min(-1)
    grey = delta == 0
    safe_delta = np.where(grey, 1.0, delta)
    hue = (green - blue) / safe_delta
    hue = np.where(green == value, 2.0 + (blue - red) / safe_delta, hue)
    hue = np.where(blue == value, 4.0 + (red - green) / safe_delta, hue)
    hue = np.where(grey, 0.0, (hue / 6.0) % 1.0)
    saturation = np.where(grey, 0.0, delta / np.where(value == 0, 1.0, value))
    return np.stack([hue, saturation, value], axis=-1)


def hsv_to_rgb(hsv: Floats) -> Floats:
    """Convert (..., 3) hue, saturation and value in 0..1 to RGB in 0..1, each operation as in scikit-image."""
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    sector = np.floor(hue * 6)
    part = hue * 6 - sector
    low = value * (1 - saturation)
    falling = value * (1 - part * saturation)
    rising = value * (1 - (1 - part) * saturation)
    sector = sector.astype(np.uint8) % 6
    rgb = np.empty_like(hsv)
    rgb[..., 0] = np.choose(sector, [value, falling, low, low, rising, value])
    rgb[..., 1] = np.choose(sector, [rising, value, value, falling, low, low])
    rgb[..., 2] = np.choose(sector, [low, low, rising, value, value, falling])
    return rgb
