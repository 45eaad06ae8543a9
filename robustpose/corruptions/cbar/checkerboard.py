"""Checkerboard cutout: grey squares where a turned chequerboard has black fields, some of them left out."""

from __future__ import annotations

import numpy as np

from robustpose.corruptions.cbar.canvas import side_of
from robustpose.corruptions.exact.cutting import Onsets, cut_out, find_squares
from robustpose.corruptions.seeding import IndependentRng, Rng, draw_drawer
from robustpose.pose.types import Image

FRACTIONS = np.array([0.2, 0.3, 0.4, 0.5, 0.6])  # of the black fields
GREY = 128


def checkerboard_cutout(image: Image, severity: int, rng: Rng) -> Image:
    """Cover a fraction of the black fields of a chequerboard."""
    side = side_of(image)

    def draw_onsets() -> Onsets:
        angle = rng.uniform(0, 2 * np.pi)
        cell = max(rng.uniform(0.1, 0.25) * side, 1.0)
        n_cells = int(4 * side / cell)
        onsets = np.empty(image.shape[:2] if isinstance(rng, IndependentRng) else (side, side), np.uint8)
        uniforms = draw_drawer(rng).uniform(size=(n_cells, n_cells))
        find_squares(float(np.cos(angle)), float(np.sin(angle)), cell, uniforms, FRACTIONS, onsets)
        return onsets

    out = np.empty_like(image)
    cut_out(image, rng.draw_once("checkerboard", (side,), draw_onsets), severity, GREY, out)
    return out
