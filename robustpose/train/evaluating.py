"""Evaluating: every process predicts a part of the images, the first one scores; the figures are those of one process.

What is predicted of an image does not depend on the images beside it.
"""

from __future__ import annotations

from lightning_fabric import Fabric

from robustpose.evaluation import get_frames, measure, predict, score
from robustpose.metrics import make_metric
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.types import Poses
from robustpose.train.together import gather

FRAMES_PER_CALL = 16


def measure_together(fabric: Fabric, dataset: Dataset, estimator: Estimator) -> dict[str, float] | None:
    """Return the figures (0..1) of `estimator` on clean images in the first process, and None in the others."""
    if fabric.world_size == 1:
        return measure(dataset, estimator)
    own = range(len(dataset))[fabric.global_rank :: fabric.world_size]  # in turn: neighbours are often as crowded
    found: list[Poses] = []
    for start in range(0, len(own), FRAMES_PER_CALL):
        found += predict(get_frames(dataset, own[start : start + FRAMES_PER_CALL]), estimator)
    shares = gather(fabric, found)
    if shares is None:
        return None
    in_order = (shares[index % len(shares)][index // len(shares)] for index in range(len(dataset)))
    truths = (dataset.truth(index) for index in range(len(dataset)))
    return score(in_order, truths, make_metric(dataset.metric, dataset.skeleton))
