"""Compare suites: runs of two or more suites of the same images, put together as models by suites.

A gain is a model's mean under corruption less that of the first model. The same resampled images are taken in all runs
of all suites, so gains on two suites are paired, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError, spell_list
from robustpose.metrics.robustness import take_means
from robustpose.pose.cell import Cell
from robustpose.results.across import AcrossSuites
from robustpose.results.comparable import note_differences
from robustpose.results.compare import compare_means, find_common_cells, tell_runs_apart
from robustpose.results.compared import ComparedRow, CompareRow, Comparison, compare_row, doubt_row
from robustpose.results.grouped import compare_grouped_row, split
from robustpose.results.groups import Groups, check_runs_of_groups, check_sizes, note_few
from robustpose.results.held_gains import Sides, find_held_gains
from robustpose.results.held_grouped import find_grouped_gains
from robustpose.results.names import check_different, check_name
from robustpose.results.one_model import Model, order_suites, pair_models
from robustpose.results.parts import Part
from robustpose.results.resampling import FEW_IMAGES, RESAMPLES, check_resamples
from robustpose.results.rows import data_name, suite_of
from robustpose.results.run_scores import RunScores, read_scores, score_runs
from robustpose.results.scored import name_scored
from robustpose.results.seen import read_seen
from robustpose.results.setups import collect_doubts
from robustpose.results.summary import read_summary
from robustpose.results.terms import list_terms


def are_of_suites(folders: Sequence[Path]) -> bool:
    """Return whether finished runs are of more than one suite; UserError where a folder has no finished run."""
    return len({suite_of(read_summary(folder)).name for folder in folders}) > 1


def compare_suites(
    folders: Sequence[Path], n_resamples: int = RESAMPLES, names: Sequence[str] | None = None, part: Part | None = None
) -> AcrossSuites:
    """Return finished runs of two or more suites as models by suites, or raise UserError.

    Runs of one model are found by its weights, code and options. `names` are what the models are called, in the order
    of their first runs. With a `part`, all is of these images alone, as in `compare_runs`.
    """
    summaries = [read_summary(folder) for folder in folders]
    notes = _check_data(folders, summaries)
    models, doubts = pair_models(folders, summaries)
    called = _name_models(names, models, folders, summaries)
    return _compare(folders, summaries, models, called, n_resamples, [*notes, *doubts], part=part)


def compare_groups_on_suites(groups: Groups, n_resamples: int = RESAMPLES, part: Part | None = None) -> AcrossSuites:
    """Return groups of trainings, each with runs of two or more suites, as methods by suites; UserError as there.

    `groups` has the folders of the runs by the group's name. A training is a model: its runs are found as there.
    """
    check_runs_of_groups(groups)
    folders = [folder for of in groups.values() for folder in of]
    summaries = [read_summary(folder) for folder in folders]
    notes = _check_data(folders, summaries)
    models: list[Model] = []
    sizes: dict[str, int] = {}
    start = 0
    for name, of in groups.items():
        trainings, doubts = pair_models(of, summaries[start : start + len(of)])
        for one in trainings:
            if one.identity is not None and one.identity in {model.identity for model in models}:
                raise UserError(f"{one.name} is in group {name} and in another one: each training counts once")
        sizes[name] = len(trainings)
        models += [replace(m, runs={label: start + place for label, place in m.runs.items()}) for m in trainings]
        notes += doubts
        start += len(of)
    check_sizes(sizes)
    called = _name_models(None, models, folders, summaries)
    return _compare(folders, summaries, models, called, n_resamples, [*notes, *note_few(sizes)], sizes, part)


def _compare(
    folders: Sequence[Path],
    summaries: Sequence[Mapping[str, Any]],
    models: Sequence[Model],
    called: Sequence[str],
    n_resamples: int,
    notes: list[str],
    sizes: Mapping[str, int] = MappingProxyType({}),
    part: Part | None = None,
) -> AcrossSuites:
    """Return models by suites, or groups of them where `sizes` says how many each has, by its name."""
    check_resamples(n_resamples, 1)
    metric, suites = _find_metric(summaries), order_suites(summaries)
    cells: dict[str, list[Cell]] = {}
    for suite in suites:
        places = [model.runs[suite.label] for model in models if suite.label in model.runs]
        of_suite = [summaries[place] for place in places]
        cells[suite.label], doubts = find_common_cells([folders[place] for place in places], of_suite)
        notes += [f"{suite.name}: {doubt}" for doubt in doubts]
    notes += [*_note_lacks(suites, models, called), *_note_severities(suites, cells)]
    scores, sides = _take_sides(folders, summaries, models, cells, n_resamples, part)
    n_images = scores.n_images
    counts = list(sizes.values()) or [1] * len(models)
    compare: CompareRow = partial(compare_grouped_row, counts, n_images) if sizes else compare_row
    comparisons = [
        Comparison(
            names=tuple(sizes or called),
            metric=metric,
            suite=suite,
            dataset=data_name(summaries[0]),
            n_images=n_images,
            resamples=scores.n_resamples,
            rows=_doubt_few(compare_means(*sides[suite.label], suite, metric, compare), n_images),
            notes=(),
            scored=name_scored(summaries[0]["provenance"]["dataset"]),
            terms=_explain(suite, models, summaries, scores.of_part),
            warnings=tuple(_collect_warnings(suite, models, called, summaries)),
            trainings=tuple(map(tuple, split(called, counts))) if sizes else (),
            part=part,
            n_all=scores.n_all,
        )
        for suite in suites
    ]
    notes += scores.note_whole([text for comparison in comparisons for text in comparison.warnings], summaries)
    of_models = [_gather_seen(model, summaries) for model in models]
    seen = tuple(tuple(dict.fromkeys(name for names in of for name in names)) for of in split(of_models, counts))
    (clean,) = _doubt_few([_compare_clean(sides, comparisons[0].rows[0], compare)], n_images)
    if sizes:
        gains = list(find_grouped_gains(suites, sides, seen, counts, n_images))
    else:
        gains = list(find_held_gains(suites, sides, seen, n_images))
    return AcrossSuites(
        comparisons=tuple(comparisons),
        clean=clean,
        gains=tuple(gains),
        folders=tuple(tuple(_find_folders(folders, of, suite) for of in split(models, counts)) for suite in suites),
        seen=seen,
        notes=tuple(dict.fromkeys(notes)),
    )


def _find_metric(summaries: Sequence[Mapping[str, Any]]) -> str:
    metrics = list(dict.fromkeys(str(summary["metric"]) for summary in summaries))
    if len(metrics) > 1:
        raise UserError(f"the runs have no scores in common: their scores are {spell_list(metrics, 'and')}")
    return metrics[0]


def _name_models(
    names: Sequence[str] | None,
    models: Sequence[Model],
    folders: Sequence[Path],
    summaries: Sequence[Mapping[str, Any]],
) -> tuple[str, ...]:
    """Return what models are called: as it is said, or as their first runs are."""
    firsts = [next(iter(model.runs.values())) for model in models]
    if names is None:
        return tell_runs_apart([folders[place] for place in firsts], [summaries[place] for place in firsts])
    if len(names) != len(models):
        order = spell_list([folders[place].name for place in firsts])
        raise UserError(
            f"--names must be one for each of the {len(models)} models, whose first runs are {order}, got {len(names)}"
        )
    checked = [check_name(name, "--names") for name in names]
    check_different(checked)
    return tuple(checked)


def _check_data(folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return notes on what is not the same in runs of one suite; UserError unless all are of the same images."""
    notes = []
    firsts: dict[str, int] = {}
    for place, (folder, summary) in enumerate(zip(folders, summaries, strict=True)):
        label = suite_of(summary).label
        first = firsts.setdefault(label, place)
        if first != place:
            notes += note_differences(folders[first], summaries[first], folder, summary)
        elif place:  # of another suite: frost and stored images may be of one alone
            note_differences(folders[0], summaries[0], folder, summary)
    return notes


