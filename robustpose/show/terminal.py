"""What the terminal shows: progress bars on a terminal, a line now and then elsewhere, and the table at the end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import rich.progress

from robustpose.errors import spell_list
from robustpose.printing import MOST_IN_TABLE, is_quiet, make_console, one_line, print_aside, print_line, print_table
from robustpose.progress import Progress
from robustpose.results.rows import (
    CHANGES,
    CHANGES_NOTE,
    Interval,
    Row,
    explain_no_mean,
    model_name,
    percent,
    row_of_chosen,
    rows_of,
    tabulate_cells,
    tabulate_changes,
    tabulate_cuts,
    title_metric,
)
from robustpose.results.scored import count_title, list_notes
from robustpose.results.seen import mark_seen, read_seen, seen_in_run, tell_seen
from robustpose.results.unseen import row_of_unseen

if TYPE_CHECKING:
    from robustpose.results.leaderboard import Board

# What a command is at, by the label of its progress: in words, and what is counted.
LABELS = {
    "detect": ("detecting", "images"),
    "predict": ("predicting", "images"),  # of all cells: every image counts once in each
    "score": ("scoring", "cells"),
    "training": ("training", "steps"),
    "corrupting": ("corrupting", "images"),
    "stylising": ("stylising", "images"),
    "checking": ("checking", "images"),
    "trying": ("trying", "kinds of runs"),
    "campaign": ("campaign", "runs"),
}
SECONDS_BETWEEN_LINES = 20.0
MOST_CUTS = 20  # rows of a table
LONGEST_BAR, SHORTEST_BAR = 40, 6  # letters
GAP = "  "  # between the words of a note
TYPICAL_WIDTH = 120  # of lines where there is no terminal

Show = Callable[[str, Progress], None]  # (label, progress): see `progress_display`


@contextmanager
def work_progress(label: str) -> Iterator[Callable[[Progress], None]]:
    """Give a function that shows the progress of one kind of work, on standard error."""
    with progress_display() as show:
        yield partial(show, label)


@contextmanager
def progress_display() -> Iterator[Show]:
    """Give ``show(label, progress)``: on standard error, a live bar, a line now and then, or nothing if quiet."""
    if is_quiet():
        yield lambda label, progress: None
        return
    console = make_console(sys.stderr)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        yield _line_printer()
        return
    bar = rich.progress.BarColumn(bar_width=LONGEST_BAR)
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        bar,
        rich.progress.TextColumn("{task.fields[words]}", markup=False),
    )
    with rich.progress.Progress(*columns, console=console) as live:
        tasks: dict[str, Any] = {}

        def show(label: str, progress: Progress) -> None:
            doing, unit = LABELS.get(label, (label, ""))
            doing = one_line(doing, 20)
            if label not in tasks:
                tasks[label] = live.add_task(doing, total=progress.total, words="")
            room = console.width - len(doing) - 2 - 3  # two gaps; columns for ^C, which would make a line of its own
            words = describe_progress(progress, unit, room - SHORTEST_BAR)
            bar.bar_width = max(SHORTEST_BAR, min(LONGEST_BAR, room - len(words)))
            live.update(tasks[label], completed=progress.done, total=progress.total, words=words)

        yield show


def describe_progress(progress: Progress, unit: str, width: int) -> str:
    """Return ``3,120/12,236 images  fog/3  2:10 left``, in as many letters as `width`, or without its note.

    Numbers are never cut: of a note, words are left out from its end, and of its first word letters.
    """
    counts = f"{progress.done:,}/{progress.total:,} {unit}".strip()
    left = f"{duration(progress.seconds_left)} left" if progress.seconds_left else ""
    room = width - len(counts) - len(GAP) - (len(GAP) + len(left) if left else 0)
    return GAP.join(filter(None, (counts, _fit_note(one_line(progress.note, MOST_IN_TABLE), room), left)))


def _fit_note(note: str, room: int) -> str:
    first, *others = note.split(GAP)
    if len(first) > room:
        return f"{first[: room - 1]}…" if room > 4 else ""
    for word in others:
        if len(first) + len(GAP) + len(word) > room:
            break
        first += GAP + word
    return first


def _line_printer() -> Show:
    last: dict[str, tuple[float, int]] = {}  # by label: when a line was printed, and how much was done then

    def show(label: str, progress: Progress) -> None:
        now, done, total = time.monotonic(), progress.done, progress.total
        when, done_then = last.get(label, (-math.inf, -1))
        if done == done_then or (done < total and now - when < SECONDS_BETWEEN_LINES):
            return
        last[label] = now, done
        doing, unit = LABELS.get(label, (label, ""))
        print_aside(f"{doing}: {describe_progress(progress, unit, TYPICAL_WIDTH)}")

    return show


def duration(seconds: float) -> str:
    """Return 75.2 as `1:15`."""
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print the scores of a run in percent: a row per corruption, then the means."""
    seen = seen_in_run(summary)
    if summary["corruptions"]:
        titles, lines = tabulate_cells(summary)
        rows = ([mark_seen(name, seen), *(percent(row.value) for row in cells)] for name, cells in lines)
        print_table(f"{title_metric(summary)} in percent, by severity", ["corruption", *titles], rows, 100)
    for kind, (titles, of_kind) in tabulate_cuts(summary).items():
        shown = of_kind if len(of_kind) <= MOST_CUTS else of_kind[: MOST_CUTS - 1]
        rows = (
            [name, f"{n_people:,}", *(f"{percent(row.value)}{_range(row.interval)}" for row in of)]
            for name, n_people, of in shown
        )
        titles = [kind, count_title(kind, summary["provenance"].get("dataset") or {}), *titles]
        print_table(f"{title_metric(summary)} in percent, by {kind}", titles, rows, 100)
        if len(shown) < len(of_kind):
            print_line(f"{len(of_kind) - len(shown)} more are in summary.json and on the page")
    titles, changes = tabulate_changes(summary)
    if changes:
        table = [[name, *map(percent, of)] for name, of in changes]
        print_table(CHANGES, ["corruption", *titles], table, 100, legend=CHANGES_NOTE)
    groups = rows_of(summary, "group")
    width = max([8, *(len(row.label) for row in groups)])
    for row in groups if len(groups) > 1 else []:  # the mean of all says as much
        print_line(f"{row.label:<{width}} {percent(row.value):>5}{_range(row.interval)}")
    notes = list_notes(summary["provenance"].get("dataset") or {}, summary.get("warnings"))
    print_line(f"{model_name(summary)}:  {_headline(summary)}" + (f"   ({', '.join(notes)})" if notes else ""))
    if (chosen := row_of_chosen(summary)) is not None:
        print_line(f"{explain_no_mean(summary)} The mean of these is {percent(chosen.value)}{_range(chosen.interval)}.")
    for sentence in tell_seen(seen, read_seen(summary)):
        print_line(sentence)
    if (unseen := row_of_unseen(summary)) is not None:
        print_line(f"{unseen.label}: {percent(unseen.value)}{_range(unseen.interval)}")
    textures = summary["provenance"].get("frost_textures", "unknown")
    if textures not in ("original", "unused", "unknown"):
        print_line(
            f"frost textures: {textures}; frost scores are not comparable with those "
            "of the original six (robustpose frost install)"
        )


