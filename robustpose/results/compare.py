"""Compare runs: paired differences of every score, with intervals, from the runs' matches alone.

The same resampled images are taken in all runs, so what makes an image hard for everybody cancels out, and the interval
of a difference is narrower than those of the two scores suggest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError
from robustpose.metrics.robustness import Means, mean_of_chosen, take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.comparable import note_differences, tell_corruptions_apart
from robustpose.results.compared import ComparedRow, CompareRow, Comparison, compare_row, doubt_row
from robustpose.results.compared_slices import compare_slices, leave_slices_out
from robustpose.results.cuts import CutOfRuns, pair_cuts
from robustpose.results.grouped import compare_grouped_row
from robustpose.results.names import name_runs
from robustpose.results.parts import Part
from robustpose.results.resampling import FEW_IMAGES, RESAMPLES, check_resamples
from robustpose.results.rows import (
    as_number,
    data_name,
    headline_columns,
    label_headline,
    list_means,
    model_name,
    require_one_suite,
    spell_cut,
)
from robustpose.results.run_scores import read_scores, score_runs
from robustpose.results.score_names import MEAN_OF_CHOSEN
from robustpose.results.scored import name_scored
from robustpose.results.seen import MEAN_OF_UNSEEN, mean_of_unseen, read_seen, seen_in_run, tell_seen_apart
from robustpose.results.setups import collect_doubts, tell_setups_apart
from robustpose.results.summary import read_summary
from robustpose.results.terms import list_terms


def compare_runs(
    folders: Sequence[Path],
    n_resamples: int = RESAMPLES,
    names: Sequence[str] | None = None,
    sizes: Sequence[int] = (),
    part: Part | None = None,
) -> Comparison:
    """Return two or more finished runs of the same images beside each other, or raise UserError.

    `names` are what the runs are called; by default their own names, with those of folders where two are the same.
    `sizes` are how many runs each group has, for rows of groups in the place of runs: see `groups.compare_groups`.
    With a `part`, all numbers are those of runs of its images alone; there are no slices, which runs keep of all.
    """
    if len(folders) < 2:
        raise UserError(
            f"compare needs two or more run folders, got {len(folders)}; or several of each method, as groups "
            "(--group NAME=RUN,RUN)"
        )
    check_resamples(n_resamples, 1)
    names = None if names is None else name_runs(names, folders)
    summaries = [read_summary(folder) for folder in folders]
    suite = require_one_suite(dict(zip(folders, summaries, strict=True)))
    first = summaries[0]
    notes = [
        note
        for folder, summary in zip(folders[1:], summaries[1:], strict=True)
        for note in note_differences(folders[0], first, folder, summary)
    ]
    cells, doubts = find_common_cells(folders, summaries)
    notes += doubts
    scores = score_runs(folders, [read_scores(summary, cells) for summary in summaries], n_resamples, part)
    n_images, n_resamples = scores.n_images, scores.n_resamples
    values, resampled = ([take_means(of, cells, suite) for of in side] for side in (scores.values, scores.resampled))
    has_all = all(len(cells) - 1 == len(summary["cells"]) for summary in summaries)
    compare: CompareRow = partial(compare_grouped_row, sizes, n_images) if sizes else compare_row
    if part is None:
        slices, lacks = compare_slices(folders, summaries, suite, n_resamples, has_all, compare)
    else:
        slices, lacks = [], leave_slices_out(folders, summaries)
    called = tuple(names or tell_runs_apart(folders, summaries))
    rows = [
        *compare_means(values, resampled, suite, first["metric"], compare),
        *_compare_cuts(pair_cuts(folders, summaries, cells, suite, n_resamples, part), suite, first["metric"], compare),
    ]
    seen = tuple(dict.fromkeys(name for summary in summaries for name in seen_in_run(summary)))
    known = {name for summary in summaries for name in read_seen(summary) or ()}
    unseen = [[mean_of_unseen(means, suite, known) for means in side] for side in (values, resampled)]
    if unseen[0][0] is not None:
        rows.append(compare("unseen", MEAN_OF_UNSEEN, *unseen))
    if n_images < FEW_IMAGES:
        rows = list(map(doubt_row, rows))
    warnings = tuple(collect_doubts(called, summaries))
    lacks += [*tell_seen_apart(called, summaries), *scores.note_whole(warnings, summaries)]
    return Comparison(
        names=called,
        metric=first["metric"],
        suite=suite,
        dataset=data_name(first),
        n_images=n_images,
        resamples=n_resamples,
        rows=tuple(rows),
        notes=tuple(dict.fromkeys([*notes, *lacks])),
        slices=tuple(slices),
        scored=name_scored(first["provenance"]["dataset"]),
        terms=list_terms(first, scores.of_part),
        warnings=warnings,
        setup=tuple(tell_setups_apart(summaries)),
        seen=seen,
        part=part,
        n_all=scores.n_all,
    )


def find_common_cells(folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]]) -> tuple[list[Cell], list[str]]:
    """Return the cells that all runs of one suite have, clean first, and notes on what is left out or in doubt."""
    cells = [CLEAN, *(Cell.from_key(key) for key in summaries[0]["cells"] if all(key in s["cells"] for s in summaries))]
    apart, notes = tell_corruptions_apart(folders, summaries)
    cells = [cell for cell in cells if cell.corruption not in apart]
    if len(cells) - 1 < max(len(s["cells"]) for s in summaries):
        n_cells = "one corrupted cell" if len(cells) == 2 else f"{len(cells) - 1} corrupted cells"
        shared = f"only the {n_cells} that all runs have {'is' if len(cells) == 2 else 'are'} compared"
        notes.append(shared if cells[1:] else "the runs have no corrupted cells in common: clean images are compared")
    return cells, notes


def compare_means(
    values: Sequence[Means | None],
    resampled: Sequence[Means | None],
    suite: Suite,
    metric: str,
    compare: CompareRow = compare_row,
) -> Iterator[ComparedRow]:
    """Yield the rows of the means of runs, given those of the resamples; None for a run that has none of the suite."""
    sides = [list(_list_beside(side, suite)) for side in (values, resampled)]
    for (kind, name, scores), (*_, among) in zip(*sides, strict=True):
        if kind != "pixels":
            yield compare(kind, label_headline(name, metric) if kind == "headline" else name, scores, among)
    chosen, of_chosen = (
        [None if means is None else mean_of_chosen(means) for means in side] for side in (values, resampled)
    )
    if any(value is not None for value in chosen):
        yield compare("chosen", MEAN_OF_CHOSEN, chosen, of_chosen)


def _list_beside(side: Sequence[Means | None], suite: Suite) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield kind, name and each run's value of every row; None for a run without means."""
    of_runs = [None if means is None else list(list_means(means, suite)) for means in side]
    for place, (kind, name, _) in enumerate(next(rows for rows in of_runs if rows is not None)):
        yield kind, name, [None if rows is None else rows[place][2] for rows in of_runs]


def _compare_cuts(cuts: Iterable[CutOfRuns], suite: Suite, metric: str, compare: CompareRow) -> Iterator[ComparedRow]:
    for cut in cuts:
        for name, value_of in headline_columns(suite).items():
            values = [as_number(value_of(means)) for means in cut.values]
            label = spell_cut(cut.name, name, metric)
            if any(value is not None for value in values):
                yield compare(cut.kind, label, values, [value_of(means) for means in cut.resampled])


def tell_runs_apart(folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the models' names, those that are the same with their folders'."""
    models = names = [model_name(summary) for summary in summaries]
    for places in ([folder.resolve().name for folder in folders], folders):
        if len(set(names)) < len(names):
            names = [f"{model} ({place})" for model, place in zip(models, places, strict=True)]
    return tuple(names)
