"""DETR and its family: from logits of classes and boxes as shares of the image's sides, one a query, to boxes."""

from __future__ import annotations

import numpy as np

from robustpose.decoding.boxes.rows import Rows
from robustpose.decoding.boxes.yolo import center_to_corners
from robustpose.pose.types import Floats


def read_queries(logits: Floats, boxes: Floats, with_nothing: bool) -> Rows:
    """Return the boxes of queries as shares of the image's sides.

    Args:
        logits: (Q, C), with nothing (Q, C + 1).
        boxes: (Q, 4) x, y of the centre, width, height in 0..1.
        with_nothing: whether the last class stands for nothing, a score is a share of all of them (softmax), and a
            query is of its best class, as in DETR (Carion et al., ECCV 2020); else each class has a score of its own
            (sigmoid).
    """
    logits, corners = logits.astype(np.float64), center_to_corners(boxes.astype(np.float64))
    if not with_nothing:
        return Rows(corners, 0.5 * (1 + np.tanh(logits / 2)))  # the sigmoid function, which does not overflow so
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    shares = (weights / weights.sum(-1, keepdims=True))[:, :-1]
    return Rows(corners, shares.max(-1), shares.argmax(-1))


def take_best(rows: Rows, most: int) -> Rows:
    """Return the best scores of all queries and classes, at most so many, each as a box of its own, best first.

    So Deformable DETR's and RT-DETR's programs do it. A row without scores of every class stays what it is.
    """
    if rows.labels is not None:
        return rows
    order = np.argsort(-rows.scores, axis=None, kind="stable")[:most]
    query, label = np.divmod(order, rows.scores.shape[1])
    return Rows(rows.boxes[query], rows.scores[query, label], label)
