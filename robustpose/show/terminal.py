"""What the terminal shows: progress bars on a terminal, a line now and then elsewhere, and the table at the end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robustpose.progress import Progress
    from robustpose.results.compare import Comparison, Difference
    from robustpose.results.leaderboard import Board

LABELS = {"predict": "predicting", "score": "scoring"}
SECONDS_BETWEEN_LINES = 20.0


@contextmanager
def bench_progress() -> Iterator[Callable[[str, Progress], None]]:
    """Give a function that shows the progress of a bench, on standard error."""
    with progress_display() as show:

        def on_progress(what: str, progress: Progress) -> None:
            show(LABELS[what], progress.done, progress.total, progress.seconds_left, "")

        yield on_progress


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

    from robustpose.results.rows import headline, model_name, percent, severities_of

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
    intervals = summary.get("intervals") or {}
    for group, value in summary["groups"].items():
        console.print(f"{group:<8} {percent(value):>5}{_range(intervals.get('groups', {}).get(group))}")
    ranges = [_range(intervals.get(name)) for name in ("clean", "mPC", "rPC")]
    figures = "   ".join(
        f"{name} {percent(value)}{among}" for (name, value), among in zip(headline(summary), ranges, strict=True)
    )
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


def print_preview(preview: Mapping[str, Any]) -> None:
    """Print an estimate, as one."""
    from robustpose.results.rows import model_name, percent

    intervals = preview["intervals"] or {}
    figures = "   ".join(
        f"{title} {percent(preview[name])}{_range(intervals.get(name))}"
        for title, name in ((f"{preview['metric']}*", "clean"), ("mPC", "mPC"), ("rPC", "rPC"))
    )
    of = preview["provenance"]["dataset"]["preview"]
    print(f"{model_name(preview)}, ESTIMATE from {of} and severities 1, 3 and 5:  {figures}")


def _range(interval: Sequence[float] | None) -> str:
    """Return an interval in percent, for behind its figure."""
    return "" if interval is None else f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def print_comparison(rows: list[tuple[str, float | None, float]], source: str, differences: list[str]) -> None:
    """Print ours beside a published row, in percent."""
    from rich.console import Console
    from rich.table import Table

    from robustpose.results.recipe import write_row

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


def print_differences(comparison: Comparison) -> None:
    """Print the figures of runs side by side: headline, groups and corruptions, in percent."""
    from rich.console import Console
    from rich.table import Table

    from robustpose.results.compare import run_letter
    from robustpose.results.rows import percent

    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False, markup=False)
    for number, name in enumerate(comparison.names):
        console.print(f"{run_letter(number)}: {name}", soft_wrap=True)
    title = f"{comparison.metric} in percent on {comparison.dataset}, {comparison.n_images} images; 95 % intervals"
    table = Table(title=title, title_justify="left", caption=LEGEND, caption_justify="left")
    table.add_column("")
    for number in range(len(comparison.names)):
        table.add_column(run_letter(number), justify="right")
    for number in range(1, len(comparison.names)):
        table.add_column(f"{run_letter(number)} − A", justify="right")
    for row in comparison.rows:
        if row.kind == "cell":
            continue
        values = [
            f"{'*' if number in row.leaders and len(row.leaders) < len(row.values) else ''}{percent(value)}"
            for number, value in enumerate(row.values)
        ]
        apart = ["–" if d is None else _difference(d) for d in row.differences[1:]]
        table.add_row(row.name, *values, *apart)
    console.print(table)
    for note in comparison.notes:
        console.print(f"note: {note}", soft_wrap=True)


LEGEND = "≈ not distinguishable: the interval of the paired difference holds 0;  * best, or not distinguishable from it"


def _difference(difference: Difference) -> str:
    mark = "  " if difference.is_distinguishable else "≈ "
    return f"{mark}{100 * difference.value:+.1f}{_range(difference.interval)}"


def print_boards(boards: Sequence[Board]) -> None:
    """Print leaderboards, in percent."""
    from rich.console import Console
    from rich.table import Table

    from robustpose.results.rows import percent

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False)
    for board in boards:
        images = f"{board.dataset.get('name')}, {board.dataset.get('n_images')} images"
        how = f"profile {board.protocol['profile']}, boxes {board.protocol['box_protocol']}"
        whole = "" if board.is_complete else ", incomplete"
        table = Table(title=f"{board.metric} in percent on {images}, {how}{whole}", title_justify="left")
        table.add_column("")
        table.add_column("model", overflow="fold")
        for name in ("mPC", f"{board.metric}*", "rPC"):
            table.add_column(name, justify="right")
        table.add_column("run", overflow="fold")
        for rank, entry in enumerate(board.entries, 1):
            figures = [
                f"{percent(value)}{_range(entry.intervals[name])}"
                for name, value in (("mPC", entry.mpc), ("clean", entry.clean), ("rPC", entry.rpc))
            ]
            table.add_row(str(rank), entry.name, *figures, entry.file)
        console.print(table)
