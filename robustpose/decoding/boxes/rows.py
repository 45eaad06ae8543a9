"""Rows of boxes, as every form of output is read, and which of them are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.decoding.one_stage import choose_people
from robustpose.pose.types import Floats


class Rows(NamedTuple):
    """Boxes of one image, in the units of the file, each with a score of every class, or of the one that it is of."""

    boxes: Floats  # (N, 4) x1 y1 x2 y2
    scores: Floats  # (N, C), or with labels (N,)
    labels: npt.NDArray[np.integer] | None = None  # (N,) class of each box


class Chosen(NamedTuple):
    """Boxes that are kept, best first."""

    boxes: Floats  # (N, 4) x1 y1 x2 y2
    scores: Floats  # (N,)
    categories: npt.NDArray[np.intp]  # (N,) index of the group of classes that each is of


def score_classes(rows: Rows, classes: Sequence[int]) -> Floats:
    """Return the scores (N,) of rows as one of some classes: the highest of them, -1 for a row of another class.

    >>> score_classes(Rows(np.zeros((2, 4)), np.array([[0.1, 0.7], [0.4, 0.2]])), [0])
    array([0.1, 0.4])
    """
    if rows.labels is not None:
        return np.where(np.isin(rows.labels, list(classes)), rows.scores, rows.scores.dtype.type(-1))
    return np.asarray(rows.scores[:, list(classes)].max(1))


def choose_boxes(rows: Rows, groups: Sequence[Sequence[int]], min_score: float, iou: float | None, most: int) -> Chosen:
    """Return at most `most` boxes with a score of at least `min_score`, of groups of classes, best first.

    Of boxes of one group that overlap by more than `iou`, the better is kept; None where the file has seen to that. A
    row can be a box of several groups.
    """
    found = [_choose_of_group(rows, classes, min_score, iou, most) for classes in groups]
    boxes, scores = (np.concatenate([part[i] for part in found]) for i in (0, 1))
    categories = np.repeat(np.arange(len(groups)), [len(part[1]) for part in found])
    order = np.argsort(-scores, kind="stable")[:most]
    return Chosen(boxes[order], scores[order], categories[order])


def _choose_of_group(
    rows: Rows, classes: Sequence[int], min_score: float, iou: float | None, most: int
) -> tuple[Floats, Floats]:
    scores = score_classes(rows, classes)
    is_wanted = scores >= scores.dtype.type(min_score)  # 0.7 of float32 is a little less
    boxes, scores = rows.boxes[is_wanted].astype(np.float64), scores[is_wanted].astype(np.float64)
    kept = choose_people(boxes, scores, iou, most) if iou is not None else np.argsort(-scores, kind="stable")[:most]
    return boxes[kept], scores[kept]
