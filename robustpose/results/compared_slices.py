"""Slices of runs beside each other: people of one size, number of joints or crowding, and each joint, in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.corruptions.suites import Suite
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cuts import CUTS
from robustpose.pose.types import Floats
from robustpose.results.cell_score import JOINT, Key
from robustpose.results.compared import ComparedRow, ComparedSlice, CompareRow, compare_row, doubt_row
from robustpose.results.resampling import LEAST_RESAMPLES
from robustpose.results.rows import headline_columns, label_headline
from robustpose.results.score_names import MEAN_OF_CHOSEN
from robustpose.results.slice_resamples import MOST_KEPT, SECTIONS, Columns, list_keys, read_slice_resamples
from robustpose.results.slices_model import read_slices

UNPAIRED = (
    "slices are compared without intervals of their differences, for {} kept no resamples of them: robustpose score "
    "{} adds them"
)
WITHOUT = "slices are not compared, for {} has none: it was scored without resamples, or by a metric without slices"
FEWER = "slices are compared by {1}, for {0} kept no more of them: robustpose score {2} makes more"
TOO_FEW = (
    "slices are compared without intervals of their differences, for {0} kept {1} of them: robustpose score {2} makes "
    "enough"
)
OTHER_PEOPLE = "people of a slice are those that each run finds on clean images, so they may be others in another run"
OF_ALL = "slices of people and joints are left out: runs keep what these score of all their images alone"


@dataclass(frozen=True, eq=False)
class SlicesOfRun:
    """The slices of one run."""

    folder: Path
    joint_figure: str  # what the scores of joints are
    rows: Mapping[Key, Mapping[str, Any]]  # of slices.json
    resampled: Mapping[Key, Columns] | None  # (R,) of each score; None in runs that did not keep them


def read_slices_of_run(folder: Path, summary: Mapping[str, Any]) -> SlicesOfRun | None:
    """Return the slices of a run; None where it has none, UserError where they are damaged."""
    content = read_slices(folder, summary)
    if content is None:
        return None
    rows = [row for section in SECTIONS for row in content[section]]
    by_key = {key: row for (_, key), row in zip(list_keys(content), rows, strict=True)}
    return SlicesOfRun(folder, str(content.get("joint_figure")), by_key, read_slice_resamples(folder, summary, content))


def compare_slices(
    folders: Sequence[Path],
    summaries: Sequence[Mapping[str, Any]],
    suite: Suite,
    n_resamples: int,
    has_all_cells: bool,
    compare: CompareRow = compare_row,
) -> tuple[list[ComparedSlice], list[str]]:
    """Return the slices that all runs have, in the order of the first, and notes on what is lacking.

    Categories, parts and crowd levels are not among them: they are rows of the comparison. Differences have no
    intervals where a run kept no resamples. Means of the cells of a run are compared if all runs have the same ones.
    """
    of_runs = [read_slices_of_run(folder, summary) for folder, summary in zip(folders, summaries, strict=True)]
    known = [one for one in of_runs if one is not None]
    if len(known) < len(folders):
        lacking = next(folder for folder, one in zip(folders, of_runs, strict=True) if one is None)
        return [], [WITHOUT.format(lacking.name)] if known else []
    names = [*headline_columns(suite), *([MEAN_OF_CHOSEN] if has_all_cells else [])]
    metric = str(summaries[0]["metric"])
    n_common = min([n_resamples, *(_count_resamples(one) for one in known)])
    n_common *= n_common >= LEAST_RESAMPLES  # of a run scored with fewer, by a version that took them
    found = []
    for key in known[0].rows:
        if key[0] in CUTS or not all(key in one.rows for one in known):
            continue
        rows = tuple(_compare_scores(known, key, names, n_common, metric, compare))
        if rows:
            counts = [int(one.rows[key].get("n_people", one.rows[key].get("n"))) for one in known]
            figure = known[0].joint_figure if key[0] == JOINT else metric
            on_images = [one.rows[key].get("n_images") for one in known]
            n_images = None if None in on_images else min(n for n in on_images if n is not None)
            one = ComparedSlice(*key, min(counts), rows, figure, n_images)
            found.append(replace(one, rows=tuple(map(doubt_row, rows))) if one.is_of_few_images else one)
    notes = _note_lacks(known, n_resamples)
    if metric in HELD_AGAINST_CLEAN:
        notes.append(OTHER_PEOPLE)
    return found, notes if found else []


def leave_slices_out(folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the note of a comparison of some of the images, which can have no slices; none where no run has any."""
    of_runs = [read_slices(folder, summary) for folder, summary in zip(folders, summaries, strict=True)]
    return [OF_ALL] if any(of_runs) else []


def _count_resamples(of_run: SlicesOfRun) -> int:
    if of_run.resampled is None:
        return 0
    return min((among.shape[-1] for columns in of_run.resampled.values() for among in columns.values()), default=0)


def _compare_scores(
    of_runs: Sequence[SlicesOfRun], key: Key, names: Sequence[str], n_common: int, metric: str, compare: CompareRow
) -> Iterator[ComparedRow]:
    """Yield the scores of a slice that all runs have."""
    for name in names:
        values = [one.rows[key].get(name) for one in of_runs]
        resampled = [_take(one, key, name, n_common) for one in of_runs]
        if any(value is not None for value in values):
            label = name if key[0] == JOINT else label_headline(name, metric)
            row = compare(key[0], label, values, resampled)
            if row.trainings:  # what a run says of itself is not of its group
                yield row
                continue
            said = [one.rows[key].get(f"{name}_interval") for one in of_runs]
            known = tuple(own or of for own, of in zip(row.intervals, said, strict=True))
            yield replace(row, intervals=known)


def _take(of_run: SlicesOfRun, key: Key, name: str, n_common: int) -> Floats:
    if of_run.resampled is None or name not in of_run.resampled[key]:
        return np.zeros(0)
    return of_run.resampled[key][name][:n_common]


def _note_lacks(of_runs: Sequence[SlicesOfRun], n_resamples: int) -> list[str]:
    """Return a note on the run that kept no resamples, or else on the one that kept least, if fewer than asked for."""
    old = [one.folder for one in of_runs if one.resampled is None]
    if old:
        return [UNPAIRED.format(old[0].name, old[0])]
    least = min(of_runs, key=_count_resamples)
    if not 0 < (kept := _count_resamples(least)) < min(n_resamples, MOST_KEPT):
        return []
    words = TOO_FEW if kept < LEAST_RESAMPLES else FEWER
    return [words.format(least.folder.name, f"{kept} resample{'s' * (kept != 1)}", least.folder)]
