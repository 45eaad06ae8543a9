"""OKS: how alike two poses are, and dropping poses that are too alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.pose.types import Floats


def oks_to_each(xy: Floats, area: float, others_xy: Floats, other_areas: Floats, sigmas: Sequence[float]) -> Floats:
    """Return the object keypoint similarity (M,) of one pose (K, 2) px to M others (M, K, 2) px, over all joints.

    Mean over joints of exp(-d² / (2·(2σ)²·area)) with the mean of both areas (px²). This form serves to suppress poses:
    it takes every joint as visible. `sigmas` are the K OKS constants.
    """
    variance = (2 * np.asarray(sigmas)) ** 2
    distance_2 = ((others_xy - xy) ** 2).sum(-1)  # (M, K)
    mean_area = (area + other_areas) / 2 + np.spacing(1)
    return np.exp(-distance_2 / variance / mean_area[:, None] / 2).mean(-1)


def suppress_alike(
    xy: Floats, scores: Floats, areas: Floats, sigmas: Sequence[float], threshold: float = 0.9
) -> list[int]:
    """Return the indices of the poses to keep, best score first: none has OKS above `threshold` with a better one.

    Poses are xy (N, K, 2) px with scores (N,) and areas (N,) px²; `sigmas` are the K OKS constants.
    """
    kept: list[int] = []
    order = np.argsort(scores, kind="stable")[::-1]
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[oks_to_each(xy[best], areas[best], xy[rest], areas[rest], sigmas) <= threshold]
    return kept
