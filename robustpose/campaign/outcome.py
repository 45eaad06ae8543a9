"""What a campaign has found: its methods by suites, as groups of trainings, on all images and on parts of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from robustpose.campaign.file import Campaign
from robustpose.campaign.runs import Run, call_method, list_ways
from robustpose.campaign.table import Table
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.results.across import AcrossSuites
from robustpose.results.compare_suites import compare_groups_on_suites, compare_suites
from robustpose.results.compared import Comparison
from robustpose.results.groups import LEAST, compare_groups
from robustpose.results.one_model import identify_model
from robustpose.results.outcome import ALL_IMAGES, Outcome, PairOutcome, PartOutcome
from robustpose.results.parts import Part, read_part
from robustpose.results.run_images import list_ids
from robustpose.results.summary import read_summary

Method = tuple[str, str | None]  # a training, and the way in which its networks are used
Methods = dict[Method, list[dict[str, Path]]]  # of each seed: the folders of its runs by suite


def find_outcome(table: Table, name: str, n_resamples: int, data: DataSpec | None = None) -> Outcome:
    """Return what a campaign has found so far.

    `data` are those of the benches, which tell the images of parts that are files; by default as the runs noted them.

    A method takes part with the seeds of which all benches are done, once there are two of them. While no two methods
    have two, the networks of the seed that most of them have are compared one by one. What cannot be compared is said
    in the notes.
    """
    methods, notes = _gather(table)
    methods, twins = _leave_twins_out(methods)
    notes += twins
    parts: list[PartOutcome] = []
    find_ids = partial(list_ids, [folder for of in methods.values() for seed in of for folder in seed.values()], data)
    wanted = {ALL_IMAGES: None, **table.campaign.parts}
    for part, text in wanted.items() if len(methods) > 1 else ():
        try:
            chosen = None if text is None else read_part(text, find_ids)
            parts.append(_compare(table.campaign, methods, part, chosen, n_resamples))
        except UserError as error:
            notes.append(f"{part}: left out, for it cannot be compared: {error}")
    return Outcome(name, table.list_states(), tuple(parts), tuple(notes))


def _gather(table: Table) -> tuple[Methods, list[str]]:
    """Return of each method the folders by suite of each seed that is complete, and notes on what is left out."""
    complete: dict[Method, dict[int, dict[str, Path]]] = {}
    benches: dict[tuple[str, str | None, int], list[Run]] = {}
    for run in table.runs:
        if not run.is_training:
            benches.setdefault((run.training, run.way, run.seed), []).append(run)
    for way in list_ways(table.campaign):
        for training in table.campaign.trainings:
            of_seeds = complete.setdefault((training, way), {})
            for seed in table.campaign.seeds:
                runs = benches[training, way, seed]
                if all(run in table.done for run in runs):
                    of_seeds[seed] = {str(run.suite): table.out / run.folder for run in runs}
    if len(complete) == 1:
        return {}, ["there is one method, and comparing takes two: the scores of its runs are in their folders"]
    groups = {method: list(of.values()) for method, of in complete.items() if len(of) >= LEAST}
    if len(groups) > 1:
        return groups, list(_note_lacks(complete, groups, len(table.campaign.seeds)))
    seeds = table.campaign.seeds
    seed = max(seeds, key=lambda seed: (sum(seed in of for of in complete.values()), -seeds.index(seed)))
    singles = {method: [of[seed]] for method, of in complete.items() if seed in of}
    if len(singles) < 2:
        return {}, ["methods are compared once two of them have all benches of a seed"] * bool(table.done)
    return singles, [
        *_note_lacks(complete, singles, 1),
        f"one training each, of seed {seed}: intervals are over images alone, and say nothing of other trainings",
    ]


def _leave_twins_out(methods: Methods) -> tuple[Methods, list[str]]:
    """Return methods without those that have a network, and a way of using it, of an earlier one; notes on these."""
    kept: Methods = {}
    notes = []
    owners: dict[str, Method] = {}
    for method, seeds in methods.items():
        found = [identify_model(read_summary(next(iter(of.values())))) for of in seeds]
        twin = next((owners[identity] for identity in found if identity in owners), None)
        if twin is not None:
            notes.append(
                f"left out: {call_method(*method)}, whose network is used as {call_method(*twin)} is, the same"
            )
            continue
        kept[method] = seeds
        owners.update({identity: method for identity in found if identity is not None})
    return kept, notes


def _note_lacks(complete: Mapping[Method, Mapping[int, Any]], kept: Methods, n_seeds: int) -> Iterator[str]:
    lacking = [call_method(*method) for method in complete if method not in kept]
    fewer = [call_method(*method) for method in kept if len(kept[method]) < n_seeds]
    if lacking:
        yield f"left out until more of it is done: {', '.join(lacking)}"
    if fewer:
        yield f"not all of {n_seeds} seeds are done of: {', '.join(fewer)}"


def _compare(campaign: Campaign, methods: Methods, name: str, part: Part | None, n_resamples: int) -> PartOutcome:
    are_groups = min(map(len, methods.values())) >= LEAST
    across = _compare_all(methods, part, n_resamples, are_groups)
    pairs = []
    for pair, (reference, other) in campaign.comparisons.items() if are_groups else ():
        for way in list_ways(campaign):
            two = {call_method(one, way): methods.get((one, way)) for one in (reference, other)}
            if None not in two.values():
                pairs.append(PairOutcome(call_method(pair, way), _compare_two(campaign, two, part, n_resamples)))
    return PartOutcome(name, "" if part is None else part.places, across.first.n_images, across, tuple(pairs))


def _compare_two(
    campaign: Campaign, two: Mapping[str, list[dict[str, Path]] | None], part: Part | None, n_resamples: int
) -> tuple[Comparison, ...]:
    """Return two methods side by side, on each suite."""
    return tuple(
        compare_groups({name: [of[suite] for of in seeds or ()] for name, seeds in two.items()}, n_resamples, part=part)
        for suite in campaign.suites
    )


def _compare_all(methods: Methods, part: Part | None, n_resamples: int, are_groups: bool) -> AcrossSuites:
    named = {call_method(*method): of for method, of in methods.items()}
    if are_groups:
        groups = {name: [folder for of in seeds for folder in of.values()] for name, seeds in named.items()}
        return compare_groups_on_suites(groups, n_resamples, part=part)
    folders = [folder for seeds in named.values() for folder in seeds[0].values()]
    return compare_suites(folders, n_resamples, list(named), part=part)
