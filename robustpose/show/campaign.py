"""A campaign in the terminal: what is done, methods by suites, what they differ by, and pairs of them."""

from __future__ import annotations

from dataclasses import replace

from robustpose.printing import print_aside, print_line, print_table
from robustpose.results.outcome import Outcome, PartOutcome
from robustpose.show.campaign_tables import (
    TextTable,
    list_remarks,
    list_warnings,
    name_sides,
    tabulate_brief_pair,
    tabulate_differences,
    tabulate_progress,
    tabulate_runs,
    tabulate_scores,
    tell_progress,
)
from robustpose.show.side_by_side import WIDTH
from robustpose.show.terminal import print_verdict


def print_campaign(outcome: Outcome) -> None:
    """Print what a campaign has found, part by part, all images first; corruptions are in its Markdown and page."""
    if any(run.state != "done" for run in outcome.runs):
        _print(tabulate_progress(outcome.runs))
    for part in outcome.parts:
        _print_part(part)
    if not outcome.parts and (alone := tabulate_runs(outcome.runs)).rows:
        _print(alone)
    for note in list_remarks(outcome):
        print_line(f"note: {note}")
    for run in outcome.runs:
        if run.state == "failed":
            what = "training" if run.bench is None else run.bench
            print_line(f"failed: {run.training}, seed {run.seed}, {what}: {run.note or run.folder}")
    print_line(f"campaign {outcome.name}: {tell_progress(outcome)}")
    for text in list_warnings(outcome):
        print_aside(f"warning: {text}")


def _print_part(part: PartOutcome) -> None:
    _print(tabulate_scores(part))
    differences = tabulate_differences(part)
    if differences.rows:
        _print(differences)
    for pair in part.pairs:
        if pair.by_suite:
            title = f"{part.name}: {pair.name}, {name_sides(pair.by_suite[0])}"
            _print(replace(tabulate_brief_pair(pair.by_suite), title=title))
    print_verdict((f"{part.name}:", *part.across.verdict))


def _print(table: TextTable) -> None:
    print_table(table.title, table.titles, table.rows, WIDTH, texts=table.texts, legend=table.legend or None)
