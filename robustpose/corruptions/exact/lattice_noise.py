"""Lattice noise (Perlin, SIGGRAPH 1985) in two dimensions, and the turbulence of five octaves of it.

Exact: only sums, products and a square root, in the order of the program that Mintun et al. (NeurIPS 2021) publish.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.seeding import Drawer

Doubles = npt.NDArray[np.float64]
N_ENTRIES = 514  # the 256 of a period, twice, and the two that a lookup may reach beyond


class Lattice(NamedTuple):
    """What is drawn: everything else follows from it."""

    order: npt.NDArray[np.int64]  # (514,) a permutation of 0..255, continued
    gradients: Doubles  # (514, 2) of length 1, down and across, continued


def draw_lattice(drawer: Drawer) -> Lattice:
    """Draw a lattice as published: gradients from a square, normalised, then the permutation."""
    drawn = np.array([drawer.randint(0, 2**31, 2) for _ in range(N_ENTRIES)])
    gradients = (drawn % 512 - 256) / 256
    gradients /= np.sqrt(gradients[:, :1] ** 2 + gradients[:, 1:] ** 2)
    order = np.arange(256)
    for i in range(255, -1, -1):
        j = drawer.randint(0, 2**31) % 256
        order[[i, j]] = order[[j, i]]
    continued = np.arange(N_ENTRIES) % 256
    return Lattice(order[continued], gradients[continued])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find_turbulence(lattice: Lattice, per_pixel: float, side: int, top: int, bottom: int) -> Doubles:
    """Return clip(½ + ½·Σ|noise at f times the frequency|/f), f = 1, 2, 4, 8, 16, for some rows: (bottom - top, side).

    `per_pixel` is the inverse of the lattice's step, px, at f = 1.
    """
    weights = np.empty((bottom - top, side))
    for h in range(top, bottom):
        for w in range(side):
            total = 0.0
            for octave in range(5):
                f = 1 << octave
                total += abs(_noise_at(lattice, f * h * per_pixel, f * w * per_pixel)) / f
            value = 0.5 * total + 0.5
            weights[h - top, w] = min(max(value, 0.0), 1.0)
    return weights


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _noise_at(lattice: Lattice, down: float, across: float) -> float:
    order, gradients = lattice
    y, x = down + 4096.0, across + 4096.0
    y0, x0 = int(y), int(x)
    dy, dx = y - y0, x - x0
    upper, lower, left, right = order[y0 % 256], order[(y0 + 1) % 256], x0 % 256, (x0 + 1) % 256
    near, far = order[upper + left], order[lower + left]
    a = dy * gradients[near, 0] + dx * gradients[near, 1]
    b = (dy - 1.0) * gradients[far, 0] + dx * gradients[far, 1]
    smooth = dy * dy * (3.0 - 2.0 * dy)
    first = a + smooth * (b - a)
    near, far = order[upper + right], order[lower + right]
    a = dy * gradients[near, 0] + (dx - 1.0) * gradients[near, 1]
    b = (dy - 1.0) * gradients[far, 0] + (dx - 1.0) * gradients[far, 1]
    second = a + smooth * (b - a)
    return 1.5 * (first + dx * dx * (3.0 - 2.0 * dx) * (second - first))
