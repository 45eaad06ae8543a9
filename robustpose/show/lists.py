"""Lists of what there is: wrapped to the terminal's width; a line an entry, for grep, where there is no terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from robustpose.printing import print_line

WIDEST = 120  # letters of a line of prose; longer ones are hard to read
NAME_WIDTH = 26  # letters of a name that has its text beside it


def terminal_width() -> int | None:
    """Return how many letters a line of the terminal holds; None where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_entries(entries: Iterable[tuple[str, str]], piped_width: int = 34) -> None:
    """Print names, and beside each one its text."""
    entries, width = list(entries), terminal_width()
    if width is None:
        for name, text in entries:
            print_line(f"{name:<{piped_width}} {text}")
        return
    column = min(max((len(name) for name, _ in entries), default=0), NAME_WIDTH) + 2
    for name, text in entries:
        beside = len(name) + 2 <= column
        if not beside:
            print_line(name)
        lines = textwrap.wrap(text, max(min(width, WIDEST) - column, 20), break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            print_line(f"{name if beside and not number else '':<{column}}{line}".rstrip())


def print_note(text: str) -> None:
    """Print a sentence about a list."""
    width = terminal_width()
    lines = [text] if width is None else textwrap.wrap(text, min(width, WIDEST), break_on_hyphens=False)
    for line in lines:
        print_line(line)


def print_columns(titles: Sequence[str], lines: Sequence[Sequence[object]], droppable: Sequence[str] = ()) -> None:
    """Print lines of the same number of words, one below the other.

    Where the terminal is too narrow, the columns of `droppable` are left out, the first ones first, and a note says so.
    """
    words = [[str(word) for word in line] for line in (titles, *lines)]
    widths = [max(map(len, column)) for column in zip(*words, strict=True)]
    width, kept, dropped = terminal_width(), list(range(len(titles))), []
    for title in droppable:
        if width is None or sum(widths[column] + 2 for column in kept) - 2 <= width:
            break
        kept.remove(titles.index(title))
        dropped.append(title)
    for line in words:
        print_line("  ".join(line[column].ljust(widths[column]) for column in kept).rstrip())
    if dropped:
        print_note(f"Not shown at this width: {', '.join(dropped)}. A wider terminal, or a pipe, has all columns.")
