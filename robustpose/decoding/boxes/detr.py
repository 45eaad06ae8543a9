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
        with_nothing: whether the last class stands for nothing, and a score is a share of all of them (softmax), as in
            DETR (Carion et al., ECCV 2020); else each class has a score of its own (sigmoid).
    """
    logits = logits.astype(np.float64)
    if with_nothing:
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        scores = (weights / weights.sum(-1, keepdims=True))[:, :-1]
    else:
        scores = 0.5 * (1 + np.tanh(logits / 2))  # which does not overflow
    return Rows(center_to_corners(boxes.astype(np.float64)), scores)
