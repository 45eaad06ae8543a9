"""What a campaign has found: its methods by suites, as groups of trainings, on all images and on parts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from robustpose.campaign.file import Campaign
from robustpose.campaign.run import Table
from robustpose.campaign.runs import Run, call_method, list_ways
from robustpose.results.across import AcrossSuites
from robustpose.results.compare_suites import compare_groups_on_suites, compare_suites
from robustpose.results.compared import Comparison
from robustpose.results.groups import LEAST, compare_groups
from robustpose.results.outcome import ALL_IMAGES, Outcome, PairOutcome, PartOutcome
from robustpose.results.parts import Part, parse_part

Method = tuple[str, str | None]  # a training, and the way in which its networks are used


def find_outcome(table: Table, name: str, n_resamples: int) -> Outcome:
    """Return what a campaign has found so far.

    A method takes part with the seeds of which all benches are done, once there are two of them. While no method has
    two, the networks of the first seed are compared one by one.
    """
    methods, notes = _gather(table)
    parts: list[PartOutcome] = []
    if len(methods) > 1:
        wanted: list[tuple[str, Part | None]] = [(ALL_IMAGES, None)]
        wanted += [(part, parse_part(text)) for part, text in table.campaign.parts.items()]
        parts = [_compare(table.campaign, methods, part, of, n_resamples) for part, of in wanted]
    elif table.done:
        notes.append("methods are compared once there are two of them with all benches of a seed")
    return Outcome(name, table.list_states(), tuple(parts), tuple(notes))


def _gather(table: Table) -> tuple[dict[Method, list[dict[str, Path]]], list[str]]:
    """Return of each method the folders by suite of each seed that is complete, and notes on what is left out."""
    notes = []
    complete: dict[Method, list[dict[str, Path]]] = {}
    for way in list_ways(table.campaign):
        for training in table.campaign.trainings:
            of_seeds = []
            for seed in table.campaign.seeds:
                runs = _find_benches(table.runs, training, way, seed)
                if all(run in table.done for run in runs):
                    of_seeds.append({str(run.suite): table.out / run.folder for run in runs})
            complete[training, way] = of_seeds
    most = max(map(len, complete.values()))
    kept = {method: of for method, of in complete.items() if len(of) >= min(LEAST, most)} if most else {}
    lacking = [call_method(*method) for method in complete if method not in kept]
    fewer = [call_method(*method) for method, of in kept.items() if len(of) < len(table.campaign.seeds)]
    if most and lacking:
        notes.append(f"left out until more seeds of it are done: {', '.join(lacking)}")
    if fewer:
        notes.append(f"not all of {len(table.campaign.seeds)} seeds are done of: {', '.join(fewer)}")
    if most == 1 and len(table.campaign.seeds) > 1:
        kept = {method: of[:1] for method, of in kept.items()}
    if most == 1:
        notes.append("one training each: intervals are over images alone, and say nothing of other trainings")
    return kept, notes


def _find_benches(runs: Sequence[Run], training: str, way: str | None, seed: int) -> list[Run]:
    return [run for run in runs if (run.training, run.way, run.seed) == (training, way, seed) and not run.is_training]


def _compare(
    campaign: Campaign, methods: Mapping[Method, list[dict[str, Path]]], name: str, part: Part | None, n_resamples: int
) -> PartOutcome:
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


def _compare_all(
    methods: Mapping[Method, list[dict[str, Path]]], part: Part | None, n_resamples: int, are_groups: bool
) -> AcrossSuites:
    named = {call_method(*method): of for method, of in methods.items()}
    if are_groups:
        groups = {name: [folder for of in seeds for folder in of.values()] for name, seeds in named.items()}
        return compare_groups_on_suites(groups, n_resamples, part=part)
    folders = [folder for seeds in named.values() for folder in seeds[0].values()]
    return compare_suites(folders, n_resamples, list(named), part=part)
