"""The compiled loops that draw PifPaf's targets; `fields` says what they are."""

from __future__ import annotations

import numpy as np
from numba import njit

SIDE = 4  # cells, of the square around a joint
WIDTH = 3.0  # cells, of the square that moves along a connection
FREE_ENDS = WIDTH / 2 + 1  # cells from its middle to either joint
MOST_FREE = 0.4  # of the length, at either end


@njit(cache=True)
def draw_joints(joints, annotated, scales, confidence, vector, scale):  # type: ignore[no-untyped-def]
    """Fill confidence and scale (K, h, w) and vector (K, 2, h, w), all 0, from joints (N, K, 2) in cells."""
    _, height, width = confidence.shape
    nearest = np.full(confidence.shape, np.inf)
    for person, joint in np.ndindex(annotated.shape):
        if not annotated[person, joint]:
            continue
        x, y = joints[person, joint]
        left, top = int(np.floor(x)) + 1 - SIDE // 2, int(np.floor(y)) + 1 - SIDE // 2
        for row in range(max(top, 0), min(top + SIDE, height)):
            for column in range(max(left, 0), min(left + SIDE, width)):
                distance = (x - column) ** 2 + (y - row) ** 2
                if distance < nearest[joint, row, column]:
                    nearest[joint, row, column] = distance
                    confidence[joint, row, column] = 1
                    vector[joint, 0, row, column] = x - column
                    vector[joint, 1, row, column] = y - row
                    scale[joint, row, column] = scales[person, joint]


@njit(cache=True)
def draw_connections(joints, annotated, ends, confidence, vectors):  # type: ignore[no-untyped-def]
    """Fill confidence (L, h, w) and vectors (2, L, 2, h, w), all 0, from joints (N, K, 2) in cells."""
    _, height, width = confidence.shape
    nearest = np.full(confidence.shape, np.inf)
    half = WIDTH / 2
    for person in range(len(joints)):
        for connection in range(len(ends)):
            a, b = ends[connection]
            if not (annotated[person, a] and annotated[person, b]):
                continue
            (x1, y1), (x2, y2) = joints[person, a], joints[person, b]
            dx, dy = x2 - x1, y2 - y1
            squared = dx * dx + dy * dy
            free = MOST_FREE if squared == 0 else min(MOST_FREE, FREE_ENDS / np.sqrt(squared))
            left, right = _span(x1, dx, free, half, width)
            top, bottom = _span(y1, dy, free, half, height)
            for row in range(top, bottom):
                for column in range(left, right):
                    # Where on its way, 0..1, the square holds the cell.
                    first, last = _limit(free, 1 - free, column - x1, dx, half)
                    first, last = _limit(first, last, row - y1, dy, half)
                    if first > last:
                        continue
                    along = 0.0 if squared == 0 else ((column - x1) * dx + (row - y1) * dy) / squared
                    along = min(max(along, 0.0), 1.0)
                    distance = (x1 + along * dx - column) ** 2 + (y1 + along * dy - row) ** 2
                    if distance < nearest[connection, row, column]:
                        nearest[connection, row, column] = distance
                        confidence[connection, row, column] = 1
                        vectors[0, connection, 0, row, column] = x1 - column
                        vectors[0, connection, 1, row, column] = y1 - row
                        vectors[1, connection, 0, row, column] = x2 - column
                        vectors[1, connection, 1, row, column] = y2 - row


@njit(cache=True)
def _span(start, way, free, half, size):  # type: ignore[no-untyped-def]
    """Return first and end (excluded) of the cells on one axis that the square passes."""
    one, other = start + free * way, start + (1 - free) * way
    first, last = np.ceil(min(one, other) - half), np.floor(max(one, other) + half)
    return int(max(first, 0.0)), int(min(last + 1, float(size)))


@njit(cache=True)
def _limit(first, last, apart, way, half):  # type: ignore[no-untyped-def]
    """Return the part of `first`..`last` of the way in which a cell `apart` from its start is at most `half` away."""
    if way == 0:
        return (first, last) if abs(apart) <= half else (1.0, 0.0)
    one, other = (apart - half) / way, (apart + half) / way
    return max(first, min(one, other)), min(last, max(one, other))
