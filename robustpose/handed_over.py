"""Handed over: objects of a Python program, under names that settings and descriptions of data can have.

Settings name code as ``package.module:attr``. An object that a program holds in memory has such a name here while it is
needed: this module, and an attribute that is looked up among what was handed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_held: dict[str, Any] = {}
_DIGEST = re.compile(rf"{re.escape(__name__)}:(\w+)_[0-9a-f]{{8}}")


@contextmanager
def hand_over(name: str, thing: Any) -> Iterator[str]:
    """Give the name, ``robustpose.handed_over:NAME``, that an object has within the block.

    >>> from robustpose import registry
    >>> with hand_over("three", 3) as name:
    ...     registry.load(name)
    3
    """
    before = _held.get(name)
    _held[name] = thing
    try:
        yield f"{__name__}:{name}"
    finally:
        _held.pop(name)
        if before is not None:  # of another thread, or of a call around this one
            _held[name] = before


def name_shown(name: str) -> str:
    """Return what people call a thing: of one that was handed over its own name, without the digest that results keep.

    >>> name_shown("robustpose.handed_over:Net_a7858abc"), name_shown("package.module:Net_a7858abc")
    ('Net', 'package.module:Net_a7858abc')
    """
    found = _DIGEST.fullmatch(name)
    return found[1] if found else name


def __getattr__(name: str) -> Any:
    try:
        return _held[name]
    except KeyError as error:
        raise AttributeError(f"nothing of the name '{name}' is handed over now") from error
