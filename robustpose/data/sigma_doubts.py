"""Whether sigmas that nobody has published suit the people: what a small error of position would cost them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.data.coco_file import Entry
from robustpose.pose.skeleton_table import UNKNOWN
from robustpose.pose.skeletons import Skeleton

NOISE = 3.0  # px, standard deviation in x and in y: what annotators differ by, about
WORTH = 0.5  # AP; poses that are right but for the noise should score more
DOUBTS = ("every OKS sigma is 1/", "sigmas of 1/")  # what warnings of unknown sigmas have in them
MOST_LOOKED_AT = 1000  # people
THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of OKS, as COCO's AP has them


def doubt_unknown_sigmas(people: Sequence[Entry], skeleton: Skeleton) -> list[str]:
    """Return the warning that sigmas of 1/K give rise to where the truth with a little noise would score low."""
    if skeleton.sigmas_from != UNKNOWN:
        return []
    score = score_noise(people, skeleton)
    if score is None or score >= WORTH:
        return []
    return [
        f"sigmas of 1/{skeleton.n_joints} are too small for these people: their own joints with {NOISE:g} px of noise "
        f"would score AP {score:.2f}. Scores say little before there are measured sigmas"
    ]


def drop_sigma_doubts(warnings: Sequence[str]) -> list[str]:
    """Return the warnings of a dataset but those of unknown sigmas, for what does without them."""
    return [warning for warning in warnings if not any(words in warning for words in DOUBTS)]


def score_noise(people: Sequence[Entry], skeleton: Skeleton) -> float | None:
    """Return about what AP the annotated joints would have with noise, 0..1; None if nobody counts.

    Everybody is found by a pose of the same score, which is held against their own joints alone: at each threshold
    precision and recall are the share of people who reach it.
    """
    counted = [p for p in people if not p.get("iscrowd") and p["area"] > 0 and any(p["keypoints"][2::3])]
    some = counted[:: len(counted) // MOST_LOOKED_AT + 1]
    if not some:
        return None
    annotated = np.array([person["keypoints"][2::3] for person in some], float) > 0  # (N, K)
    areas = np.array([person["area"] for person in some], float)
    noise = np.random.default_rng(0).normal(0, NOISE, (*annotated.shape, 2))  # (N, K, 2) px
    variances = (2 * np.array(skeleton.sigmas)) ** 2
    of_joints = np.exp(-(noise**2).sum(2) / (2 * variances * areas[:, None]))  # (N, K)
    oks = (of_joints * annotated).sum(1) / annotated.sum(1)
    return float(np.mean([np.mean(oks >= threshold) ** 2 for threshold in THRESHOLDS]))
