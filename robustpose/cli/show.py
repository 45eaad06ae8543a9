"""What the terminal shows: progress bars on a terminal, a line now and then elsewhere, and the table at the end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robustpose.progress import Progress

LABELS = {"predict": "predicting", "score": "scoring"}
SECONDS_BETWEEN_LINES = 20.0


@contextmanager
def bench_progress() -> Iterator[Callable[[str, Progress], None]]:
    """Give a function that shows the progress of a bench, on standard error."""
    with progress_display() as show:

        def report(what: str, progress: Progress) -> None:
            show(LABELS[what], progress.done, progress.total, progress.seconds_left, "")

        yield report


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
    from rich.console import Console
    from rich.table import Table

    from robustpose.results.tables import headline, model_name, percent, severities_of

    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    if summary["corruptions"]:
        severities = severities_of(summary)
        table = Table(title=f"{summary['metric']} in percent, by severity", title_justify="left")
        table.add_column("corruption")
        for name in ["mean", *map(str, severities)]:
            table.add_column(name, justify="right")
        for name, mean in summary["corruptions"].items():
            cells = [percent(summary["cells"].get(f"{name}/{severity}")) for severity in severities]
            table.add_row(name, percent(mean), *cells)
        console.print(table)
    for group, value in summary["groups"].items():
        console.print(f"{group:<8} {percent(value):>5}")
    figures = "   ".join(f"{name} {percent(value)}" for name, value in headline(summary))
    console.print(f"{model_name(summary)}:  {figures}", markup=False, soft_wrap=True)
    if summary["mPC"] is None and summary["mean_of_chosen"] is not None:
        mean = percent(summary["mean_of_chosen"])
        console.print(f"mPC and rPC need all 75 cells; mean of the chosen ones ({len(summary['cells'])}): {mean}")
    if summary["provenance"]["frost_textures"] not in ("original", "unused", "unknown"):
        console.print(
            f"frost textures: {summary['provenance']['frost_textures']}; frost scores are not comparable with those "
            "of the original six (robustpose frost install)",
            soft_wrap=True,
        )


def print_comparison(rows: list[tuple[str, float | None, float]], source: str, differences: list[str]) -> None:
    """Print ours beside a published row, in percent."""
    from rich.console import Console
    from rich.table import Table

    from robustpose.bench.recipe import write_row

    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False, markup=False)
    table = Table(title=f"beside {source}, in percent", title_justify="left")
    table.add_column("")
    for name in ("ours", "published", "difference"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*write_row(row))
    console.print(table)
    if differences:
        console.print(f"not the same measurement: {'; '.join(differences)}", soft_wrap=True)
