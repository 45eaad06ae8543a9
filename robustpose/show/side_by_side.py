"""Runs side by side in the terminal: columns for a few of them, a line each for many; then the verdict."""

from __future__ import annotations

from robustpose.printing import print_aside, print_line, print_table
from robustpose.results.compared import Comparison
from robustpose.show.inline import spell_difference
from robustpose.show.terminal import print_verdict

MOST_IN_COLUMNS = 4  # runs
WIDTH = 140  # letters, where there is no terminal
LEADERS = "* best, or not distinguishable from it (none where that is all of them)"


def print_differences(comparison: Comparison) -> None:
    """Print the scores of runs in percent, with their differences to the first one, and what they say in words."""
    level = "; 95 % intervals" * bool(comparison.resamples)
    title = f"{comparison.metric} in percent on {comparison.dataset}, {comparison.of_images}{level}"
    legend = ";  ".join(filter(None, (comparison.note_on_groups, comparison.note_on_marks, LEADERS)))
    (_print_columns if len(comparison.names) <= MOST_IN_COLUMNS else _print_lines)(comparison, title, legend)
    for note in comparison.notes:
        print_line(f"note: {note}")
    print_verdict(comparison.verdict)
    for text in comparison.warnings:
        print_aside(f"warning: {text}")


def _print_columns(comparison: Comparison, title: str, legend: str) -> None:
    """Print a line for each score: the headline, groups, corruptions, and what is scored alone."""
    for letter, name in zip(comparison.letters, comparison.titles, strict=True):
        print_line(f"{letter}: {name}")
    titles = ["", *comparison.letters, *(f"{letter} − A" for letter in comparison.letters[1:])]
    rows, n_corruptions = [], sum(row.kind == "corruption" for row in comparison.rows)
    for row in comparison.rows:
        values = [comparison.spell_marked(row, run) for run in range(len(row.values))]
        if row.kind != "cell" and not (row.kind == "chosen" and n_corruptions == 1):
            rows.append([comparison.label(row), *values, *map(spell_difference, row.differences[1:])])
    print_table(title, titles, rows, WIDTH, legend=legend)


def _print_lines(comparison: Comparison, title: str, legend: str) -> None:
    """Print a line for each run, with its headline: columns of so many runs would not fit."""
    rows = [row for row in comparison.rows if row.kind in ("headline", "chosen", "unseen")]
    rows = [row for row in rows if any(value is not None for value in row.values)]
    titles = ["", "run", *(words for row in rows for words in (comparison.label(row), "− A"))]
    lines = []
    for run, name in enumerate(comparison.titles):
        pairs = [(comparison.spell_marked(row, run), spell_difference(row.differences[run])) for row in rows]
        lines.append([comparison.letters[run], name, *(words for pair in pairs for words in pair)])
    print_table(title, titles, lines, WIDTH, texts=(0, 1), legend=legend)
    print_line("groups, corruptions and cells of so many runs are on the page")
