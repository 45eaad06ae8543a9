"""Resampling: the same images drawn again for every cell, slice and run, and intervals from what they score.

Images are what is drawn, with all their people and in all cells at once (a paired bootstrap): people of one image and
cells of one image are not independent, so drawing anything smaller would give intervals that are too narrow.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.limits import check_limit
from robustpose.pose.types import Floats

LEVEL = 0.95
RESAMPLES = 1000
MOST_RESAMPLES = 100_000
LEAST_RESAMPLES = 40  # of fewer, not even one lies beyond either end of the middle 95 %
FEW_IMAGES = 30  # `benchmarks/interval_coverage.py` measures intervals from this number on; below, they are too narrow
SEED = 1


def check_resamples(n_resamples: int, least: int) -> None:
    """Raise UserError unless a number of resamples can be drawn and bears intervals; with a `least` of 0, 0 is none."""
    if n_resamples < LEAST_RESAMPLES and not n_resamples == least == 0:
        none = "" if least else ", or 0 for no intervals"
        raise UserError(
            f"--resamples must be at least {LEAST_RESAMPLES}{none}, got {n_resamples}: fewer say nothing of where 95 % "
            "of them lie"
        )
    if n_resamples > MOST_RESAMPLES:
        raise UserError(f"--resamples must be at most {MOST_RESAMPLES}, got {n_resamples}")


@lru_cache(maxsize=2)
def draw_weights(n_images: int, n_resamples: int = RESAMPLES) -> npt.NDArray[np.uint8]:
    """Return how often each image is in each resample, (R, N): a function of the two numbers alone."""
    check_limit("MEMORY_MB", n_resamples * n_images / 1e6, f"drawing {n_images:,} images {n_resamples:,} times", "MB")
    rng = np.random.default_rng([SEED, n_images])
    weights = np.empty((n_resamples, n_images), np.uint8)
    for row in weights:
        row[:] = np.bincount(rng.integers(0, n_images, n_images), minlength=n_images)
    weights.flags.writeable = False
    return weights


def draw_if_any(n_images: int, n_resamples: int) -> npt.NDArray[np.uint8] | None:
    """Return `draw_weights`; None for no resamples, and for a single image, which is in all of them alike."""
    return draw_weights(n_images, n_resamples) if n_resamples and n_images > 1 else None


def interval(values: Floats, level: float = LEVEL) -> list[float] | None:
    """Return the middle `level` of what resamples (R,) scored; None where more than a tenth of them has no score."""
    defined = values[np.isfinite(values)]
    if not len(values) or len(defined) < 0.9 * len(values):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]
