"""The score of one cell: its figures and, where the metric has matches, those of slices, joints and resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.evaluate import score
from robustpose.metrics.calibration import calibrate
from robustpose.metrics.slices import slice_people
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Mask, Matches, Metric
from robustpose.pose.types import Floats, Poses, Truth

Key = tuple[str, str]  # kind and name of a slice
Slices = Mapping[Key, Sequence[Mask]]  # for each image, a mask (G,) of the people who belong to the slice
JOINT = "joint"  # the kind whose names are joints


class Scored(NamedTuple):
    """One figure: of all images, and (R,) of each resample; NaN where there is nobody."""

    value: float
    resampled: Floats


@dataclass(frozen=True)
class CellScore:
    """What a cell scored.

    Attributes:
        cell: the cell.
        figures: all figures of the metric.
        resampled: (R,) its primary figure of each resample; None where the metric has no matches, or none were asked.
        slices: by kind and name; joints are among them.
        calibration: see `calibrate`; None for metrics that do not look at scores.
        joint_figure: which figure the joints have.
    """

    cell: Cell
    figures: dict[str, float]
    resampled: Floats | None = None
    slices: dict[Key, Scored] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None
    joint_figure: str | None = None


def cut_people(truths: Sequence[Truth], n_joints: int) -> Slices:
    """Return the slices of a dataset's people, without those that have nobody who counts."""
    in_images = [slice_people(truth, n_joints) for truth in truths]
    slices = {key: [of[key] for of in in_images] for key in in_images[0]} if in_images else {}
    counted = [truth.counted for truth in truths]
    return {
        key: masks
        for key, masks in slices.items()
        if any((mask & who).any() for mask, who in zip(masks, counted, strict=True))
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
        cell: the cell.
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
    tables = {key: matches.table(kept) for key, kept in slices.items()}
    tables |= {(JOINT, joint): table for joint, table in matches.joints_tables().items()}
    scored = {key: Scored(float(table.score()[0]), table.score(weights)) for key, table in tables.items()}
    pairs = matches.confidences()
    calibration = None if pairs is None else calibrate(*pairs)
    return CellScore(cell, figures, resampled, scored, calibration, matches.joint_figure), matches
