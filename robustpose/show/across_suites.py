"""Models by suites in the terminal: scores with intervals, then what is gained on one suite beside that on others."""

from __future__ import annotations

from robustpose.printing import print_aside, print_line, print_table
from robustpose.results.across import AcrossSuites
from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.held_gains import Gain
from robustpose.results.rows import Interval
from robustpose.show.inline import spell_difference
from robustpose.show.side_by_side import MOST_IN_COLUMNS, WIDTH
from robustpose.show.terminal import print_verdict


def print_across(across: AcrossSuites) -> None:
    """Print the scores of models on suites in percent, what they gain on each, and what that says in words."""
    first = across.first
    for letter, name in zip(across.letters, first.titles, strict=True):
        print_line(f"{letter}: {name}")
    level = "; 95 % intervals" * bool(first.resamples)
    title = f"{first.metric} in percent on {first.dataset}, {across.of_images}{level}"
    columns = across.overview
    if len(across.names) <= MOST_IN_COLUMNS:
        titles = ["", *across.letters, *(f"{letter} − A" for letter in across.letters[1:])]
        rows = [
            [title_column(across, *column), *spell_scores(column[1]), *map(spell_difference, column[1].differences[1:])]
            for column in columns
        ]
    else:
        titles = ["", *(title_column(across, *column) for column in columns)]
        of_models = zip(*(spell_scores(row) for _, row in columns), strict=True)
        rows = [[letter, *scores] for letter, scores in zip(across.letters, of_models, strict=True)]
    legend = ";  ".join(filter(None, (first.note_on_groups, first.note_on_marks)))
    print_table(title, titles, rows, WIDTH, legend=legend if len(across.names) > 1 else None)
    if across.gains:
        print_gains(across)
    for note in across.notes:
        print_line(f"note: {note}")
    print_verdict(across.verdict)
    for text in across.warnings:
        print_aside(f"warning: {text}")


def print_gains(across: AcrossSuites) -> None:
    """Print of each model what it gains over the first one on a suite, and on each other one."""
    base = across.first.suite.name
    titles = ["", "on", f"gain on {base}", "gain there", "difference", "held"]
    held = f"held: the gain there in parts of that on {base}, where all of its interval is above 0"
    print_table("gains over A in points", titles, list_gains(across), WIDTH, texts=(0, 1), legend=held)


def list_gains(across: AcrossSuites) -> list[list[str]]:
    """Return the table of gains: model, other suite, gain on the known suite, gain there, difference, and the share."""
    return [
        [
            across.letters[gain.model],
            across.find_suite(gain.suite).suite.name,
            *map(spell_difference, (gain.known, gain.other, gain.change)),
            spell_share(gain),
        ]
        for gain in across.gains
    ]


def title_column(across: AcrossSuites, comparison: Comparison, row: ComparedRow) -> str:
    """Return what a column of the table of models by suites is called, such as `c-bar mPCB`."""
    return row.name if row == across.clean else f"{comparison.suite.name} {across.label(comparison, row)}"


def spell_scores(row: ComparedRow) -> list[str]:
    """Return the score of each model with its interval, in percent."""
    return [f"{row.spell(run)}{spell_interval(row.intervals[run])}" for run in range(len(row.values))]


def spell_interval(interval: Interval | None) -> str:
    """Return an interval in percent behind its score; nothing for none."""
    return "" if interval is None else f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def spell_share(gain: Gain) -> str:
    """Return which part of a gain holds, such as `33 % [12, 55]`; a dash where no gain is shown that could hold."""
    if gain.share is None:
        return "–"
    words = f"{100 * gain.share:.0f} %"
    if gain.share_interval is None:
        return f"? {words}"
    low, high = gain.share_interval
    return f"{words} [{100 * low:.0f}, {100 * high:.0f}]"
