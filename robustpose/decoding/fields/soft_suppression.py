"""Soft suppression: of joints of one kind in one place, only the best person's keeps its confidence."""

from __future__ import annotations

import numpy as np
from numba import njit

from robustpose.decoding.fields.occupancy import is_marked, mark_square


@njit(cache=True)
def suppress_joints(poses, scales):  # type: ignore[no-untyped-def]
    """Set the confidence of joints to 0 whose place a better person's joint takes; their positions stay.

    Args:
        poses: (N, K, 3) as x px, y px, confidence, best first, changed in place.
        scales: (N, K) px: half the side of the square that a joint takes, if not below `occupancy.LEAST_REACH`.
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
