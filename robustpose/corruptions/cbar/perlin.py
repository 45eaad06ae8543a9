"""Perlin noise: mixing with a turbulence of lattice noise, as clouds or smoke would."""

from __future__ import annotations

import numpy as np

from robustpose.corruptions.cbar.canvas import side_of, split_rows
from robustpose.corruptions.exact.lattice_noise import draw_lattice, find_turbulence
from robustpose.corruptions.exact.veils import Veil, add_veil, find_veil
from robustpose.corruptions.fast.lattice_noise import draw_fast_lattice, mix_with_turbulence
from robustpose.corruptions.seeding import IndependentRng, Rng, draw_drawer
from robustpose.pose.types import Image

ALPHAS = np.array([s * 0.5 / 10 for s in (4.6, 5.2, 5.8, 7.6, 8.8)])  # share of the noise
# What the image's values become: products in float32, as published.
SCALED = ((1 - ALPHAS).astype(np.float32)[:, None] * np.arange(256, dtype=np.float32)).astype(np.float64)
STEP = 32  # px of the coarsest lattice, in a square of 224 px


def perlin_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Mix with turbulence, the same one in all channels."""
    side = side_of(image)
    per_pixel = 1 / (STEP * side / 224)

    def draw_veil() -> Veil:
        lattice = draw_lattice(draw_drawer(rng))
        blocks = (find_turbulence(lattice, per_pixel, side, top, bottom) for top, bottom in split_rows(side))
        return find_veil((block[:, :, None] for block in blocks), SCALED, 255 * ALPHAS)

    alpha = float(ALPHAS[severity - 1])
    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        mix_with_turbulence(image, draw_fast_lattice(rng), per_pixel, alpha, out)
    else:
        veil = rng.draw_once("perlin", (side,), draw_veil)
        add_veil(image, SCALED[severity - 1], 255 * alpha, veil, out)
    return out
