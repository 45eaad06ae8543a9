"""Printing: the one door to the terminal. What comes from files is shown there and never acts; no line is endless.

Names of files, joints and models, and what libraries say of errors, may hold anything: sequences that clear the screen
or write to the clipboard, line breaks that forge an error, letters that turn the reading direction. Each such letter is
printed as the escape that Python has for it, such as ``\\x1b``.

Printing never ends the work. A stream that refuses (a full disk, a reader that has gone) is told of when all is done.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

MOST_LETTERS = 2000  # of a line
MOST_IN_TABLE = 300  # of a place in a table
# Control and format letters, surrogates, private and unassigned ones, line and paragraph separators.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Our own signs, for terminals that have only ASCII or Latin letters.
PLAIN_SIGNS = str.maketrans({"–": "-", "−": "-", "≈": "~", "×": "x", "…": "...", "·": "-", "→": "->", "α": "alpha"})


def make_visible(text: object, keep: str = "") -> str:
    """Return a text in which letters that act, or cannot be seen, are Python's escapes; those in `keep` stay.

    >>> print(make_visible("fog" + chr(27) + "[2J"))
    fog\\x1b[2J
    """
    words = str(text)
    if words.isprintable():
        return words
    is_seen = {letter: letter in keep or unicodedata.category(letter) not in UNSEEN for letter in set(words)}
    return "".join(letter if is_seen[letter] else ascii(letter)[1:-1] for letter in words)


def shorten(text: str, most: int) -> str:
    """Return a text of at most `most` letters: of a longer one the beginning, and the end, which says what to do."""
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


def one_line(text: object, most: int = MOST_LETTERS) -> str:
    """Return a text as one line that can be printed anywhere."""
    # Shortened before, too: escaping ten million letters takes a while.
    return shorten(make_visible(shorten(str(text), most)), most)


def print_line(text: object) -> None:
    """Print one line on standard output."""
    _write(sys.stdout, one_line(text))


def print_document(text: str) -> None:
    """Print a text of many lines on standard output that is for programs, in ASCII, such as JSON."""
    _write(sys.stdout, make_visible(text, keep="\n"))


def print_aside(text: object) -> None:
    """Print one line on standard error: progress, a warning, an error."""
    _write(sys.stderr, one_line(text))


def print_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning, in the place of `warnings.showwarning`; who cannot print it goes on."""
    with suppress(OSError, ValueError):
        print_aside(f"warning: {message}")


def print_lines(text: str) -> None:
    """Print several lines on standard error, such as a traceback."""
    _write(sys.stderr, make_visible(text, keep="\n").rstrip("\n"))


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # as it is in programs without a terminal
        stream.write(f"{text}\n")  # at once: who is stopped between two writes leaves half a line
        stream.flush()


def print_table(
    title: str | None,
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int,
    texts: Sequence[int] = (0,),
    legend: str | None = None,
) -> None:
    """Print a table on standard output, as wide as the terminal, or `width` letters wide where there is none.

    The columns of `texts` hold words, the others numbers.
    """
    from rich.table import Table

    title = None if title is None else one_line(title)
    table = Table(title=title, title_justify="left", caption=legend, caption_justify="left")
    for column, name in enumerate(titles):
        if column in texts:
            table.add_column(one_line(name, MOST_IN_TABLE), overflow="fold")
        else:
            table.add_column(one_line(name, MOST_IN_TABLE), justify="right")
    for row in rows:
        table.add_row(*(one_line(word, MOST_IN_TABLE) for word in row))
    make_console(sys.stdout, None if sys.stdout.isatty() else width).print(table)


class Silence(io.StringIO):
    """A standard output that keeps nothing, for commands that are asked to be quiet."""

    def write(self, text: str) -> int:
        """Drop a text."""
        return len(text)


def is_quiet() -> bool:
    """Return whether nobody wants to see tables and progress: a `Silence` is in the place of standard output."""
    return isinstance(sys.stdout, Silence)


def make_console(stream: TextIO, width: int | None = None) -> Console:
    """Return a rich console on a stream. It takes words as they are: no markup, no :emoji: names."""
    from rich.console import Console

    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


class ForgivingStream:
    """A stream that takes every text: letters it has not are spelled, and when it refuses, `refusal` says why.

    Everything but writing is that of the stream which it stands before.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.refusal: Exception | None = OSError(errno.EBADF, "it is closed") if stream is None else None
        self._stream = io.StringIO() if stream is None else stream

    def write(self, text: str) -> int:
        """Write a text, or as much of it as can be written."""
        if self.refusal is None:
            try:
                self._stream.write(_spell(text, self._stream.encoding or "utf-8"))
            except (OSError, ValueError) as error:  # ValueError: somebody has closed it
                self.refusal = error
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        if self.refusal is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self.refusal = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def forgiving_streams() -> Iterator[ForgivingStream]:
    """Have standard output and error forgive inside the block; gives standard output, which tells of a refusal."""
    _occupy_numbers()
    before = sys.stdout, sys.stderr
    output, errors = map(ForgivingStream, before)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        for stream in (output, errors):
            stream.flush()
            if stream.refusal is not None:
                _send_nowhere(stream)
        sys.stdout, sys.stderr = before


def _occupy_numbers() -> None:
    """Let no file that is opened later get the number of a closed stream: libraries in C would print into it."""
    with suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)  # for workers, too
        os.close(number)


def _send_nowhere(stream: ForgivingStream) -> None:
    """Let what a stream still holds go nowhere: at its end, Python would try to write it again, and complain."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _spell(text: str, encoding: str) -> str:
    """Return a text in the letters that an encoding has."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(PLAIN_SIGNS).encode(encoding, "backslashreplace").decode(encoding)
    return text
