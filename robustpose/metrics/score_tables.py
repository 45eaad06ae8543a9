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
    """Return the table of arrays that `save` gave; KeyError if one is missing."""
    if "verdict" in arrays:
        return ApTable(arrays["image"], arrays["verdict"], arrays["positives"])
    return JointTable(arrays["reached"], arrays["possible"])


def _take_once(n_images: int) -> Whole:
    """Return weights (1, N) that take every image once."""
    return np.ones((1, n_images), np.uint8)
