"""Perlin noise: mixing with a turbulence of lattice noise, as clouds or smoke would."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.cbar.canvas import side_of
from robustpose.corruptions.exact.lattice_noise import add_octaves, draw_lattice
from robustpose.corruptions.exact.veils import add_veil
from robustpose.corruptions.fast.lattice_noise import draw_fast_lattice, mix_with_turbulence
from robustpose.corruptions.seeding import IndependentRng, Rng, draw_drawer
from robustpose.pose.types import Image

ALPHAS = tuple(s * 0.5 / 10 for s in (4.6, 5.2, 5.8, 7.6, 8.8))  # share of the noise
STEP = 32  # px of the coarsest lattice, in a square of 224 px


def perlin_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Mix with turbulence, the same one in all channels."""
    side = side_of(image)
    per_pixel = 1 / (STEP * side / 224)

    def draw_weights() -> npt.NDArray[np.float64]:
        weights = np.empty((side, side))
        add_octaves(draw_lattice(draw_drawer(rng)), per_pixel, weights)
        return weights[:, :, None]

    alpha = ALPHAS[severity - 1]
    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        mix_with_turbulence(image, draw_fast_lattice(rng), per_pixel, alpha, out)
    else:
        weights = rng.draw_once("perlin", (side,), draw_weights)
        scaled = ((1 - alpha) * np.arange(256, dtype=np.float32)).astype(np.float64)  # in float32, as published
        add_veil(image, scaled, 255 * alpha, weights, out)
    return out
