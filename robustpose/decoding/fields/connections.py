"""Connections: from a joint to the joint at the other end, by the cells of a composite association field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from robustpose.decoding.fields.cells import FloatArray, IntArray

BIN = 32.0  # px; sources are sorted into squares of that side
REACH = 5.0  # scales of the joint, to each side: sources further away do not count
WORST_SECOND = 0.01  # the second best candidate takes part if its weight is at least this,
SECOND_SHARE = 0.5  # and at least this share of the best one's


class Candidates(NamedTuple):
    """The m confident connections: by direction, then by the bin that they begin in, row by row.

    Direction 2·l leads from joint 2 of connection l to its joint 1, direction 2·l + 1 from joint 1 to joint 2.
    """

    source_x: FloatArray  # (m,) px, where the connection begins
    source_y: FloatArray
    target_x: FloatArray  # (m,) px, where it ends
    target_y: FloatArray
    score: FloatArray  # (m,) 0..1: the cell's confidence, less where the position map sees no joint at the target
    starts: IntArray  # (2 L, rows, columns + 1) where the candidates of a bin begin, and those of a row end


@njit(cache=True)
def _bin(place, n_bins):  # type: ignore[no-untyped-def]
    """Return the bin of a coordinate in px; what lies outside is in the first or last."""
    return int(min(max(place / np.float32(BIN), np.float32(0)), np.float32(n_bins - 1)))


@njit(cache=True)
def list_candidates(confidence, end_xy, at_ends, threshold, shape_hw):  # type: ignore[no-untyped-def]
    """Return the candidates whose confidence (L, h·w) and score are above `threshold`, 0..1.

    The cells see their ends at end_xy (2, L, 2, h·w) px, where the position maps of `shape_hw` px say at_ends
    (2, L, h·w), 0..1.
    """
    n_connections, n_cells = confidence.shape
    n_rows, n_columns = int(shape_hw[0] / BIN) + 1, int(shape_hw[1] / BIN) + 1
    most = 0
    for value in confidence.flat:
        most += 2 * (value > threshold)
    source_x, source_y, target_x, target_y, scores = np.empty((5, most), np.float32)
    starts = np.empty((2 * n_connections, n_rows, n_columns + 1), np.int64)
    bins, score = np.empty(n_cells, np.int64), np.empty(n_cells, np.float32)
    free = np.empty(n_rows * n_columns, np.int64)
    m = 0
    for direction in range(2 * n_connections):
        connection, target = direction // 2, direction % 2
        from_x, from_y = end_xy[1 - target, connection]
        to_x, to_y = end_xy[target, connection]
        free[:] = 0
        for cell in range(n_cells):
            value = confidence[connection, cell]
            score[cell] = value * (np.float32(0.1) + np.float32(0.9) * at_ends[target, connection, cell])
            bins[cell] = -1
            if value > threshold and score[cell] > threshold:
                bins[cell] = _bin(from_y[cell], n_rows) * n_columns + _bin(from_x[cell], n_columns)
                free[bins[cell]] += 1
        for row in range(n_rows):
            for column in range(n_columns):
                starts[direction, row, column] = m
                n, free[row * n_columns + column] = free[row * n_columns + column], m
                m += n
            starts[direction, row, n_columns] = m
        for cell in range(n_cells):
            if bins[cell] >= 0:
                i = free[bins[cell]]
                source_x[i], source_y[i], target_x[i], target_y[i] = from_x[cell], from_y[cell], to_x[cell], to_y[cell]
                scores[i] = score[cell]
                free[bins[cell]] += 1
    return Candidates(source_x[:m], source_y[:m], target_x[:m], target_y[:m], scores[:m], starts)


@njit(cache=True, error_model="numpy")
def find_target(candidates, direction, x, y, scale):  # type: ignore[no-untyped-def]
    """Return x px, y px and weight 0..1 of the joint that a direction leads to, from a joint of `scale` px at x, y.

    It is where the best candidate leads, or the mean of the best two if the second is nearly as good. The weight is 0
    if there is no candidate.
    """
    starts = candidates.starts[direction]
    n_rows, n_columns = starts.shape[0], starts.shape[1] - 1
    reach = REACH * scale
    left, right = _bin(x - reach, n_columns), _bin(x + reach, n_columns)
    best, second = -1, -1
    best_weight, second_weight = 0.0, 0.0
    for row in range(_bin(y - reach, n_rows), _bin(y + reach, n_rows) + 1):
        for i in range(starts[row, left], starts[row, right + 1]):
            dx, dy, score = candidates.source_x[i] - x, candidates.source_y[i] - y, candidates.score[i]
            # A weight is never above the score, so a low one would be neither the best nor a second that counts.
            if max(abs(dx), abs(dy)) > reach or score < max(second_weight, SECOND_SHARE * best_weight):
                continue
            weight = score * np.exp(-np.sqrt(dx * dx + dy * dy) / scale)
            if weight > best_weight:
                second, second_weight = best, best_weight
                best, best_weight = i, weight
            elif weight > second_weight:
                second, second_weight = i, weight
    if best < 0:
        return 0.0, 0.0, 0.0
    target_x, target_y = float(candidates.target_x[best]), float(candidates.target_y[best])
    if second < 0 or second_weight < max(WORST_SECOND, SECOND_SHARE * best_weight):
        return target_x, target_y, best_weight
    total = best_weight + second_weight
    target_x = (best_weight * target_x + second_weight * candidates.target_x[second]) / total
    target_y = (best_weight * target_y + second_weight * candidates.target_y[second]) / total
    return target_x, target_y, total / 2
