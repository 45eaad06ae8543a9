"""Calibration: whether a pose's score tells how good it is, its OKS."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustpose.pose.types import Floats

N_BINS = 10


def calibrate(score: Floats, oks: Floats) -> dict[str, Any] | None:
    """Return how well the scores (D,) of poses tell their OKS (D,); None without poses.

    Returns:
        `bins`: up to ten with equally many poses, by rising score, each with its mean `score`, mean `oks` and number
        of poses `n`; `error`: the mean difference of score and OKS over bins, weighted by `n` (expected calibration
        error); `rank_correlation`: Spearman's, None where all scores or all OKS are equal.
    """
    if not len(score):
        return None
    order = np.argsort(score, kind="stable")
    bins = [
        {"score": float(score[part].mean()), "oks": float(oks[part].mean()), "n": len(part)}
        for part in np.array_split(order, min(N_BINS, len(score)))
    ]
    error = sum(b["n"] * abs(b["score"] - b["oks"]) for b in bins) / len(score)
    return {"bins": bins, "error": float(error), "rank_correlation": _rank_correlation(score, oks)}


def _rank_correlation(first: Floats, second: Floats) -> float | None:
    ranks = _rank(first), _rank(second)
    if len(first) < 2 or min(np.ptp(ranks[0]), np.ptp(ranks[1])) == 0:
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def _rank(values: Floats) -> Floats:
    """Return the ranks (D,) of values from 1 on, equal ones with the mean of theirs.

    As `scipy.stats.rankdata`, whose import takes a second.
    """
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles: Floats = np.cumsum(counts) - (counts - 1) / 2
    return middles[which]
