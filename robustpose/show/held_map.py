"""The map of gains: one suite across, the others upwards; where a point lies says how much of a gain holds.

Both the page's chart and the figure for papers are drawn on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from robustpose.results.held_gains import Gain

ROOM = 0.12  # of the whole, beyond the outermost end
LEAST = 0.28  # of the whole: what is below zero, where the words of losses stand


class Region(NamedTuple):
    """Words on the map, in points; anchored at their right end, or at their left one."""

    x: float
    y: float
    words: str
    is_right: bool


def find_range(gains: Sequence[Gain]) -> tuple[float, float]:
    """Return from where to where both axes reach, points: all points with their intervals, and 0."""
    ends = [end for gain in gains for one in (gain.known, gain.other) for end in (one.value, *(one.interval or ()))]
    low, high = 100 * min(0.0, *ends), 100 * max(0.0, *ends)
    size = max(high - low, 0.5)
    low, high = low - ROOM * size * (low < 0), high + ROOM * size
    if high < LEAST * size:  # losses alone
        return low, LEAST * size
    return min(low, -LEAST * high), high


def list_regions(low: float, high: float, base: str) -> list[Region]:
    """Return the words on the map of this range, where there is room for them.

    >>> [region.words for region in list_regions(-1.0, 3.0, "coco-c")]
    ['holds and more', 'holds in part', 'gained on coco-c, lost here']
    """
    regions = []
    if high > 0.4 * (high - low):
        regions += [
            Region(0.06 * high, 0.93 * high, "holds and more", False),
            Region(0.98 * high, 0.14 * high, "holds in part", True),
            Region(0.98 * high, 0.5 * low, f"gained on {base}, lost here", True),
        ]
    if low < -0.4 * (high - low):
        regions += [
            Region(0.97 * low, 0.85 * high, f"lost on {base}, gained here", False),
            Region(0.97 * low, 0.93 * low, "lost on both", False),
        ]
    return regions
