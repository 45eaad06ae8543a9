"""Slices of a run: the scores of people of one size, number of joints or crowding, and of each joint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.metrics.robustness import mean_of_chosen, name_means, take_means
from robustpose.pose.cell import Cell
from robustpose.pose.cuts import Cut
from robustpose.pose.types import Truth
from robustpose.results.cell_score import JOINT, CellScore, Key, Slices
from robustpose.results.resampling import LEVEL, interval
from robustpose.results.rows import as_number, headline_columns
from robustpose.results.sufferers import find_column, rank_kinds


def describe_slices(
    metric: str,
    scores: Mapping[Cell, CellScore],
    slices: Slices,
    truths: Sequence[Truth],
    joints: Sequence[str],
    suite: Suite = COCO_C,
    cuts: Sequence[Cut] = (),
) -> dict[str, Any] | None:
    """Return the content of slices.json, from the scores of all cells, clean first; None if they have no slices.

    `metric` is the figure that counts, `truths` are of every image, and `joints` are K names. Cuts come first.
    """
    suite, first = name_means(suite, metric), next(iter(scores.values()))
    if first.resampled is None:
        return None
    counted = [truth.counted for truth in truths]
    n_annotated = sum((truth.visible[truth.counted] > 0).sum(0) for truth in truths)
    n_with_joint = sum((truth.visible[truth.counted] > 0).any(0) for truth in truths)  # images
    of_cuts = {(cut.kind, cut.name): cut.mask_people(truths) for cut in cuts if (cut.kind, cut.name) in first.slices}
    rows: list[dict[str, Any]] = []
    for key, masks in (*of_cuts.items(), *slices.items()):
        in_images = [int((mask & who).sum()) for mask, who in zip(masks, counted, strict=True)]
        row = {"kind": key[0], "name": key[1], "n_people": sum(in_images), "n_images": sum(n > 0 for n in in_images)}
        rows.append({**row, **_score_slice(scores, key, suite)})
    _add_pairs(rows, scores, suite, metric)
    return {
        "metric": metric,
        "level": LEVEL,
        "resamples": len(first.resampled),
        "slices": rows,
        "joint_figure": first.joint_figure,
        "joints": [
            {"name": joint, "n": int(n), "n_images": int(n_on), **_score_slice(scores, (JOINT, joint), suite)}
            for joint, n, n_on in zip(
                joints, *(np.broadcast_to(of, len(joints)) for of in (n_annotated, n_with_joint)), strict=True
            )
        ],
        "calibration": None
        if first.calibration is None
        else {cell.key: of.calibration for cell, of in scores.items() if of.calibration is not None},
    }


def _add_pairs(rows: Sequence[dict[str, Any]], scores: Mapping[Cell, CellScore], suite: Suite, metric: str) -> None:
    """Give the row that keeps least in its kind the intervals of how much less it keeps than each row."""
    column = find_column(suite, metric)
    lowest = [of_kind[0] for of_kind in rank_kinds(rows, column)] if column else []
    if not lowest:
        return

    def keep(row: Mapping[str, Any]) -> Any:
        key = (row["kind"], row["name"])
        resampled = {cell: score.slices[key].resampled for cell, score in scores.items()}
        return headline_columns(suite)[column](take_means(resampled, list(scores), suite))

    kept = [keep(row) for row in rows]
    for one in lowest:
        least = keep(one)
        one["keeps_less"] = [
            None if row is one else interval(among - least) for row, among in zip(rows, kept, strict=True)
        ]


def _score_slice(scores: Mapping[Cell, CellScore], key: Key, suite: Suite) -> dict[str, Any]:
    """Return the headline of a slice with its intervals, and its means by group and by severity.

    In a run without all cells of its suite, there is the mean of those that it has, too.
    """
    means = take_means({cell: score.slices[key].value for cell, score in scores.items()}, list(scores), suite)
    resampled = take_means({cell: score.slices[key].resampled for cell, score in scores.items()}, list(scores), suite)
    row: dict[str, Any] = {}
    for name, value_of in headline_columns(suite).items():
        row[name] = as_number(value_of(means))
        row[f"{name}_interval"] = None if row[name] is None else interval(value_of(resampled))
    if (chosen := mean_of_chosen(means)) is not None:
        row["mean_of_chosen"] = as_number(chosen)
        row["mean_of_chosen_interval"] = None if row["mean_of_chosen"] is None else interval(mean_of_chosen(resampled))
    row["groups"] = {name: as_number(value) for name, value in means.groups.items()}
    row["severities"] = {str(severity): as_number(value) for severity, value in means.severities.items()}
    return row
