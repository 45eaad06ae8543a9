"""What a campaign has found: its methods by suites, as groups of trainings, on all images and on parts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from robustpose.campaign.file import Campaign
from robustpose.campaign.method_names import call_method
from robustpose.campaign.methods import Chosen, Methods, choose_methods, list_pairs
from robustpose.campaign.runs import Run, spell_setup
from robustpose.campaign.table import Table
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.across import AcrossSuites
from robustpose.results.compare_suites import compare_groups_on_suites, compare_suites
from robustpose.results.compared import Comparison
from robustpose.results.groups import compare_groups
from robustpose.results.outcome import ALL_IMAGES, Outcome, PairOutcome, PartOutcome
from robustpose.results.parts import Part, read_part
from robustpose.results.run_folder import RunFolder
from robustpose.results.run_images import list_ids
from robustpose.results.summary import read_summary


def find_outcome(table: Table, name: str, n_resamples: int, data: DataSpec | None = None) -> Outcome:
    """Return what a campaign has found so far; what cannot be compared is said in the notes.

    `data` are those of the benches, which tell the images of parts that are files; by default as the runs noted them.
    Benches whose matches turn out to be damaged have failed.
    """
    chosen = choose_methods(table)
    methods, notes = chosen.methods, list(chosen.notes)
    parts: list[PartOutcome] = []
    find_ids = partial(list_ids, [folder for of in methods.values() for seed in of for folder in seed.values()], data)
    wanted = {ALL_IMAGES: None, **table.campaign.parts}
    for part, text in wanted.items() if len(methods) > 1 else ():
        try:
            places = None if text is None else read_part(text, find_ids)
            parts.append(_compare(table.campaign, chosen, part, places, n_resamples))
        except UserError as error:
            if damaged := _find_damaged(table, methods):
                table.failed.update(damaged)
                table.done.difference_update(damaged)
                return find_outcome(table, name, n_resamples, data)
            notes.append(f"{part}: left out, for it cannot be compared: {error}")
    return Outcome(name, table.list_states(), tuple(parts), tuple(notes), tuple(spell_setup(table.campaign)))


def _find_damaged(table: Table, methods: Methods) -> dict[Run, str]:
    """Return the benches of methods whose matches cannot be read, and why."""
    runs = {table.out / run.folder: run for run in table.runs}
    found = {}
    for folder in (folder for seeds in methods.values() for of in seeds for folder in of.values()):
        try:
            for cell in (CLEAN, *map(Cell.from_key, read_summary(folder)["cells"])):
                RunFolder(folder).read_table(cell)
        except UserError as error:
            found[runs[folder]] = str(error)
    return found


def _compare(campaign: Campaign, chosen: Chosen, name: str, part: Part | None, n_resamples: int) -> PartOutcome:
    across = _compare_all(chosen, part, n_resamples)
    pairs = tuple(
        PairOutcome(pair, _compare_two(chosen.suites, two, part, n_resamples))
        for pair, two in list_pairs(campaign, chosen)
        if None not in two.values()
    )
    return PartOutcome(name, "" if part is None else part.places, across.first.n_images, across, pairs)


def _compare_two(
    suites: Sequence[str], two: Mapping[str, list[dict[str, Path]] | None], part: Part | None, n_resamples: int
) -> tuple[Comparison, ...]:
    """Return two methods side by side, on each suite."""
    return tuple(
        compare_groups({name: [of[suite] for of in seeds or ()] for name, seeds in two.items()}, n_resamples, part=part)
        for suite in suites
    )


def _compare_all(chosen: Chosen, part: Part | None, n_resamples: int) -> AcrossSuites:
    named = {call_method(*method): of for method, of in chosen.methods.items()}
    if chosen.are_groups:
        groups = {name: [folder for of in seeds for folder in of.values()] for name, seeds in named.items()}
        return compare_groups_on_suites(groups, n_resamples, part=part)
    folders = [folder for seeds in named.values() for folder in seeds[0].values()]
    return compare_suites(folders, n_resamples, list(named), part=part)
