"""The one error that people see: what was expected, what came, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Report a mistake in what was given to the program, as one clear line.

    The command line prints its message and exits with code 2; a traceback appears with ``--debug`` only.
    """


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ``" (did you mean 'fog'?)"`` for the choice closest to `word`, or an empty string."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""


def first_few(problems: list[str], what: str) -> str:
    """Join the first three problems to one line that ends with their total."""
    more = f"; … {len(problems)} {what} in all" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more


def spell_list(words: Iterable[object], last: str = "and") -> str:
    """Return ``1, 3 and 5`` for 1, 3, 5, or another word before the last one."""
    *first, end = map(str, words)
    return f"{', '.join(first)} {last} {end}" if first else end
