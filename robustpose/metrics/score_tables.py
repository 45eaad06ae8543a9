"""Tables: what is left of a metric's poses and truth when only the images' weights are still open.

From a table the figure of any resample of the images follows exactly, without poses, truth or images.
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
    """AP over OKS thresholds.

    Attributes:
        image: (D,) index of each pose's image, poses by falling score, equal ones in order of their images.
        verdict: (T, D) int8 for each threshold: 1 right, 0 wrong, -1 neither.
        positives: (N,) people to be found in each image.
    """

    image: Whole
    verdict: npt.NDArray[np.int8]
    positives: Whole

    @property
    def n_images(self) -> int:
        """Return N."""
        return len(self.positives)

    def score(self, weights: Whole | None = None) -> Floats:
        """Return AP (R,) of images taken `weights` (R, N) times, by default once each; NaN where nobody is left."""
        from robustpose.metrics.oks_kernels import RECALLS, average_precision

        if weights is None:
            weights = _take_once(self.n_images)
        return average_precision(weights, self.image, self.verdict, self.positives, RECALLS)

    def save(self) -> dict[str, npt.NDArray[Any]]:
        """Return arrays that `load_score_table` takes."""
        return {"image": self.image, "verdict": self.verdict, "positives": self.positives}


@dataclass(frozen=True, eq=False)
class ShareTable:
    """A share: the sum of what was reached by the sum of what could be.

    Attributes:
        reached: (N,) of each image, say joints that are right.
        possible: (N,) likewise, say joints that are annotated.
    """

    reached: Floats
    possible: Floats

    @property
    def n_images(self) -> int:
        """Return N."""
        return len(self.possible)

    def score(self, weights: Whole | None = None) -> Floats:
        """Return the share (R,) of images taken `weights` (R, N) times, by default once each; NaN where it has none."""
        if weights is None:
            weights = _take_once(self.n_images)
        exact = weights.astype(float)
        reached, possible = exact @ self.reached, exact @ self.possible
        return np.divide(reached, possible, out=np.full(len(weights), np.nan), where=possible > 0)

    def save(self) -> dict[str, npt.NDArray[Any]]:
        """Return arrays that `load_score_table` takes."""
        return {"reached": self.reached, "possible": self.possible}


def load_score_table(arrays: Mapping[str, npt.NDArray[Any]]) -> ScoreTable:
    """Return the table of arrays that `save` gave.

    Raises:
        KeyError: an array is missing.
    """
    if "verdict" in arrays:
        return ApTable(arrays["image"], arrays["verdict"], arrays["positives"])
    return ShareTable(arrays["reached"], arrays["possible"])


def _take_once(n_images: int) -> Whole:
    """Return weights (1, N) that take every image once."""
    return np.ones((1, n_images), np.uint8)
