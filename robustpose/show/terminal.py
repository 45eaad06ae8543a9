"""What the terminal shows: progress bars on a terminal, a line now and then elsewhere, and the table at the end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from robustpose.progress import Progress
    from robustpose.results.compare import Comparison, Difference
    from robustpose.results.leaderboard import Board
    from robustpose.results.rows import Row

LABELS = {"predict": "predicting", "score": "scoring"}
SECONDS_BETWEEN_LINES = 20.0


@contextmanager
def bench_progress() -> Iterator[Callable[[str, Progress], None]]:
    """Give a function that shows the progress of a bench, on standard error."""
    with progress_display() as show:
        yield lambda what, progress: show(LABELS[what], progress.done, progress.total, progress.seconds_left, "")


@contextmanager
def work_progress(label: str) -> Iterator[Callable[[Progress], None]]:
    """Give a function that shows the progress of one kind of work, on standard error."""
    with progress_display() as show:
        yield lambda progress: show(label, progress.done, progress.total, progress.seconds_left, "")


@contextmanager
def progress_display() -> Iterator[Callable[[str, int, int, float | None, str], None]]:
    """Give ``show(label, done, total, seconds_left, note)``: a live bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _line_printer()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def show(label: str, done: int, total: int, seconds_left: float | None, note: str) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total, left="", note="")
            left = f"{duration(seconds_left)} left" if seconds_left else ""
            bar.update(tasks[label], completed=done, total=total, left=left, note=note)

        yield show


def _line_printer() -> Callable[[str, int, int, float | None, str], None]:
    last: dict[str, tuple[float, int]] = {}  # by label: when a line was printed, and how much was done then

    def show(label: str, done: int, total: int, seconds_left: float | None, note: str) -> None:
        now = time.monotonic()
        when, done_then = last.get(label, (-math.inf, -1))
        if done == done_then or (done < total and now - when < SECONDS_BETWEEN_LINES):
            return
        last[label] = now, done
        left = f", {duration(seconds_left)} left" if seconds_left else ""
        print(f"{label}: {done}/{total}{left}{'  ' + note if note else ''}", file=sys.stderr, flush=True)

    return show


def duration(seconds: float) -> str:
    """Return 75.2 as `1:15`."""
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"


def about_duration(seconds: float) -> str:
    """Return 700 as `12 minutes`: for guesses."""
    if seconds < 90:
        return "1 second" if round(seconds) <= 1 else f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 90 * 60 else f"{seconds / 3600:.1f} hours"


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print the scores of a run in percent: a row per corruption, then the means."""
    from robustpose.results.rows import explain_no_mean, model_name, percent, rows_of, tabulate_cells

    if summary["corruptions"]:
        titles, lines = tabulate_cells(summary)
        table = _make_table(f"{summary['metric']} in percent, by severity", "corruption", *titles)
        for name, rows in lines:
            table.add_row(name, *(percent(row.value) for row in rows))
        _print(table, width=100)
    for row in rows_of(summary, "group"):
        _print(f"{row.label:<8} {percent(row.value):>5}{_range(row.interval)}")
    _print(f"{model_name(summary)}:  {_headline(rows_of(summary, 'headline'))}")
    if summary["mean_of_chosen"] is not None:
        _print(f"{explain_no_mean(summary)} The mean of these is {percent(summary['mean_of_chosen'])}.")
    if summary["provenance"]["frost_textures"] not in ("original", "unused", "unknown"):
        _print(
            f"frost textures: {summary['provenance']['frost_textures']}; frost scores are not comparable with those "
            "of the original six (robustpose frost install)"
        )


def print_preview(preview: Mapping[str, Any]) -> None:
    """Print an estimate, as one."""
    from robustpose.errors import spell_list
    from robustpose.results.rows import model_name, rows_of

    of = preview["provenance"]["dataset"]["preview"]
    severities = spell_list(preview["severities"])
    scores = _headline(rows_of(preview, "headline"))
    print(f"{model_name(preview)}, ESTIMATE from {of} and severities {severities}:  {scores}")


def print_comparison(rows: Sequence[Sequence[str]], source: str, differences: Sequence[str]) -> None:
    """Print ours beside a published row, as `compare_with_published` gives it."""
    table = _make_table(f"beside {source}, in percent", "", "ours", "published", "difference")
    for row in rows:
        table.add_row(*row)
    _print(table, width=100)
    if differences:
        _print(f"not the same measurement: {'; '.join(differences)}")


def print_differences(comparison: Comparison) -> None:
    """Print the scores of runs side by side: headline, groups and corruptions, in percent."""
    from robustpose.results.compare import run_letter
    from robustpose.results.rows import percent

    letters = [run_letter(number) for number in range(len(comparison.names))]
    for letter, name in zip(letters, comparison.names, strict=True):
        _print(f"{letter}: {name}")
    title = f"{comparison.metric} in percent on {comparison.dataset}, {comparison.n_images} images; 95 % intervals"
    table = _make_table(title, "", *letters, *(f"{letter} − A" for letter in letters[1:]))
    table.caption, table.caption_justify = LEGEND, "left"
    for row in comparison.rows:
        if row.kind == "cell":
            continue
        values = [
            f"{'*' if number in row.leaders and len(row.leaders) < len(row.values) else ''}{percent(value)}"
            for number, value in enumerate(row.values)
        ]
        table.add_row(row.name, *values, *map(_difference, row.differences[1:]))
    _print(table, width=140)
    for note in comparison.notes:
        _print(f"note: {note}")


LEGEND = "≈ not distinguishable: the interval of the paired difference holds 0;  * best, or not distinguishable from it"


def print_boards(boards: Sequence[Board]) -> None:
    """Print leaderboards, in percent."""
    from robustpose.results.rows import percent

    for board in boards:
        images = f"{board.dataset.get('name')}, {board.dataset.get('n_images')} images"
        how = f"suite {board.suite.name}, profile {board.protocol['profile']}, boxes {board.protocol['box_protocol']}"
        whole = "" if board.is_complete else ", incomplete"
        labels = [row.label for row in board.entries[0].rows["headline"]]
        table = _make_table(f"{board.metric} in percent on {images}, {how}{whole}", "", "model", *labels, "run")
        for column in (table.columns[1], table.columns[-1]):
            column.justify, column.overflow = "left", "fold"
        for rank, entry in enumerate(board.entries, 1):
            scores = [f"{percent(row.value)}{_range(row.interval)}" for row in entry.rows["headline"]]
            table.add_row(str(rank), entry.name, *scores, entry.file)
        _print(table, width=120)


def _make_table(title: str, first: str, *others: str) -> Table:
    """Return a table whose first column is of names and whose others are of numbers."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _print(what: Table | str, width: int | None = None) -> None:
    """Print a line as it is, or a table as wide as the terminal; `width` letters wide where there is none."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else width, highlight=False, markup=False)
    console.print(what, soft_wrap=isinstance(what, str))


def _headline(rows: Sequence[Row]) -> str:
    from robustpose.results.rows import percent

    return "   ".join(f"{row.label} {percent(row.value)}{_range(row.interval)}" for row in rows)


def _range(interval: Sequence[float] | None) -> str:
    """Return an interval in percent, for behind its score."""
    return "" if interval is None else f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return "–"
    mark = "  " if difference.is_distinguishable else "≈ "
    return f"{mark}{100 * difference.value:+.1f}{_range(difference.interval)}"
