"""Limits: how large something may be before memory is taken for it. An environment variable lifts each of them.

What is too large is refused with one line that names the variable. Processes of a run inherit what is set.
"""

from __future__ import annotations

import math
import os

from robustpose.errors import UserError

# By the end of the variable's name: the limit where it is not set.
LIMITS = {
    "MEGAPIXELS": 100,  # of an image, decoded
    "JSON_MB": 2048,  # of a JSON file
    "ARRAYS_MB": 4096,  # of all arrays in one file
    "MEMORY_MB": 4096,  # for the random fields and copies that a corruption makes of one image
}


def read_limit(name: str) -> int:
    """Return a limit: what the environment variable ``ROBUSTPOSE_MAX_`` and its name says, else its row above.

    >>> read_limit("MEGAPIXELS")
    100
    """
    variable = f"ROBUSTPOSE_MAX_{name}"
    word = os.environ.get(variable, "")
    if not word:
        return LIMITS[name]
    if not word.isdecimal() or not 0 < len(word) < 10:
        raise UserError(f"{variable} must be a whole number above 0, got '{word}'")
    return int(word)


def list_lifted() -> dict[str, str]:
    """Return the environment variables of limits that are set."""
    names = (f"ROBUSTPOSE_MAX_{name}" for name in LIMITS)
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def check_limit(name: str, size: float, what: str, unit: str) -> None:
    """Raise UserError if a size is beyond a limit. `what` begins the sentence, such as ``image a.png``."""
    most = read_limit(name)
    if size > most:
        needed = math.ceil(size)
        raise UserError(
            f"{what} takes {needed:,} {unit}, and the limit is {most:,}: make it smaller, or if you trust it set "
            f"ROBUSTPOSE_MAX_{name}={needed}"
        )
