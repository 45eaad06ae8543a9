"""Spreads: intervals of a mean over several trainings, which would change with other trainings and with other images.

A training's score is thought of as the sum of what the method gives, of luck in training, of how hard the images are,
and of which images this training happens to get right. What lies between the scores of trainings holds the second and
the last part, what lies between resamples of the images the third and the last, so the last one is taken off once.
Resampling the trainings, too, would not do: the variance of k of them drawn again is (k - 1) / k of what it should be,
and three trainings have only ten different means. `benchmarks/trainings_coverage.py` measures how often all of this
holds the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from robustpose.pose.types import Floats
from robustpose.results.resampling import LEVEL

LEAST_DEFINED = 0.9  # of the resamples, as in `resampling.interval`
# Trainings can score alike by chance, as if neither luck nor images mattered. No interval is below this part of the
# one over images alone. A part of 1 would hold the truth 98.7 times in 100 with three trainings that differ by nothing
# but the images which they get right; this part holds it 97 times.
LEAST_OF_IMAGES = 0.7


@dataclass(frozen=True, eq=False)
class Trainings:
    """One score of some trainings of one method, two or more."""

    values: Floats  # (k,) of each
    resampled: Floats  # (k, R) of each, of the same resamples of the images

    @property
    def spread(self) -> float:
        """Return the standard deviation between the trainings."""
        return float(np.std(self.values, ddof=1))


def interval_of_mean(of: Trainings, n_images: int, level: float = LEVEL) -> list[float] | None:
    """Return the interval of the mean of trainings, over trainings and images; None where resamples have no score."""
    half = find_half_width((of,), n_images, level)
    if half is None:
        return None
    mean = float(of.values.mean())
    highest = max(1.0, float(np.nanmax(of.resampled)))  # a ratio may be above 1; of other scores there is no more
    return [max(mean - half, min(mean, 0.0)), min(mean + half, highest)]


def interval_of_difference(of: Trainings, other: Trainings, n_images: int, level: float = LEVEL) -> list[float] | None:
    """Return the interval of the mean of trainings less that of others, by the same resamples of the images."""
    half = find_half_width((of, other), n_images, level)
    difference = float(of.values.mean() - other.values.mean())
    return None if half is None else [difference - half, difference + half]


def find_half_width(groups: Sequence[Trainings], n_images: int, level: float = LEVEL) -> float | None:
    """Return half of the interval of one group's mean, or of the first one's less the second one's.

    None where more than a tenth of the resamples has no score, and of a single image.
    """
    signed = [sign * of.resampled.mean(0) for sign, of in zip((1, -1), groups, strict=False)]  # (R,) each
    resampled = np.sum(signed, axis=0)
    defined = np.isfinite(resampled)
    if n_images < 2 or not len(defined) or defined.mean() < LEAST_DEFINED:
        return None
    between = [of.spread**2 / len(of.values) for of in groups]  # of the means, each part of k - 1 degrees of freedom
    unbiased = n_images / (n_images - 1)  # for a sample's own spread is that much less than that of where it is from
    over_images = unbiased * float(resampled[defined].var())
    twice = sum(unbiased * _vary_apart(of, defined) / len(of.values) for of in groups)
    images = max(over_images - twice, 0.0)
    freedoms = [len(of.values) - 1 for of in groups]
    combine = _combine_apart if min(freedoms) == 1 < max(freedoms) else _combine
    return max(
        combine(between, freedoms, images, n_images - 1, level),
        LEAST_OF_IMAGES * float(stdtrit(n_images - 1, (1 + level) / 2)) * over_images**0.5,
    )


def _vary_apart(of: Trainings, defined: Floats) -> float:
    """Return the variance over resamples of what sets a training apart from its group: which images it gets right."""
    apart = of.resampled[:, defined] - of.resampled[:, defined].mean(0)  # (k, R)
    return float(apart.var(1).sum()) / (len(of.values) - 1)


def _combine(
    between: Sequence[float], freedoms: Sequence[int], images: float, freedom_of_images: int, level: float
) -> float:
    """Return half an interval from the variances of means, those `between` trainings with few degrees of freedom.

    The mean of two rules. Satterthwaite's, a t quantile of degrees of freedom that are estimated, holds the truth 92
    times in 100 with three trainings where images and trainings have about the same share; Cochran's, the mean of the
    quantiles of both parts by their variances, 97 times.
    """
    trainings = sum(between)
    total = trainings + images
    if not total:
        return 0.0
    tail = (1 + level) / 2
    own = sum(part**2 / freedom for part, freedom in zip(between, freedoms, strict=True))
    of_both = total**2 / (own + images**2 / freedom_of_images)
    of_trainings = stdtrit(trainings**2 / own, tail) if own else 0.0
    of_images = stdtrit(freedom_of_images, tail)
    cochran = (trainings * of_trainings + images * of_images) / total
    return float((stdtrit(of_both, tail) + cochran) / 2 * total**0.5)


def _combine_apart(
    between: Sequence[float], freedoms: Sequence[int], images: float, freedom_of_images: int, level: float
) -> float:
    """Return half an interval of a difference, of a group of two trainings and a larger one.

    Cochran's rule with a part for each group. Where two trainings score alike by chance, all seems to be known from the
    larger group, and the rules of `_combine` hold the truth 88 times in 100; this one 94 to 99 times.
    """
    total, tail = sum(between) + images, (1 + level) / 2
    parts = zip((*between, images), (*freedoms, freedom_of_images), strict=True)
    return sum(part * float(stdtrit(freedom, tail)) for part, freedom in parts) / total * total**0.5 if total else 0.0
