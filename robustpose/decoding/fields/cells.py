"""Cells: where the confident cells of a composite intensity field see joints, and the scale of joints at a pixel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class JointCells(NamedTuple):
    """The n confident cells of all K joints: joint by joint, those of a joint row by row."""

    x: FloatArray  # (n,) px, where the cell sees the joint
    y: FloatArray
    scale: FloatArray  # (n,) px
    confidence: FloatArray  # (n,) 0..1
    square: IntArray  # (4, n) left, right, top, bottom px of the square ± scale around it; right and bottom excluded
    joint: IntArray  # (n,) index of the joint
    starts: IntArray  # (K + 1,) index of each joint's first cell; the last entry is n


@njit(cache=True)
def pixel_span(center, reach, size):  # type: ignore[no-untyped-def]
    """Return first and end (excluded) of the pixels of center ± reach on an axis: at least one, all within the map."""
    first = int(min(max(center - reach, 0.0), size - 1.0))
    return first, int(min(max(center + reach, first + 1.0), float(size)))


@njit(cache=True)
def collect_cells(confidence, xy, scale, threshold, shape_hw):  # type: ignore[no-untyped-def]
    """Return the cells whose confidence (K, h·w) is above `threshold`, 0..1.

    They see the joint at xy (K, 2, h·w) px, with a scale (K, h·w) px, in maps of `shape_hw` px.
    """
    height, width = shape_hw
    n_joints = len(confidence)
    n = 0
    for value in confidence.flat:
        n += value > threshold
    x, y, size, confidences = np.empty((4, n), np.float32)
    square, joints, starts = np.empty((4, n), np.int64), np.empty(n, np.int64), np.zeros(n_joints + 1, np.int64)
    i = 0
    for joint in range(n_joints):
        for cell, value in enumerate(confidence[joint]):
            if value > threshold:
                joints[i], confidences[i], size[i] = joint, value, scale[joint, cell]
                x[i], y[i] = xy[joint, 0, cell], xy[joint, 1, cell]
                square[0, i], square[1, i] = pixel_span(x[i], size[i], width)
                square[2, i], square[3, i] = pixel_span(y[i], size[i], height)
                i += 1
        starts[joint + 1] = i
    return JointCells(x, y, size, confidences, square, joints, starts)


@njit(cache=True)
def scale_at(cells, joint, x, y):  # type: ignore[no-untyped-def]
    """Return the scale (px) of a joint at pixel x, y: the mean over the cells whose squares hold the pixel.

    Cells are weighted by their confidence; where no square holds the pixel, it is 0. The published program fills a
    whole map of scales, of which few pixels are ever looked at.
    """
    left, right, top, bottom = cells.square
    mean, weight = np.float32(0), np.float32(0)
    for i in range(cells.starts[joint], cells.starts[joint + 1]):
        if top[i] <= y < bottom[i] and left[i] <= x < right[i]:
            confidence = cells.confidence[i]
            mean = (confidence * cells.scale[i] + weight * mean) / (weight + confidence)
            weight += confidence
    return mean
