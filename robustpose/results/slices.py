"""Slices of a run: clean score, mPC and rPC of people of one size, number of joints or crowding, and of each joint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.pose.cell import Cell
from robustpose.pose.types import Truth
from robustpose.results.cell_score import JOINT, CellScore, Key
from robustpose.results.intervals import Series, make_series
from robustpose.results.resampling import LEVEL, interval


def describe_slices(
    metric: str,
    scores: Mapping[Cell, CellScore],
    cells: Sequence[Cell],
    slices: Mapping[Key, Sequence[npt.NDArray[np.bool_]]],
    truths: Sequence[Truth],
    joints: Sequence[str],
) -> dict[str, Any] | None:
    """Return the content of slices.json; None if the cells were scored without slices.

    Args:
        metric: the figure that counts.
        scores: of every cell.
        cells: those that were asked for, clean first.
        slices: who belongs to each.
        truths: of every image.
        joints: names.
    """
    first = scores[cells[0]]
    if first.resampled is None:
        return None
    n_joints = sum((truth.visible[truth.counted] > 0).sum(0) for truth in truths)
    rows = []
    for kind, name in slices:
        n_people = sum(int((mask & t.counted).sum()) for mask, t in zip(slices[kind, name], truths, strict=True))
        rows.append({"kind": kind, "name": name, "n_people": n_people, **_row(scores, cells, (kind, name))})
    return {
        "metric": metric,
        "level": LEVEL,
        "resamples": len(first.resampled),
        "slices": rows,
        "joint_figure": first.joint_figure,
        "joints": [
            {"name": joint, "n": int(n), **_row(scores, cells, (JOINT, joint))}
            for joint, n in zip(joints, np.broadcast_to(n_joints, len(joints)), strict=True)
        ],
        "calibration": None
        if first.calibration is None
        else {cell.key: scores[cell].calibration for cell in cells if scores[cell].calibration is not None},
    }


def _row(scores: Mapping[Cell, CellScore], cells: Sequence[Cell], key: Key) -> dict[str, Any]:
    values: Series = make_series({cell: scores[cell].slices[key].value for cell in cells}, cells)
    resampled: Series = make_series({cell: scores[cell].slices[key].resampled for cell in cells}, cells)
    row: dict[str, Any] = {}
    for name, attribute in (("clean", "clean"), ("mPC", "mpc"), ("rPC", "rpc")):
        row[name] = _number(getattr(values, attribute))
        among = getattr(resampled, attribute)
        row[f"{name}_interval"] = None if among is None or row[name] is None else interval(among)
    row["groups"] = {name: _number(value) for name, value in values.groups.items()}
    row["severities"] = {str(severity): _number(value) for severity, value in values.severities.items()}
    return row


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
