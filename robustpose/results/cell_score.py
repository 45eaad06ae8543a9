"""The score of one cell: its figures and, where the metric has matches, those of slices, joints and resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.evaluate import score
from robustpose.metrics.calibration import calibrate
from robustpose.metrics.slices import slice_people
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Matches, Metric, ScoreTable
from robustpose.pose.types import Floats, Poses, Truth

Key = tuple[str, str]  # kind and name of a slice
Slices = Mapping[Key, Sequence[npt.NDArray[np.bool_]]]  # who of each image's people belongs to each
JOINT = "joint"  # the kind whose names are joints


@dataclass(frozen=True)
class Scored:
    """One figure: of all images, and (R,) of each resample; NaN where there is nobody."""

    value: float
    resampled: Floats


@dataclass(frozen=True)
class CellScore:
    """What a cell scored.

    Attributes:
        cell: which.
        figures: all figures of the metric.
        resampled: (R,) its primary figure of each resample; None where the metric has no matches, or none were asked.
        slices: by kind and name.
        calibration: see `calibrate`; None for metrics that do not look at scores.
        joint_figure: what the joints' figures are.
    """

    cell: Cell
    figures: dict[str, float]
    resampled: Floats | None = None
    slices: dict[Key, Scored] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None
    joint_figure: str | None = None


def cut_people(truths: Sequence[Truth], n_joints: int) -> dict[Key, list[npt.NDArray[np.bool_]]]:
    """Return the slices of a dataset's people that are not empty: for each image, who belongs to it."""
    slices: dict[Key, list[npt.NDArray[np.bool_]]] = {}
    for truth in truths:
        for key, mask in slice_people(truth, n_joints).items():
            slices.setdefault(key, []).append(mask)
    return {
        key: masks
        for key, masks in slices.items()
        if any((mask & truth.counted).any() for mask, truth in zip(masks, truths, strict=True))
    }


def score_cell(
    cell: Cell,
    poses: Sequence[Poses],
    truths: Sequence[Truth],
    metric: Metric,
    slices: Slices | None,
    weights: npt.NDArray[np.uint8] | None,
) -> tuple[CellScore, Matches | None]:
    """Return what a cell scored, and its matches if the metric has some.

    Args:
        cell: which.
        poses: of every image.
        truths: of every image.
        metric: a fresh one.
        slices: see `cut_people`; None for no slices, joints and calibration.
        weights: (R, N) how often each image is in each resample; None for no intervals, and none of these either.
    """
    figures = score(poses, truths, metric)
    matches = metric.matches()
    if matches is None or weights is None:
        return CellScore(cell, figures), matches
    resampled = matches.table().score(weights)
    if slices is None:
        return CellScore(cell, figures, resampled), matches
    scored = {key: _score(matches.table(kept), weights) for key, kept in slices.items()}
    scored.update({(JOINT, joint): _score(table, weights) for joint, table in matches.joints_tables().items()})
    confidences = matches.confidences()
    return CellScore(
        cell, figures, resampled, scored, None if confidences is None else calibrate(*confidences), matches.joint_figure
    ), matches


def _score(table: ScoreTable, weights: npt.NDArray[np.uint8]) -> Scored:
    return Scored(float(table.score()[0]), table.score(weights))
