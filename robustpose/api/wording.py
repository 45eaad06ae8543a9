"""Wording: messages that name options of commands name arguments of functions instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from robustpose.errors import UserError
from robustpose.printing import make_visible

_OTHERWISE = {"fresh": "fresh=True", "model-set": "options=", "no-report": "report=False"}
_TWICE = re.compile(r"\b(\w+) \(--([a-z-]+)\)")  # as in `limit (--limit)`
# With the blank before a value, as in `--data NAME` or `--model onnx:FILE`.
_OPTION = re.compile(r"(?<![\w./-])--([a-z][a-z-]*[a-z])(?![\w/.])(?: (?=[A-Z]{2}|\d|\w+:\w))?")
_OF_COMMANDS = (", which YAML reads yes and no as", ", with commas")  # what is said of words alone


@contextmanager
def in_python() -> Iterator[None]:
    """Let a UserError of the block speak of arguments, ``limit=``, where it speaks of options, ``--limit``.

    Floats are computed as `plain_floats` says.
    """
    try:
        with plain_floats():
            yield
    except UserError as error:
        error.args = (make_visible(spell_arguments(str(error)), keep="\n"),)
        raise
    except ValueError as error:
        if "null byte" in str(error) or "null character" in str(error):  # what Python says of a path with one
            raise UserError("a path has a null character in it, which no file's name can have") from error
        raise


def plain_floats() -> np.errstate:
    """Return a block in which NumPy computes as in a new process, whatever the program has set: tiny values are 0."""
    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")


def spell_arguments(text: str) -> str:
    """Return a message with the arguments of functions in the place of options of commands.

    >>> spell_arguments("limit (--limit) must be at least 1, got 0: choose another --out")
    'limit= must be at least 1, got 0: choose another out='
    """
    text = _TWICE.sub(lambda found: f"--{found[2]}" if found[1] == found[2].replace("-", "_") else found[0], text)
    for words in _OF_COMMANDS:
        text = text.replace(words, "")
    return _OPTION.sub(lambda found: _OTHERWISE.get(found[1], f"{found[1].replace('-', '_')}="), text)
