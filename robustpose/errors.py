"""The one error that people see: what was expected, what came, what to do; and the one warning, of a doubt."""

from __future__ import annotations

import difflib
import reprlib
import warnings
from collections.abc import Iterable


class UserError(Exception):
    """Report a mistake in what was given to the program, as one clear line.

    The command line prints its message and exits with code 2; a traceback appears with ``--debug`` only.
    """


class NotFinite(UserError):
    """Report a value that is infinite or no number, where a network is trained: training has diverged."""


class DoubtWarning(UserWarning):
    """Say that a number could be wrong."""


def show_doubts(texts: Iterable[str]) -> None:
    """Warn of each doubt, as Python warns."""
    for text in dict.fromkeys(texts):
        warnings.warn(text, DoubtWarning, stacklevel=3)


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ``" (did you mean 'fog'?)"`` for the choice closest to `word`, or an empty string."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""


def first_few(problems: list[str], what: str) -> str:
    """Join the first three problems to one line that ends with their total."""
    more = f"; … {len(problems)} {what} in all" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more


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
