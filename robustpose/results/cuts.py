"""Cuts of a run: the scores of each category, part and crowd level, in summary.json and beside those of other runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError
from robustpose.metrics.robustness import Means, mean_of_chosen, name_means, take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.cuts import Cut
from robustpose.pose.types import Floats
from robustpose.results.cell_score import CellScore
from robustpose.results.parts import Part
from robustpose.results.resampling import interval
from robustpose.results.rows import as_number, headline_columns
from robustpose.results.run_folder import RunFolder
from robustpose.results.run_scores import ROUNDING, draw_weights_of


def describe_cuts(
    metric: str, scores: Mapping[Cell, CellScore], cuts: Sequence[Cut], suite: Suite
) -> list[dict[str, Any]]:
    """Return `cuts` of summary.json, from the scores of all cells, clean first; those that the metric can score.

    `metric` is the figure that counts.
    """
    suite, first = name_means(suite, metric), next(iter(scores.values()))
    return [
        _describe_cut(metric, cut, scores, suite) for cut in cuts if metric in first.cuts.get((cut.kind, cut.name), {})
    ]


def _describe_cut(metric: str, cut: Cut, scores: Mapping[Cell, CellScore], suite: Suite) -> dict[str, Any]:
    key = cut.kind, cut.name
    values = {cell: _nan_for_nobody(score.cuts[key][metric]) for cell, score in scores.items()}
    means = take_means(values, list(scores), suite)
    resampled = {cell: score.slices[key].resampled for cell, score in scores.items() if key in score.slices}
    among = take_means(resampled, list(scores), suite) if resampled else None
    columns = headline_columns(suite)
    return {
        "kind": cut.kind,
        "name": cut.name,
        "n_people": cut.n_people,
        **{name: as_number(value_of(means)) for name, value_of in columns.items()},
        "mean_of_chosen": as_number(mean_of_chosen(means)),
        "cells": {cell.key: as_number(value) for cell, value in values.items() if cell.corruption is not None},
        "intervals": among and _find_intervals(among, columns),
    }


def _find_intervals(among: Means, columns: Mapping[str, Any]) -> dict[str, list[float] | None]:
    """Return the interval of each column, and of the mean of chosen cells where there is one."""
    chosen = mean_of_chosen(among)
    own = {} if chosen is None else {"mean_of_chosen": interval(chosen)}
    return {name: _find_interval(value_of(among)) for name, value_of in columns.items()} | own


def _nan_for_nobody(score: float) -> float:
    return np.nan if score < 0 else score


def _find_interval(among: Floats | None) -> list[float] | None:
    return None if among is None else interval(among)


@dataclass(frozen=True)
class CutOfRuns:
    """One category, part or crowd level that some runs have in common."""

    kind: str
    name: str
    values: tuple[Means, ...]  # of each run
    resampled: tuple[Means, ...]  # (R,) of each run, of the same resamples


def pair_cuts(
    folders: Sequence[Path],
    summaries: Sequence[Mapping[str, Any]],
    cells: Sequence[Cell],
    suite: Suite,
    n_resamples: int,
    part: Part | None = None,
) -> Iterator[CutOfRuns]:
    """Yield the cuts that all runs have, in the order of the first one; none where a run does not keep their tables.

    They are of the images of a `part`, if one is given.

    Raises:
        UserError: a run's tables do not give the scores of its summary.
    """
    places = [{(cut["kind"], cut["name"]): i for i, cut in enumerate(of.get("cuts") or [])} for of in summaries]
    if not all(places):
        return
    tables = [{cell: RunFolder(folder).read_cut_tables(cell) for cell in cells} for folder in folders]
    if not all(of_cell for of_run in tables for of_cell in of_run.values()):
        return
    n_images = tables[0][CLEAN][0].n_images
    chosen = np.ones(n_images, bool) if part is None else part.select(n_images)
    once, weights = chosen[None].astype(np.uint8), draw_weights_of(chosen, n_resamples)
    for key in places[0]:
        if not all(key in of for of in places):
            continue
        values, resampled = [], []
        for folder, summary, place, of_run in zip(folders, summaries, places, tables, strict=True):
            scores = _read_scores(summary["cuts"][place[key]], cells)
            for cell, score in scores.items():
                of_cell = of_run[cell]
                fits = len(of_cell) > place[key] and of_cell[place[key]].n_images == n_images
                again = float(of_cell[place[key]].score()[0]) if fits else -1.0
                if not (np.isnan([score, again]).all() or abs(score - again) < ROUNDING):
                    raise UserError(
                        f"{RunFolder(folder).matches_path(cell)} does not give the score of {key[1]} in {cell.key} "
                        f"that summary.json has: robustpose score {folder} writes both anew"
                    )
            own = {cell: of_run[cell][place[key]] for cell in cells}
            if part is not None:
                scores = {cell: float(table.score(once)[0]) for cell, table in own.items()}
            values.append(take_means(scores, cells, suite))
            resampled.append(take_means({cell: table.score(weights) for cell, table in own.items()}, cells, suite))
        yield CutOfRuns(*key, tuple(values), tuple(resampled))


def _read_scores(cut: Mapping[str, Any], cells: Sequence[Cell]) -> dict[Cell, float]:
    """Return the scores of a cut by cell; NaN where there was nobody."""
    said = {CLEAN: cut["clean"], **{cell: cut["cells"].get(cell.key) for cell in cells if cell != CLEAN}}
    return {cell: np.nan if score is None else float(score) for cell, score in said.items()}
