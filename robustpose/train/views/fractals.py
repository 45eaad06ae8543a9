"""Fractals: images with fine and coarse edges everywhere, drawn here, to mix crops with (`pixmix`).

PixMix's own images are files of others. These are Julia sets (escape times of z² + c), each with a c beside the edge
of the Mandelbrot set, where they are rich; the window is centred on a point of the set, so that no image is empty
whatever its scale. Every number of steps has a colour of its own: flat bands with hard edges, not the smooth fields
that Perlin and plasma noise are.

There are `N_FRACTALS`, the same in every training, as there is one set of files in PixMix. Each is drawn when it is
first wanted, in 20 to 60 ms, and kept by the process: 25 MB at most.
"""

from __future__ import annotations

import cmath
import functools

import cv2
import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image
from robustpose.train.seeding import make_rng

N_FRACTALS = 32
MOST_SIDE = 512  # px; crops that are larger get an enlarged part
MOST_STEPS = 64
FINER = 2  # points along a px that its colour is the mean of: else the finest parts are the noise of single pixels
SCALES = (0.02, 1.0)  # half the side of a window; a Julia set is about 3 across


@functools.lru_cache(maxsize=N_FRACTALS)
def draw_fractal(number: int, side: int) -> Image:
    """Return image `number` of `N_FRACTALS`, (side, side, 3) uint8, read-only; `side` px, at most `MOST_SIDE`.

    >>> draw_fractal(3, 64).shape
    (64, 64, 3)
    """
    rng = make_rng(0, "fractal", number)
    # The main cardioid of the Mandelbrot set, and a little outside.
    turn = cmath.exp(1j * rng.uniform(0, 2 * np.pi))
    c = (turn / 2 - turn * turn / 4) * (1 + rng.uniform(0.01, 0.08))
    # Going backwards, any point comes to the Julia set.
    centre = 1 + 0j
    for sign in rng.choice((-1, 1), 40).tolist():
        centre = sign * cmath.sqrt(centre - c)
    half = float(np.exp(rng.uniform(*np.log(SCALES))))
    steps = _count_steps(c, centre, half, cmath.exp(1j * rng.uniform(0, 2 * np.pi)), FINER * side)
    palette = rng.integers(0, 256, (MOST_STEPS + 1, 3), dtype=np.uint8)
    image = cv2.resize(palette[steps], (side, side), interpolation=cv2.INTER_AREA)
    image.flags.writeable = False
    return image


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _count_steps(c: complex, centre: complex, half: float, turn: complex, side: int) -> npt.NDArray[np.uint8]:
    """Return (side, side): after how many steps of z² + c each point is further than 2 from 0, at most `MOST_STEPS`."""
    steps = np.empty((side, side), np.uint8)
    for y in range(side):
        for x in range(side):
            z = centre + turn * half * complex(2 * x / side - 1, 2 * y / side - 1)
            n = 0
            while n < MOST_STEPS and z.real * z.real + z.imag * z.imag < 4:
                z = z * z + c
                n += 1
            steps[y, x] = n
    return steps
