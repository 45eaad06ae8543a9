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
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

MOST_LETTERS = 2000  # of a line
MOST_IN_TABLE = 300  # of a place in a table
INTERVAL = r" \[[-+\d.%]+, [-+\d.%]+\]"
INSEPARABLE = rf"\S+ (?:[-+\d.%]+(?:{INTERVAL})?|–)[.,;:]?(?!\S)"  # on one line: a label, its score, the interval
NARROWEST = 8  # columns that a table leaves to words, if numbers take the others
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


def fold(text: str, width: int) -> str:
    """Return a line as lines of at most `width` columns, broken at spaces: no word is, nor a score from its interval.

    >>> print(fold("net.onnx:  AP* 65.6 [56.5, 76.0]   mPC 41.7 [33.2, 50.4]", 36))
    net.onnx:  AP* 65.6 [56.5, 76.0]
    mPC 41.7 [33.2, 50.4]
    """
    lines, line = [], ""
    for gap, word in re.findall(rf"(\s*)({INSEPARABLE}|\S+)", text):
        if line and count_columns(line + gap + word) > width:
            lines.append(line)
            line = word
        else:
            line += gap + word
    return "\n".join([*lines, line])


def count_columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: letters such as 関 take two, accents none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text
    )


def _fold_for(stream: TextIO | None, text: object) -> str:
    """Return a text as a terminal shows it best; for files and pipes, which programs read, as one line."""
    line = one_line(text)
    try:
        width = os.get_terminal_size(stream.fileno()).columns if stream is not None and stream.isatty() else 0
    except (OSError, ValueError):
        width = 0
    return fold(line, width) if width else line


def print_line(text: object) -> None:
    """Print one line on standard output; a terminal that is narrower has it broken between words."""
    _write(sys.stdout, _fold_for(sys.stdout, text))


def print_document(text: str) -> None:
    """Print a text of many lines on standard output that is for programs, in ASCII, such as JSON."""
    _write(sys.stdout, make_visible(text, keep="\n"))


def print_aside(text: object) -> None:
    """Print one line on standard error: progress, a warning, an error."""
    _write(sys.stderr, _fold_for(sys.stderr, text))


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
    words = [[one_line(word, MOST_IN_TABLE) for word in row] for row in (titles, *rows)]
    is_terminal = sys.stdout.isatty()
    console = make_console(sys.stdout, None if is_terminal else width)
    cells, keeps_numbers = _fit(words, console.width, texts)
    table = Table(title=title, title_justify="left", caption=legend, caption_justify="left")
    for column, name in enumerate(cells[0]):
        if column in texts:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=keeps_numbers)
    for row in cells[1:]:
        table.add_row(*row)
    if is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    _write(sys.stdout, "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def _fit(rows: list[list[str]], width: int, texts: Sequence[int]) -> tuple[list[list[str]], bool]:
    """Return rows with intervals below their scores where lines are too narrow for all; whether numbers stay whole."""
    sides = 3 * len(rows[0]) + 1  # a space on either side of each column, and lines between them
    if sum(_measure(column) for column in zip(*rows, strict=True)) + sides <= width:
        return rows, True
    rows = [[re.sub(f"(?={INTERVAL}$)", "\n", word).replace("\n ", "\n") for word in row] for row in rows]
    columns = list(enumerate(zip(*rows, strict=True)))
    least = sum(min(NARROWEST, _measure(words)) if column in texts else _measure(words) for column, words in columns)
    return rows, least + sides <= width


def _measure(words: Iterable[str]) -> int:
    return max(count_columns(line) for word in words for line in word.split("\n"))


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
