"""Pairs: intervals of differences between scores of one run, on the same resamples of its images.

Scores of one run rise and fall together, since an image that is hard is hard in every cell. So the interval of their
difference is narrower than their own two suggest, and tells scores apart whose own intervals overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.metrics.robustness import Means, take_means
from robustpose.pose.cell import Cell
from robustpose.pose.types import Floats
from robustpose.results.resampling import interval


def pair_corruptions(
    values: Means, resampled: Mapping[Cell, Floats], cells: Sequence[Cell], suite: Suite = COCO_C
) -> dict[str, Any]:
    """Return `paired` of summary.json: intervals of what corruptions cost, and of how much more one costs than others.

    `losses` are of the clean score less that of each corruption. `more` has, for the lowest corruption and for the
    lowest of those that leave pixels in place, how much more it costs than each other one; None without an interval.
    `values` are the run's means, `resampled` the scores (R,) of its cells.
    """
    among = take_means(resampled, cells, suite)
    scores: dict[str, Floats] = among.corruptions
    staying = {name: value for name, value in values.corruptions.items() if name not in suite.moves_pixels}
    lowest = [min(some, key=lambda name: float(some[name])) for some in (values.corruptions, staying) if some]
    return {
        "losses": {name: interval(among.clean - score) for name, score in scores.items()},
        "more": {
            name: {other: interval(score - scores[name]) for other, score in scores.items() if other != name}
            for name in dict.fromkeys(lowest)
        },
    }