def print_verdict(sentences: Sequence[str]) -> None:
    """Print what a run, or a comparison, found."""
    print_line(f"verdict: {' '.join(sentences)}")


def print_preview(preview: Mapping[str, Any]) -> None:
    """Print an estimate, as one."""
    images, severities = preview["provenance"]["dataset"]["preview"], spell_list(preview["severities"])
    print_line(f"{model_name(preview)}, ESTIMATE from {images} and severities {severities}:  {_headline(preview)}")


def print_comparison(rows: Sequence[Sequence[str]], source: str, differences: Sequence[str]) -> None:
    """Print ours beside a published row, as `compare_with_published` gives it."""
    print_table(f"beside {source}, in percent", ["", "ours", "published", "difference"], rows, 100)
    if differences:
        print_line(f"not the same measurement: {'; '.join(differences)}")


def print_boards(boards: Sequence[Board]) -> None:
    """Print leaderboards, in percent."""
    from robustpose.results.board_identity import tell_boards_apart
    from robustpose.results.leaderboard import describe_seen

    for board, apart in zip(boards, tell_boards_apart(boards), strict=True):
        images = f"{board.data_name}, {board.images}"
        how = f"suite {board.suite.name}, profile {board.protocol['profile']}, boxes {board.protocol['box_protocol']}"
        whole = "" if board.is_complete else f", incomplete: {board.covers}"
        has_seen = any(entry.seen for entry in board.entries)
        titles = ["", "model", *(row.label for row in board.entries[0].leading(board.headline))]
        titles += ["seen in training", "run"] if has_seen else ["run"]
        rows = []
        for rank, entry in enumerate(board.entries, 1):
            scores = [f"{percent(row.value)}{_range(row.interval)}" for row in entry.leading(board.headline)]
            seen = [describe_seen(entry)] if has_seen else []
            rows.append([str(rank), entry.name, *scores, *seen, entry.run])
        title = ", ".join([f"{board.metric} in percent on {images}, {how}{whole}", *apart])
        print_table(title, titles, rows, 120, texts=(0, 1, len(titles) - 1))


def _headline(summary: Mapping[str, Any]) -> str:
    rows: Sequence[Row] = rows_of(summary, "headline")
    return "   ".join(f"{row.label} {percent(row.value)}{_range(row.interval)}" for row in rows)


def _range(interval: Interval | None) -> str:
    """Return an interval in percent, for behind its score."""
    return "" if interval is None else f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
