"""YOLO: from rows of a box and scores of classes to boxes, as its versions give them."""

from __future__ import annotations

import numpy as np

from robustpose.decoding.boxes.rows import Rows
from robustpose.errors import UserError
from robustpose.pose.types import Floats

WHOLE = 1e-3  # how far the number of a class may be from a whole one


def read_cells(rows: Floats, with_objectness: bool) -> Rows:
    """Return the boxes of rows (N, 4 + C): x, y of the centre, width, height, scores of classes.

    With objectness there is one more number before these scores, which all of them are multiplied by.
    """
    scores = rows[:, 4:5] * rows[:, 5:] if with_objectness else rows[:, 4:]
    return Rows(center_to_corners(rows[:, :4]), scores)


def place_rows(rows: Floats, places: Floats) -> Floats:
    """Return YOLOX's rows (N, 5 + C) with boxes in px of the input, from offsets in cells and logarithms of sides.

    `places` (N, 3) are x and y px of each row's cell and its stride.

    >>> place_rows(np.array([[0.5, 0.5, 0.0, 0.0, 1.0]]), np.array([[8.0, 0.0, 8.0]]))
    array([[12.,  4.,  8.,  8.,  1.]])
    """
    strides = places[:, 2:]
    xy = rows[:, :2] * strides + places[:, :2]
    return np.concatenate([xy, np.exp(rows[:, 2:4]) * strides, rows[:, 4:]], axis=1)


def read_finished(rows: Floats, name: str) -> Rows:
    """Return the boxes of rows (N, 6) that are suppressed: x1 y1 x2 y2, score, number of the class.

    `name` is what messages call the network, where the last number is no class.
    """
    labels = np.rint(rows[:, 5])
    strange = np.abs(rows[:, 5] - labels) > WHOLE
    if strange.any():
        raise UserError(
            f"{name} gives {float(rows[strange][0, 5]):.4g} as the sixth number of a row, which form=yolo-nms takes as "
            "that of a class: say another form="
        )
    return Rows(rows[:, :4], rows[:, 4], labels.astype(int))


def center_to_corners(boxes: Floats) -> Floats:
    """Return boxes (N, 4) x y width height, from the centre, as x1 y1 x2 y2.

    >>> center_to_corners(np.array([[4.0, 2.0, 2.0, 2.0]]))
    array([[3., 1., 5., 3.]])
    """
    center, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([center - half, center + half], axis=1)
