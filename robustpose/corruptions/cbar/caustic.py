"""Caustic refraction: the image at the bottom of moving water, bent and lit by its surface."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.cbar.canvas import side_of, split_rows
from robustpose.corruptions.exact.refraction import find_luminance, refract
from robustpose.corruptions.fast import caustics as fast
from robustpose.corruptions.seeding import IndependentRng, Rng
from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
STRENGTHS = (2.35, 3.2, 4.9, 6.6, 9.15)
TURN = 6.28318530718  # the pattern's period, as published
N_WAVES = 5


def caustic_refraction(image: Image, severity: int, rng: Rng) -> Image:
    """Look through water. Pixels move, the ground truth stays."""
    side = side_of(image)

    def draw_luminance() -> Doubles:
        time, size = _draw_light(side, rng)
        blocks = [_find_pattern(time, size, side, top, bottom) for top, bottom in split_rows(side)]
        return find_luminance(np.concatenate(blocks))

    luminance: npt.NDArray[Any]
    if isinstance(rng, IndependentRng):
        time, size = _draw_light(side, rng)
        luminance = fast.find_luminance(time, size, side, image.shape[:2])
    else:
        luminance = rng.draw_once("caustics", (side,), draw_luminance)
    strength = STRENGTHS[severity - 1]
    out = np.empty_like(image)
    refract(image, luminance, strength * 0.5 / 10 * side, strength * 2 / 10, out)
    return out


def _draw_light(side: int, rng: Rng) -> tuple[float, float]:
    """Draw when the light is looked at, and the period of its pattern, px."""
    return rng.uniform(0.5, 2), rng.uniform(0.75, 1.25) * side


def _find_pattern(time: float, size: float, side: int, top: int, bottom: int) -> Doubles:
    """Return the light on some rows of the bottom, in 0..1: waves that are bent by each other, five times."""
    down = (np.mod(np.arange(top, bottom)[:, None] / size, 1) * TURN - 250).repeat(side, axis=1)
    across = (np.mod(np.arange(side)[None] / size, 1) * TURN - 250).repeat(bottom - top, axis=0)
    i, j = down, across
    total = np.ones_like(i)
    for wave in range(N_WAVES):
        t = time * (1 - 3.5 / (wave + 1))
        i, j = (down + (np.cos(t - i) + np.sin(t + j)), across + (np.sin(t - j) + np.cos(t + i)))
        steep_down, steep_across = down / (np.sin(i + t) / 0.005), across / (np.cos(j + t) / 0.005)
        total += 1 / np.sqrt(steep_down**2 + steep_across**2)
    return np.clip(np.abs(1.17 - (total / N_WAVES) ** 1.4) ** 8, 0, 1)
