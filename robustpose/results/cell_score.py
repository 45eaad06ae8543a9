"""The score of one cell: its figures and, where the metric has matches, those of slices, joints and resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.evaluation import score
from robustpose.metrics.calibration import calibrate
from robustpose.metrics.slices import slice_people
from robustpose.pose.cell import Cell
from robustpose.pose.cuts import Cut
from robustpose.pose.protocols import Mask, Matches, Metric, ScoreTable
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
    """What a cell scored."""

    cell: Cell
    figures: dict[str, float]  # all that the metric has
    resampled: Floats | None = None  # (R,) its primary figure; None where the metric has no matches, or none were asked
    slices: dict[Key, Scored] = field(default_factory=dict)  # joints and cuts are among them
    cuts: dict[Key, dict[str, float]] = field(
        default_factory=dict
    )  # all figures of each, as far as the metric has them
    cut_tables: Sequence[ScoreTable] = ()  # of each, in their order
    warnings: tuple[str, ...] = ()  # what the metric says of itself
    calibration: dict[str, Any] | None = None  # see `calibrate`; None for metrics that do not look at scores
    joint_figure: str | None = None  # which figure the joints have


def nest_cuts(score: CellScore) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of a cell's cuts by kind and name."""
    nested: dict[str, dict[str, dict[str, float]]] = {}
    for (kind, name), figures in score.cuts.items():
        nested.setdefault(kind, {})[name] = figures
    return nested


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
    cuts: Sequence[Cut] = (),
) -> tuple[CellScore, Matches | None]:
    """Return what a cell scored, and its matches if the metric, a fresh one, has some.

    `weights` (R, N) tell how often each of the N images is in each resample; None for no intervals. Without them, or
    with None for `slices`, there are no slices, joints and calibration. `cuts` are scored by themselves in any case.
    """
    found = CellScore(cell, score(poses, truths, metric), warnings=tuple(metric.warnings))
    matches = metric.matches()
    if matches is None:
        return found, matches
    of_cuts = {(cut.kind, cut.name): alone for cut in cuts if (alone := matches.restrict(cut)) is not None}
    found = replace(
        found,
        cuts={key: _find_figures(alone, metric) for key, alone in of_cuts.items()},
        cut_tables=[alone.table() for alone in of_cuts.values()],
    )
    if weights is None:
        return found, matches
    found = replace(found, resampled=matches.table().score(weights))
    if slices is None:
        return found, matches
    tables = {key: matches.table(kept) for key, kept in slices.items()}
    tables |= {(JOINT, joint): table for joint, table in matches.joints_tables().items()}
    tables |= dict(zip(of_cuts, found.cut_tables, strict=True))
    scored = {key: Scored(float(table.score()[0]), table.score(weights)) for key, table in tables.items()}
    pairs = matches.confidences()
    calibration = None if pairs is None else calibrate(*pairs)
    return replace(found, slices=scored, calibration=calibration, joint_figure=matches.joint_figure), matches


def _find_figures(alone: Matches, metric: Metric) -> dict[str, float]:
    """Return the figures of a cut by its matches, 0..1; -1 where nobody is there."""
    figures = alone.figures()
    if figures is None:
        value = float(alone.table().score()[0])
        figures = {metric.primary: -1.0 if np.isnan(value) else value}
    return dict(figures)
