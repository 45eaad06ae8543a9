"""Haze: a periodic fractal by midpoint displacement (diamond-square), compiled by numba.

Exact: sums and draws in the order of the published program. No fast-math.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.seeding import Rng

Doubles = npt.NDArray[np.float64]


def draw_haze(side: int, decay: float, rng: Rng) -> Doubles:
    """Draw a periodic (side, side) fractal in 0..1 by midpoint displacement; `side` is a power of two."""
    field = np.zeros((side, side))
    _refine(field, rng.first_uniforms(side * side - 1), float(decay))
    field -= field.min()
    return field / field.max()


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _refine(field: Doubles, uniforms: Doubles, decay: float) -> None:
    """Displace midpoints of the periodic (side, side) field, level by level, in place (diamond-square).

    Per level with step s: the centres of the squares, then the middles of their upper edges, then of their left ones;
    each is the mean of its four neighbours plus amplitude·U(−amplitude, amplitude). The amplitude enters twice, as the
    published program has it; it is 100 at first and divided by `decay` after each level. The field is zero at first;
    `uniforms` are side² − 1 numbers in [0, 1).
    """
    side = field.shape[0]
    amplitude, step, used = 100.0, side, 0
    while step >= 2:
        half = step // 2
        low, span = -amplitude, amplitude - (-amplitude)
        for h in range(half, side, step):
            up, down = h - half, (h + half) % side
            for w in range(half, side, step):
                left, right = w - half, (w + half) % side
                total = (field[up, left] + field[down, left]) + (field[up, right] + field[down, right])
                field[h, w] = total / 4 + amplitude * (low + span * uniforms[used])
                used += 1
        for h in range(0, side, step):
            up, down = (h - half) % side, h + half
            for w in range(half, side, step):
                left, right = w - half, (w + half) % side
                total = (field[down, w] + field[up, w]) + (field[h, left] + field[h, right])
                field[h, w] = total / 4 + amplitude * (low + span * uniforms[used])
                used += 1
        for h in range(half, side, step):
            up, down = h - half, (h + half) % side
            for w in range(0, side, step):
                left, right = (w - half) % side, w + half
                total = (field[h, right] + field[h, left]) + (field[up, w] + field[down, w])
                field[h, w] = total / 4 + amplitude * (low + span * uniforms[used])
                used += 1
        step = half
        amplitude /= decay
