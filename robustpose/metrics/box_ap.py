"""Box AP: detected boxes against annotated ones, as COCO's evaluation of boxes does it, for people of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from robustpose.metrics.coco_figures import AT, trace_precision
from robustpose.metrics.oks_kernels import match_people
from robustpose.metrics.oks_pairs import THRESHOLDS
from robustpose.metrics.score_tables import ApTable
from robustpose.pose.box_poses import as_boxes
from robustpose.pose.protocols import Mask
from robustpose.pose.types import Floats, Poses, Truth

MAX_BOXES = 100  # of a category in an image that count, best score first
PRIMARY = "box_AP"
FIGURES = (PRIMARY, "box_AP50", "box_AP75", "box_AR")


def measure_overlaps(boxes: Floats, annotated: Floats, crowd: Mask) -> Floats:
    """Return the intersection over union (D, G) of boxes (D, 4) and annotated ones (G, 4), xyxy px.

    With a crowd it is the part of the detected box that is inside.

    >>> measure_overlaps(np.array([[0.0, 0, 4, 4]]), np.array([[0.0, 0, 4, 8]]), np.array([False]))
    array([[0.5]])
    """
    low, high = np.maximum(boxes[:, None, :2], annotated[:, :2]), np.minimum(boxes[:, None, 2:], annotated[:, 2:])
    both = (high - low).clip(0).prod(2)  # (D, G) px²
    of_box, of_annotated = ((one[:, 2:] - one[:, :2]).prod(1) for one in (boxes, annotated))
    union = np.where(crowd, of_box[:, None], of_box[:, None] + of_annotated - both)
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0)


@dataclass(frozen=True, eq=False)
class BoxMatches:
    """Which boxes fit which annotated ones in all images, for each category.

    Attributes:
        found: for each image its boxes, as poses of `BOX`.
        truths: for each image what is annotated.
        n_categories: of the data. Boxes that do not say theirs are held against people of every category at once.
    """

    found: Sequence[Poses]
    truths: Sequence[Truth]
    n_categories: int = 1

    @cached_property
    def tables(self) -> list[ApTable]:
        """Return the table of each category that somebody is annotated of."""
        known = [one.categories is not None for side in (self.found, self.truths) for one in side]
        says_categories = self.n_categories > 1 and all(known)
        tables = [self._match(category) for category in (range(self.n_categories) if says_categories else [None])]
        return [table for table in tables if table.positives.sum()]

    def figures(self) -> dict[str, float]:
        """Return AP, that at IoU .50 and .75, and AR of 100 boxes, 0..1: means over categories; -1 without people."""
        parts = [_find_figures(table) for table in self.tables]
        return {name: float(np.mean([of[name] for of in parts])) if parts else -1.0 for name in FIGURES}

    def score(self, weights: npt.NDArray[np.integer]) -> Floats:
        """Return AP (R,) with every image taken `weights` (R, N) times; NaN where nobody is left."""
        of_categories = np.array([table.score(weights) for table in self.tables]).reshape(-1, len(weights))
        known = np.isfinite(of_categories)
        sums = np.where(known, of_categories, 0.0).sum(0)
        return np.divide(sums, known.sum(0), out=np.full(len(weights), np.nan), where=known.any(0))

    def _match(self, category: int | None) -> ApTable:
        """Return the table of one category; None for all as one."""
        images, scores, verdicts, positives = [], [], [], []
        for number, (found, truth) in enumerate(zip(self.found, self.truths, strict=True)):
            rows = _choose(found.categories, category, len(found.score))
            rows = rows[np.argsort(-found.score[rows], kind="stable")][:MAX_BOXES]
            people = _choose(truth.categories, category, len(truth.crowd))
            crowd = truth.crowd[people].astype(bool)
            overlaps = measure_overlaps(as_boxes(found)[rows], truth.boxes[people].astype(float), crowd)
            matches = match_people(overlaps, crowd, crowd, THRESHOLDS)  # (T, D)
            verdict = (matches >= 0).astype(np.int8)
            if len(crowd):
                verdict[(matches >= 0) & crowd[matches]] = -1
            images.append(np.full(len(rows), number, np.int32))
            scores.append(found.score[rows])
            verdicts.append(verdict)
            positives.append(int((~crowd).sum()))
        order = np.argsort(-np.concatenate(scores), kind="stable")
        verdict = np.ascontiguousarray(np.concatenate(verdicts, axis=1)[:, order])
        return ApTable(np.concatenate(images)[order], verdict, np.array(positives))


def _choose(categories: npt.NDArray[np.integer] | None, wanted: int | None, n: int) -> npt.NDArray[np.integer]:
    """Return the rows, of n, that are of a category; all for None."""
    if wanted is None or categories is None:
        return np.arange(n)
    return np.flatnonzero(categories == wanted)


def _find_figures(table: ApTable) -> dict[str, float]:
    """Return the figures of one category, of which somebody is annotated."""
    if not len(table.image):
        return dict.fromkeys(FIGURES, 0.0)
    precision, recall = trace_precision(table.verdict, int(table.positives.sum()))
    at = {f"box_AP{name}": float(precision[overlap == THRESHOLDS].mean()) for name, overlap in AT.items()}
    return {PRIMARY: float(precision.mean()), **at, "box_AR": float(recall.mean())}
