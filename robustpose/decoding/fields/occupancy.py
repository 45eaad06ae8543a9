"""Occupancy: which pixels the joints found so far take, as a square around each of them."""

from __future__ import annotations

import numpy as np
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


@njit(cache=True)
def suppress_joints(poses, scales):  # type: ignore[no-untyped-def]
    """Set the confidence of joints to 0 whose place a better person's joint takes; their positions stay.

    Poses (N, K, 3) are x px, y px and confidence, best first, changed in place; scales (N, K) px are half the side of
    the square that a joint takes, if not below `LEAST_REACH`.
    """
    n_people, n_joints = poses.shape[:2]
    # Joints outside are in the nearest pixel of a map that all of them span.
    last_x = max(int(poses[:, :, 0].max() + 1), 1) - 1
    last_y = max(int(poses[:, :, 1].max() + 1), 1) - 1
    squares = np.zeros((n_joints, n_people, 4), np.int64)
    for person in range(n_people):
        for joint in range(n_joints):
            x, y, confidence = poses[person, joint]
            if confidence == 0:
                continue
            column, row = min(max(int(x), 0), last_x), min(max(int(y), 0), last_y)
            if is_marked(squares[joint, :person], column, row):
                poses[person, joint, 2] = 0
            else:
                mark_square(squares[joint, person], x, y, scales[person, joint])
