"""Slices of a run: the scores of people of one size, number of joints or crowding, and of each joint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.metrics.robustness import take_means
from robustpose.pose.cell import Cell
from robustpose.pose.types import Truth
from robustpose.results.cell_score import JOINT, CellScore, Key, Scored
from robustpose.results.resampling import LEVEL, interval
from robustpose.results.rows import headline_columns


def describe_slices(
    metric: str,
    scores: Mapping[Cell, CellScore],
    cells: Sequence[Cell],
    slices: Mapping[Key, Sequence[npt.NDArray[np.bool_]]],
    truths: Sequence[Truth],
    joints: Sequence[str],
    suite: Suite = COCO_C,
) -> dict[str, Any] | None:
    """Return the content of slices.json; None if the cells were scored without slices.

    Args:
        metric: the figure that counts.
        scores: of every cell.
        cells: those that were asked for, clean first.
        slices: who of each image's people belongs to each slice.
        truths: of every image.
        joints: names.
        suite: of the run.
    """
    first = scores[cells[0]]
    if first.resampled is None:
        return None
    n_annotated = sum((truth.visible[truth.counted] > 0).sum(0) for truth in truths)

    def score(key: Key) -> dict[str, Any]:
        return _score_slice({cell: scores[cell].slices[key] for cell in cells}, cells, suite)

    rows = []
    for kind, name in slices:
        n_people = sum(int((mask & t.counted).sum()) for mask, t in zip(slices[kind, name], truths, strict=True))
        rows.append({"kind": kind, "name": name, "n_people": n_people, **score((kind, name))})
    return {
        "metric": metric,
        "level": LEVEL,
        "resamples": len(first.resampled),
        "slices": rows,
        "joint_figure": first.joint_figure,
        "joints": [
            {"name": joint, "n": int(n), **score((JOINT, joint))}
            for joint, n in zip(joints, np.broadcast_to(n_annotated, len(joints)), strict=True)
        ],
        "calibration": None
        if first.calibration is None
        else {cell.key: scores[cell].calibration for cell in cells if scores[cell].calibration is not None},
    }


def _score_slice(scored: Mapping[Cell, Scored], cells: Sequence[Cell], suite: Suite) -> dict[str, Any]:
    """Return the headline of a slice with its intervals, and its means by group and by severity."""
    means = take_means({cell: one.value for cell, one in scored.items()}, cells, suite)
    resampled = take_means({cell: one.resampled for cell, one in scored.items()}, cells, suite)
    row: dict[str, Any] = {}
    for name, value_of in headline_columns(suite).items():
        row[name] = _number(value_of(means))
        row[f"{name}_interval"] = None if row[name] is None else interval(value_of(resampled))
    row["groups"] = {name: _number(value) for name, value in means.groups.items()}
    row["severities"] = {str(severity): _number(value) for severity, value in means.severities.items()}
    return row


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
