"""Methods: which of a campaign's networks are compared, on which suites, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustpose.campaign.file import Campaign
from robustpose.campaign.method_names import Method, call_method, list_ways
from robustpose.campaign.runs import Run
from robustpose.campaign.table import Table
from robustpose.errors import first_few, spell_list
from robustpose.results.groups import LEAST
from robustpose.results.one_model import identify_model
from robustpose.results.summary import read_summary

Methods = dict[Method, list[dict[str, Path]]]  # of each seed: the folders of its runs by suite


@dataclass(frozen=True)
class Chosen:
    """What is compared, and what is not: in the notes."""

    methods: Methods  # none where there are not two
    suites: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def are_groups(self) -> bool:
        """Tell whether there are several trainings of each method."""
        return bool(self.methods) and min(map(len, self.methods.values())) >= LEAST


def choose_methods(table: Table) -> Chosen:
    """Return the methods that can be compared.

    A method takes part with the seeds of which all benches are done, once there are two of them. While no two methods
    have two, the networks of the seed that most of them have are compared one by one. While no two methods have all
    suites, those count that two have.
    """
    suites = _find_suites(table)
    methods, notes = _gather(table, suites)
    methods, twins = _leave_twins_out(methods)
    chosen = Chosen(methods, suites)
    notes += [*twins, *_note_others(table, suites), *_note_reference(table.campaign, chosen)]
    return replace(chosen, notes=tuple(notes))


def _find_suites(table: Table) -> tuple[str, ...]:
    """Return the suites on which methods are compared: all; while no two methods have all, those that two have."""
    suites = table.campaign.suites
    if len(suites) == 1 or len(_gather(table, suites)[0]) > 1:
        return suites
    some = tuple(suite for suite in suites if len(_gather(table, (suite,))[0]) > 1)
    return some if len(_gather(table, some)[0]) > 1 else some[:1] or suites


def _gather(table: Table, suites: Sequence[str]) -> tuple[Methods, list[str]]:
    """Return of each method the folders by suite of each seed that is complete, and notes on what is left out."""
    complete: dict[Method, dict[int, dict[str, Path]]] = {}
    benches: dict[tuple[str, str | None, int], list[Run]] = {}
    for run in table.runs:
        if run.suite in suites:
            benches.setdefault((run.training, run.way, run.seed), []).append(run)
    for way in list_ways(table.campaign.ways):
        for training in table.campaign.trainings:
            of_seeds = complete.setdefault((training, way), {})
            for seed in table.campaign.seeds:
                runs = benches.get((training, way, seed), [])
                if runs and all(run in table.done for run in runs):
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
    """Return methods without those whose networks, as they are used, are there twice or in another method."""
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
        known = [identity for identity in found if identity is not None]
        if len(set(known)) < len(known):
            notes.append(f"left out: {call_method(*method)}, which has the same network with more than one seed")
            continue
        kept[method] = seeds
        owners.update({identity: method for identity in found if identity is not None})
    return kept, notes


def _note_others(table: Table, suites: Sequence[str]) -> Iterator[str]:
    """Yield what is not looked at: runs of another setup, and suites."""
    if table.other:
        told = [f"{run.name}: {changes[0]}" for run, changes in table.other.items()]
        yield f"left out, for they were made otherwise than the file says: {first_few(told, 'runs')}"
    if table.removed:
        names = first_few(sorted(run.name for run in table.removed), "trainings")
        yield f"weights are not there any more, and are made again when something needs them: {names}"
    if lacking := [suite for suite in table.campaign.suites if suite not in suites]:
        yield f"no two methods have all benches of {spell_list(lacking)}: compared without"


def _note_reference(campaign: Campaign, chosen: Chosen) -> Iterator[str]:
    """Yield what is compared with another one, or not, since a method is left out."""
    first = (next(iter(campaign.trainings)), list_ways(campaign.ways)[0])
    if len(chosen.methods) > 1 and first not in chosen.methods:
        stand_in = call_method(*next(iter(chosen.methods)))
        yield f"{call_method(*first)}, the first method, is left out: differences are to {stand_in} as long"
    if campaign.comparisons and len(chosen.methods) > 1 and not chosen.are_groups:
        yield "comparisons by corruption begin with two seeds of each method"
    if lacking := [name for name, two in list_pairs(campaign, chosen) if None in two.values()]:
        yield f"comparisons left out until both of their methods are there: {', '.join(lacking)}"


def list_pairs(campaign: Campaign, chosen: Chosen) -> Iterator[tuple[str, dict[str, list[dict[str, Path]] | None]]]:
    """Yield the comparisons of groups: the name, and the two methods; None for one that is left out."""
    for pair, two in campaign.pairs if chosen.are_groups else ():
        yield pair, {call_method(*method): chosen.methods.get(method) for method in two}


def _note_lacks(complete: Mapping[Method, Mapping[int, Any]], kept: Methods, n_seeds: int) -> Iterator[str]:
    lacking = [call_method(*method) for method in complete if method not in kept]
    fewer = [call_method(*method) for method in kept if len(kept[method]) < n_seeds]
    if lacking:
        yield f"left out until more of it is done: {', '.join(lacking)}"
    if fewer:
        yield f"not all of {n_seeds} seeds are done of: {', '.join(fewer)}"
