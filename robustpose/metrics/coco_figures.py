"""COCO's ten figures: AP and AR of OKS pairs, of people of every, medium and large size.

To the bit what faster-coco-eval makes of the same matches. pycocotools, which tests hold them against too, has the
precision of a first pose that is right as 1 - 2e-16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from robustpose.metrics.oks_kernels import RECALLS
from robustpose.metrics.oks_pairs import THRESHOLDS, OksPairs
from robustpose.pose.protocols import Mask
from robustpose.pose.types import Floats

# px², both ends belong to it: of a person's area, and of the box around a pose that is matched with nobody.
AREAS = {"": (0.0, 1e5**2), "M": (32.0**2, 96.0**2), "L": (96.0**2, 1e5**2)}
AT = {"50": 0.5, "75": 0.75}  # OKS


def find_figures(pairs: OksPairs, outside: Mask | None = None, left_out: Mask | None = None) -> dict[str, float]:
    """Return the ten figures, 0..1; -1 where nobody is there to be found (no person of that size).

    People in `outside` (P,) are ignored, as are wrong poses in `left_out` (D,).
    """
    images = pairs.images
    sides = images.xy.max(1) - images.xy.min(1)  # (D, 2) px
    found: dict[str, float] = {}
    for size, (least, most) in AREAS.items():
        others = [(area < least) | (area > most) for area in (images.area, sides[:, 0] * sides[:, 1])]
        ignored = images.ignored | others[0]
        if outside is not None and left_out is not None:
            ignored, others[1] = ignored | outside, others[1] | left_out
        verdict = pairs.judge(ignored, others[1])
        precision, recall = trace_precision(verdict, int(np.count_nonzero(~ignored)))
        found |= {f"AP{size}": _mean(precision), f"AR{size}": _mean(recall)}
        if not size:
            for name, oks in AT.items():
                found |= {
                    f"AP{name}": _mean(precision[oks == THRESHOLDS]),
                    f"AR{name}": _mean(recall[oks == THRESHOLDS]),
                }
    return found


def average_figures(groups: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each figure over categories, as COCO's evaluation has it: over those that have somebody."""
    return {name: _mean(np.array([figures[name] for figures in groups])) for name in groups[0]}


def trace_precision(verdict: npt.NDArray[np.int8], n_people: int) -> tuple[Floats, Floats]:
    """Return the precision (T, 101) at each recall, and the recall (T,) of all poses; -1 without people.

    `verdict` (T, D) is what `OksPairs.judge` gives. The precision at a recall is the best one at that or at a larger
    recall, 0 if it is not reached.
    """
    precision, recall = np.zeros((len(verdict), len(RECALLS))), np.zeros(len(verdict))
    if not n_people:
        return precision - 1, recall - 1
    if not verdict.shape[1]:
        return precision, recall
    for t, of_poses in enumerate(verdict):
        n_right = np.cumsum(of_poses == 1)
        best = np.maximum.accumulate((n_right / np.maximum(np.cumsum(of_poses >= 0), 1))[::-1])[::-1]
        reached = n_right / n_people
        recall[t] = reached[-1]
        places = np.searchsorted(reached, RECALLS)
        precision[t] = np.append(best, 0.0)[places]
    return precision, recall


def _mean(values: Floats) -> float:
    return float(np.mean(values[values > -1])) if (values > -1).any() else -1.0
