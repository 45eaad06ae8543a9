"""The report of a campaign as Markdown: every table in full, to be pasted into a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from robustpose.results.outcome import Outcome, PartOutcome
from robustpose.results.spelling import spell_markdown, tabulate_markdown
from robustpose.show.campaign_tables import (
    TextTable,
    describe_scores,
    list_remarks,
    list_terms,
    list_warnings,
    name_part,
    name_sides,
    tabulate_differences,
    tabulate_pair,
    tabulate_progress,
    tabulate_runs,
    tabulate_scores,
    tabulate_setup,
    tabulate_suite,
    tell_progress,
)

MARKDOWN_BEGINS = "# Campaign "

Lines = Iterator[Sequence[str]]


def campaign_to_markdown(outcome: Outcome) -> str:
    """Return all tables of a campaign as Markdown of GitHub, a section for each part of the images."""
    return "\n".join(line for block in _list_blocks(outcome) for line in (*block, ""))


def _list_blocks(outcome: Outcome) -> Lines:
    yield [f"{MARKDOWN_BEGINS}{spell_markdown(outcome.name)}"]
    yield [spell_markdown(f"{tell_progress(outcome)}.")]
    yield from _list_points(f"Could be wrong: {text}" for text in list_warnings(outcome))
    for part in outcome.parts:
        yield from _write_part(part)
    yield ["## Trainings and benches"]
    yield from _write_table(tabulate_progress(outcome.runs))
    if (setup := tabulate_setup(outcome)).rows:
        yield from _write_table(setup)
    if not outcome.parts and (alone := tabulate_runs(outcome.runs)).rows:
        yield from _write_table(alone)
    failed = [run for run in outcome.runs if run.state == "failed"]
    yield from _list_points(
        f"{run.training}, seed {run.seed}, {'training' if run.bench is None else run.bench}: failed"
        f"{f': {run.note}' if run.note else ''}"
        for run in failed
    )
    if notes := list_remarks(outcome):
        yield ["## Notes"]
        yield from _list_points(notes)


def _write_part(part: PartOutcome) -> Lines:
    name = name_part(part)
    yield [f"## {spell_markdown(name[:1].upper() + name[1:])}"]
    yield [spell_markdown(f"{describe_scores(part)}.")]
    yield from _list_points(part.across.verdict)
    yield ["### Methods by suites"]
    yield from _write_table(tabulate_scores(part))
    yield from _list_points(f"{term}: {words}" for term, words in list_terms(part.across))
    differences = tabulate_differences(part)
    if differences.rows:
        yield [f"### {spell_markdown(f'Differences to {part.across.names[0]}, in points')}"]
        yield from _write_table(differences)
        for comparison in part.across.comparisons:
            table = tabulate_suite(part, comparison)
            yield [f"### {spell_markdown(table.title)}"]
            yield from _write_table(table)
    for pair in part.pairs:
        if not pair.by_suite:
            continue
        yield [f"### {spell_markdown(f'{pair.name}: {name_sides(pair.by_suite[0])}')}"]
        for comparison in pair.by_suite:
            table = tabulate_pair(comparison)
            yield [spell_markdown(f"{table.title}:")]
            yield from _write_table(table)


def _write_table(table: TextTable) -> Lines:
    """Yield a table, and below it what its signs mean; its title is that of the section."""
    yield tabulate_markdown(table.titles, table.rows, 1)
    if table.legend:
        yield [spell_markdown(f"{table.legend[:1].upper()}{table.legend[1:]}.")]


def _list_points(texts: Iterable[str]) -> Lines:
    points = [f"- {spell_markdown(text)}" for text in texts]
    if points:
        yield points