def _note_lacks(suites: Sequence[Suite], models: Sequence[Model], names: Sequence[str]) -> list[str]:
    lacking = {
        name: [suite.name for suite in suites if suite.label not in model.runs]
        for name, model in zip(names, models, strict=True)
    }
    return [f"{name} has no run of {spell_list(of, 'and')}" for name, of in lacking.items() if of]


def _note_severities(suites: Sequence[Suite], cells: Mapping[str, Sequence[Cell]]) -> list[str]:
    """Return a note where the means of suites are over different severities."""
    of = {suite.name: sorted({cell.severity for cell in cells[suite.label][1:]}) for suite in suites}
    if len({tuple(severities) for severities in of.values()}) == 1:
        return []
    parts = [f"{spell_list(severities)} of {name}" for name, severities in of.items() if severities]
    return [f"means are over other severities in each suite: {'; '.join(parts)}"]


def _take_sides(
    folders: Sequence[Path],
    summaries: Sequence[Mapping[str, Any]],
    models: Sequence[Model],
    cells: Mapping[str, Sequence[Cell]],
    n_resamples: int,
    part: Part | None,
) -> tuple[RunScores, dict[str, Sides]]:
    """Return the scores of all runs, and by label of the suite the means of each model."""
    suites = [suite_of(summary) for summary in summaries]
    said = [read_scores(summary, cells[suite.label]) for summary, suite in zip(summaries, suites, strict=True)]
    scores = score_runs(folders, said, n_resamples, part)
    values, among = (
        [take_means(of, cells[suite.label], suite) for of, suite in zip(side, suites, strict=True)]
        for side in (scores.values, scores.resampled)
    )
    sides: dict[str, Sides] = {}
    for label in cells:
        places = [model.runs.get(label) for model in models]
        means, means_again = ([None if place is None else side[place] for place in places] for side in (values, among))
        sides[label] = means, means_again
    return scores, sides


