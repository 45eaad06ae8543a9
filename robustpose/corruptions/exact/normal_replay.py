"""Normal numbers as NumPy's legacy generator draws them from some place of its stream on.

It has the polar method (Marsaglia, 1962): two uniform numbers are a point in a square; one inside the circle gives two
normal numbers. How many uniform numbers n normal ones take depends on the stream, and is known afterwards.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def replay_normals(uniforms: Doubles, position: int, out: Doubles) -> int:
    """Write the (n,) standard normal numbers drawn from number `position` of the stream on; return how many are done.

    Fewer than n are done where `uniforms` (m,), the beginning of the stream, is too short.
    """
    done = 0
    while done < out.size:
        if position + 2 > uniforms.size:
            return done
        x = 2.0 * uniforms[position] - 1.0
        y = 2.0 * uniforms[position + 1] - 1.0
        position += 2
        square = x * x + y * y
        if square >= 1.0 or square == 0.0:
            continue
        factor = math.sqrt(-2.0 * math.log(square) / square)
        out[done] = factor * y  # the second number comes first
        done += 1
        if done < out.size:
            out[done] = factor * x
            done += 1
    return done
