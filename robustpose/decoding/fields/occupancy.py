"""Occupancy: which pixels the joints found so far take, as a square around each of them."""

from __future__ import annotations

from numba import njit

LEAST_REACH = 4.0  # px


@njit(cache=True)
def mark_square(square, x, y, scale):  # type: ignore[no-untyped-def]
    """Set `square` (4,) to left, right, top and bottom px around a joint; right and bottom are excluded.

    Beyond the left or upper border it takes the first column or row.
    """
    reach = max(LEAST_REACH, scale)
    square[0], square[2] = max(0, int(x - reach)), max(0, int(y - reach))
    square[1], square[3] = max(square[0], int(x + reach)) + 1, max(square[2], int(y + reach)) + 1


@njit(cache=True)
def is_marked(squares, x, y):  # type: ignore[no-untyped-def]
    """Return whether one of the squares (n, 4) holds pixel x, y; those never set are 0 and hold none."""
    for i in range(len(squares)):  # noqa: SIM110 - Numba compiles no generators inside calls
        if squares[i, 0] <= x < squares[i, 1] and squares[i, 2] <= y < squares[i, 3]:
            return True
    return False
