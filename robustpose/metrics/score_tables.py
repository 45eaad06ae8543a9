"""Score tables: all that is needed of a run's poses and truth to score any resample of its images exactly.

A resample takes every image a number of times, its weight. With the tables, neither poses nor truth nor images are
looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.pose.protocols import ScoreTable
from robustpose.pose.types import Floats

Whole = npt.NDArray[np.integer]
MOST_PEOPLE = 1_000_000_000  # or joints, in one image: sums of them fit into 64 bits


@dataclass(frozen=True, eq=False)
class ApTable:
    """AP: the mean over OKS thresholds of the average precision."""

    image: Whole  # (D,) index of each pose's image. Poses are sorted by falling score, equal ones by their images.
    verdict: npt.NDArray[np.int8]  # (T, D) int8, for each threshold and pose: 1 right, 0 wrong, -1 not counted
    positives: Whole  # (N,) number of people to be found in each image

    @property
    def n_images(self) -> int:
        return len(self.positives)

    def score(self, weights: Whole | None = None) -> Floats:
        """Return AP (R,) with every image taken `weights` (R, N) times, by default once; NaN where nobody is left."""
        from robustpose.metrics.oks_kernels import RECALLS, average_precision

        weights = _take_once(self.n_images) if weights is None else weights
        return average_precision(weights, self.image, self.verdict, self.positives, RECALLS)

    def save(self) -> dict[str, npt.NDArray[Any]]:
        return {"image": self.image, "verdict": self.verdict, "positives": self.positives}


@dataclass(frozen=True, eq=False)
class MeanTable:
    """The mean over categories of their AP, as COCO's evaluation has it: over those of which somebody is there."""

    tables: tuple[ApTable, ...]

    @property
    def n_images(self) -> int:
        return self.tables[0].n_images

    def score(self, weights: Whole | None = None) -> Floats:
        """Return the mean (R,) with every image taken `weights` (R, N) times, by default once; NaN without anybody."""
        scores = np.array([table.score(weights) for table in self.tables])  # (categories, R)
        counted = np.isfinite(scores)
        nothing = np.full(scores.shape[1], np.nan)
        return np.divide(np.where(counted, scores, 0.0).sum(0), counted.sum(0), out=nothing, where=counted.any(0))

    def save(self) -> dict[str, npt.NDArray[Any]]:
        arrays = {f"{i}_{name}": of for i, table in enumerate(self.tables) for name, of in table.save().items()}
        return {"n_tables": np.array([len(self.tables)]), **arrays}


@dataclass(frozen=True, eq=False)
class JointTable:
    """Weighted mean of the joints found: hits over annotated joints, both summed over the people of each image."""

    hits: Floats  # (N,) joints of each image that are right; or, for a similarity, the sum of those of its joints
    annotated: Floats  # (N,) annotated joints of each image

    @property
    def n_images(self) -> int:
        return len(self.annotated)

    def score(self, weights: Whole | None = None) -> Floats:
        """Return the mean (R,) with every image taken `weights` (R, N) times, by default once; NaN without joints."""
        exact = (_take_once(self.n_images) if weights is None else weights).astype(float)
        return JointTable(exact @ self.hits, exact @ self.annotated).means()

    def means(self) -> Floats:
        """Return the mean (N,) of each image alone; NaN without joints."""
        nothing = np.full(len(self.annotated), np.nan)
        return np.divide(self.hits, self.annotated, out=nothing, where=self.annotated > 0)

    def save(self) -> dict[str, npt.NDArray[Any]]:
        """Return arrays that `load_score_table` takes, by the names that robustpose 0.1.0 wrote into run folders."""
        return {"reached": self.hits, "possible": self.annotated}


def load_score_table(arrays: Mapping[str, npt.NDArray[Any]]) -> ScoreTable:
    """Return the table of arrays that `save` gave; ValueError for others."""
    if "n_tables" in arrays:
        return _load_mean(arrays)
    lacking = {"image", "positives"} if "verdict" in arrays else {"reached", "possible"}
    lacking -= set(arrays)
    if lacking:
        raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
    if "verdict" in arrays:
        table = ApTable(arrays["image"], arrays["verdict"], arrays["positives"])
        _check_ap(table)
        return table
    joints = JointTable(arrays["reached"], arrays["possible"])
    _check_joints(joints)
    return joints


def _load_mean(arrays: Mapping[str, npt.NDArray[Any]]) -> MeanTable:
    number = arrays["n_tables"]
    if number.dtype.kind != "i" or number.shape != (1,) or not 1 <= number[0] <= len(arrays):
        raise ValueError(f"it is of {number.tolist()} categories")
    tables: list[ApTable] = []
    for i in range(int(number[0])):
        begin = f"{i}_"
        own = {name.removeprefix(begin): array for name, array in arrays.items() if name.startswith(begin)}
        table = load_score_table(own) if "n_tables" not in own else None
        if not isinstance(table, ApTable) or table.n_images != (tables or [table])[0].n_images:
            raise ValueError(f"category {i} is of other images, or of another figure")
        tables.append(table)
    return MeanTable(tuple(tables))


def _check_ap(table: ApTable) -> None:
    """Raise ValueError unless a table makes sense: compiled loops trust its numbers."""
    image, verdict, positives = table.image, table.verdict, table.positives
    if [array.dtype.kind for array in (image, positives)] != ["i", "i"] or verdict.dtype != np.int8:
        raise ValueError(f"it holds arrays of {image.dtype}, {verdict.dtype} and {positives.dtype}")
    if image.ndim != 1 or positives.ndim != 1 or verdict.shape[1:] != image.shape or not len(positives):
        raise ValueError(f"it holds arrays of shapes {image.shape}, {verdict.shape} and {positives.shape}")
    if (positives < 0).any() or (positives > MOST_PEOPLE).any():
        raise ValueError(f"it counts {positives.min()} to {positives.max()} people in an image")
    if len(image) and not 0 <= image.min() <= image.max() < len(positives):
        raise ValueError(f"it has poses of images {image.min()} to {image.max()}, of {len(positives)}")
    if ((verdict < -1) | (verdict > 1)).any():
        raise ValueError("a pose is neither right, wrong nor left out")
    for right in verdict == 1:
        if (np.bincount(image[right], minlength=len(positives)) > positives).any():
            raise ValueError("more poses are right in an image than it has people")


def _check_joints(table: JointTable) -> None:
    hits, annotated = table.hits, table.annotated
    if hits.ndim != 1 or hits.shape != annotated.shape or not len(hits):
        raise ValueError(f"it holds arrays of shapes {hits.shape} and {annotated.shape}")
    if hits.dtype.kind not in "iuf" or annotated.dtype.kind not in "iuf":
        raise ValueError(f"it holds arrays of {hits.dtype} and {annotated.dtype}")
    # A sum of similarities may be above the number of joints by its rounding.
    if not ((hits >= 0) & (hits <= annotated + 1e-6) & (annotated <= MOST_PEOPLE)).all():  # nor is NaN
        raise ValueError("an image has more right joints than annotated ones, or fewer than none")


def _take_once(n_images: int) -> Whole:
    """Return weights (1, N) that take every image once."""
    return np.ones((1, n_images), np.uint8)
