"""The one error that people see: what was expected, what came, what to do; and the one warning, of a doubt."""

from __future__ import annotations

import difflib
import inspect
import reprlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar


class UserError(Exception):
    """Report a mistake in what was given to the program, as one clear line.

    The command line prints its message and exits with code 2; a traceback appears with ``--debug`` only.

    >>> import robustpose
    >>> try:
    ...     robustpose.bench("dmeo", "toy", progress=False)
    ... except robustpose.UserError as error:
    ...     print(error)
    unknown model 'dmeo' (did you mean 'demo'?): expected one of ...
    """


class SaidElsewhere(UserError):
    """End a process because of a mistake that another process of the same command tells of."""


class NotFinite(UserError):
    """Report a value that is infinite or no number, where a network is trained: training has diverged."""


class DoubtWarning(UserWarning):
    """Say that a number could be wrong."""


_SHOWN: ContextVar[set[str] | None] = ContextVar("shown", default=None)


@contextmanager
def doubts_once() -> Iterator[None]:
    """Show each doubt once, though several runs inside have it."""
    token = _SHOWN.set(set())
    try:
        yield
    finally:
        _SHOWN.reset(token)


def show_doubts(texts: Iterable[str]) -> None:
    """Warn of each doubt, as Python warns: at the line of whoever called this package."""
    shown = _SHOWN.get()
    for text in dict.fromkeys(texts):
        if shown is not None:
            if text in shown:
                continue
            shown.add(text)
        warnings.warn(text, DoubtWarning, stacklevel=count_own_frames() + 1)


def count_own_frames() -> int:
    """Return how many calls, from the caller's on, are of this package, or of what stands between two of them."""
    frame, depth, own = inspect.currentframe(), 0, 1
    while frame is not None and frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
        if str(frame.f_globals.get("__name__")).partition(".")[0] == __package__:
            own = depth
    return own


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ``" (did you mean 'fog'?)"`` for the choice that `word` may be meant for; an empty string if none is near.

    That is one with nearly the same letters, in capitals or not, or else the first that begins with the word.

    >>> nearest("FGO", ["rain", "fog"]), nearest("flip", ["flip_test"]), nearest("decode", ["device"])
    (" (did you mean 'fog'?)", " (did you mean 'flip_test'?)", '')
    """
    lower = word.lower()
    by_letters = {choice.lower(): choice for choice in reversed(list(choices))}
    close = difflib.get_close_matches(lower, by_letters, n=1, cutoff=_SHORT_WORD if len(word) < 6 else _LONG_WORD)
    close += [choice for choice in reversed(by_letters) if len(word) > 1 and choice.startswith(lower)]
    return f" (did you mean '{by_letters[close[0]]}'?)" if close else ""


_SHORT_WORD, _LONG_WORD = 0.65, 0.69  # shares of letters in common: fgo and fog have 0.67, decode and device, too


def first_few(problems: Sequence[str], what: str, most: int = 3) -> str:
    """Join the first `most` problems to one line that ends with their total, if there are more."""
    more = f"; … {len(problems)} {what} in all" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more


def quote(value: object) -> str:
    """Return a value from outside for messages: short, on one line, control characters written out.

    >>> quote("fog")
    "'fog'"
    >>> quote([[1, 2], None] * 10)
    '[[1, 2], None, [1, 2], None, …]'
    """
    short = _SHORT.repr(value)
    return short if len(short) <= 80 else f"{short[:79]}…"


_SHORT = reprlib.Repr()
_SHORT.fillvalue = "…"
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict, _SHORT.maxtuple, _SHORT.maxstring = 3, 4, 3, 4, 60


def spell_list(words: Iterable[object], last: str = "and") -> str:
    """Return ``1, 3 and 5`` for 1, 3, 5, or another word before the last one."""
    *first, end = map(str, words)
    return f"{', '.join(first)} {last} {end}" if first else end
