"""From the rows of a one-stage network to people: boxes, scores and joints; boxes that overlap a better one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.decoding.one_stage.forms import RowForm
from robustpose.pose.types import Floats


class People(NamedTuple):
    """People of one image, in the order of the rows, in the units of the file."""

    boxes: Floats  # (N, 4) x1 y1 x2 y2
    scores: Floats  # (N,)
    joints: Floats  # (N, K, 3) x, y, confidence; 1 where the file has none


def read_people(outputs: Sequence[Floats], form: RowForm, threshold: float, category: int = 0) -> People:
    """Return the people of one image with a score above `threshold`; `category` is the number of people's class.

    A row's score is that of this class, whatever the others are, as Ultralytics' validation counts it (multi-label).
    Of files that have suppressed people, rows of other classes are left out.
    """
    if form.kind == "rtmo":
        boxes, joints = (outputs[i][0] for i in form.outputs)  # (N, 5), (N, K, 3)
        rows = np.concatenate([boxes, joints.reshape(len(boxes), np.prod(joints.shape[1:], dtype=int))], axis=1)
    else:
        rows = outputs[form.outputs[0]][0]
        rows = rows.T if form.columns_first else rows  # (N, numbers)
    scores = _read_scores(rows, form, category)
    kept = scores > threshold
    rows, scores = rows[kept].astype(np.float64), scores[kept].astype(np.float64)
    if form.kind == "movenet":  # joints, then the box, all of them y before x
        return People(rows[:, [-4, -5, -2, -3]], scores, _cut_joints(rows[:, :-5], 3)[:, :, [1, 0, 2]])
    boxes = rows[:, :4]
    if form.is_raw:
        center, half = boxes[:, :2], boxes[:, 2:] / 2
        boxes = np.concatenate([center - half, center + half], axis=1)
    return People(boxes, scores, _read_joints(rows, form))


def _read_scores(rows: Floats, form: RowForm, category: int) -> Floats:
    """Return the scores (N,) of rows, 0 of those that are no people."""
    if form.kind == "yolo":
        return rows[:, 4 + category]
    if form.kind == "yolo-obj":
        return rows[:, 4] * rows[:, 5 + category]
    if form.kind == "yolo-nms":
        return np.where(rows[:, 5] == category, rows[:, 4], np.float32(0))
    return rows[:, -1 if form.kind == "movenet" else 4]


def _read_joints(rows: Floats, form: RowForm) -> Floats:
    n_others = {"yolo": 4 + form.n_classes, "yolo-obj": 5 + form.n_classes, "yolo-nms": 6, "rtmo": 5}[form.kind]
    joints = _cut_joints(rows[:, n_others:], form.n_numbers)
    if form.n_numbers == 3:
        return joints
    return np.concatenate([joints, np.ones((*joints.shape[:2], 1))], axis=2)


def _cut_joints(numbers: Floats, n_numbers: int) -> Floats:
    """Return numbers (N, K·n) as (N, K, n)."""
    return numbers.reshape(len(numbers), numbers.shape[1] // n_numbers, n_numbers)


def choose_people(boxes: Floats, scores: Floats, iou: float | None, most: int) -> npt.NDArray[np.intp]:
    """Return the indices of at most so many people to keep, of boxes (N, 4) xyxy with scores (N,).

    With an `iou`, best first, the first of equals before the others: those that overlap a better one by more are
    dropped. Without, in the order in which they come.
    """
    order = np.argsort(-scores, kind="stable")
    if iou is None:
        return np.sort(order[:most])
    edges = boxes[order].T.copy()  # (4, N): each edge of all boxes together, which takes a tenth of the time
    is_open = np.ones(len(order), bool)
    kept: list[int] = []
    for i in range(len(order)):
        if not is_open[i]:
            continue
        kept.append(i)
        if len(kept) == most:
            break
        is_open[i + 1 :] &= overlap_each(edges[:, i], edges[:, i + 1 :]) <= iou
    return order[kept]


def overlap_each(box: Floats, edges: Floats) -> Floats:
    """Return the intersection over union (N,) of a box (4,) xyxy with others, edges (4, N); 0 where both are empty."""
    (x1, y1, x2, y2), (left, top, right, bottom) = box, edges
    width = np.minimum(right, x2) - np.maximum(left, x1)
    height = np.minimum(bottom, y2) - np.maximum(top, y1)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = (x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
