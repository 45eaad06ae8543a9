"""From words on the command line to values."""

from __future__ import annotations

import os

from robustpose.errors import UserError


def split_words(text: str) -> list[str]:
    """Return the words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def parse_severities(text: str) -> list[int]:
    """Return the numbers between commas.

    Raises:
        UserError: one of them is no whole number.
    """
    try:
        return [int(word) for word in split_words(text)]
    except ValueError as error:
        raise UserError(f"--severities must be numbers with commas, such as 1,3,5, got '{text}'") from error


def parse_seed(text: str) -> str | int:
    """Return ``"release"`` or a run seed.

    Raises:
        UserError: it is neither.
    """
    if text == "release":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise UserError(f"--seed must be 'release' or a whole number, got '{text}'") from error


def parse_options(pairs: list[str] | None) -> dict[str, str]:
    """Return ``KEY=VALUE`` pairs as a dict of words; what they mean is for the model's `Options` to say.

    Raises:
        UserError: a pair has no `=`.
    """
    options: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UserError(f"--model-set takes KEY=VALUE, got '{pair}'")
        options[key.replace("-", "_")] = value
    return options


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