def _doubt_few(rows: Iterable[ComparedRow], n_images: int) -> tuple[ComparedRow, ...]:
    return tuple(map(doubt_row, rows) if n_images < FEW_IMAGES else rows)


def _compare_clean(sides: Mapping[str, Sides], of_suite: ComparedRow, compare: CompareRow) -> ComparedRow:
    """Return the clean scores of all models, each from the first suite that it has; `of_suite` are those of one."""
    values, among = (
        [next(means.clean for means in of_model if means is not None) for of_model in zip(*of_suites, strict=True)]
        for of_suites in zip(*sides.values(), strict=True)
    )
    return compare(of_suite.kind, of_suite.name, values, among)


def _find_summaries(
    suite: Suite, models: Sequence[Model], summaries: Sequence[Mapping[str, Any]]
) -> dict[int, Mapping[str, Any]]:
    """Return the summaries of a suite by the place of their models."""
    places = {number: model.runs.get(suite.label) for number, model in enumerate(models)}
    return {number: summaries[place] for number, place in places.items() if place is not None}


def _explain(
    suite: Suite, models: Sequence[Model], summaries: Sequence[Mapping[str, Any]], images: str | None
) -> tuple[tuple[str, str], ...]:
    return list_terms(next(iter(_find_summaries(suite, models, summaries).values())), images)


def _collect_warnings(
    suite: Suite, models: Sequence[Model], names: Sequence[str], summaries: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    found = _find_summaries(suite, models, summaries)
    for text in collect_doubts([names[number] for number in found], list(found.values())):
        yield f"{suite.name}, {text}"


def _find_folders(folders: Sequence[Path], models: Sequence[Model], suite: Suite) -> str | None:
    """Return the folders of the runs of a model, or of a group of them, on a suite."""
    return ", ".join(str(folders[m.runs[suite.label]]) for m in models if suite.label in m.runs) or None


def _gather_seen(model: Model, summaries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for place in model.runs.values() for name in read_seen(summaries[place]) or ()))
