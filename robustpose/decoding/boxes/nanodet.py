"""NanoDet: from scores of classes and distances to the four sides, of the cells of several maps, to boxes.

Li et al., Generalized Focal Loss, NeurIPS 2020: a distance is the mean of a distribution over 0..n strides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.decoding.boxes.rows import Rows
from robustpose.pose.types import Floats


def read_maps(scores: Sequence[Floats], distances: Sequence[Floats], places: Sequence[Floats]) -> Rows:
    """Return the boxes of all cells, px of the input.

    Args:
        scores: of each map, (cells, C) 0..1, row by row.
        distances: of each map, (cells, 4·n): n logits of each of left, top, right, bottom.
        places: of each map, (cells, 3): x and y px of what distances are measured from, and the stride.
    """
    boxes = [_read_map(logits, place) for logits, place in zip(distances, places, strict=True)]
    return Rows(np.concatenate(boxes), np.concatenate(list(scores)))


def _read_map(logits: Floats, places: Floats) -> Floats:
    """Return boxes (cells, 4) xyxy px of the logits of a map."""
    sides = logits.reshape(len(logits), 4, -1)
    weights = np.exp(sides - sides.max(-1, keepdims=True))
    means = (weights * np.arange(sides.shape[-1])).sum(-1) / weights.sum(-1)  # (cells, 4) strides
    means = means * places[:, 2:]
    return np.concatenate([places[:, :2] - means[:, :2], places[:, :2] + means[:, 2:]], axis=1)


def place_cells(input_wh: tuple[int, int], stride: int, offset: float = 0.5) -> Floats:
    """Return x and y px of each cell of a map and its stride (cells, 3), row by row; `offset` is in strides.

    >>> place_cells((16, 8), 8)
    array([[ 4.,  4.,  8.],
           [12.,  4.,  8.]])
    """
    width, height = (-(-side // stride) for side in input_wh)
    row, column = np.divmod(np.arange(width * height), width)
    xy = np.stack([column, row], axis=1) + offset
    return np.concatenate([xy * stride, np.full((len(xy), 1), stride)], axis=1)
