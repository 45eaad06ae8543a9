"""Plain values: numbers, words, and small objects of Python's own library, spelled the same in every process.

Places are no part of that: a word or path that begins at the root of a disk, at a home or at the folder above.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

import numpy as np

from robustpose.sources import is_file
from robustpose.used_names import list_codes

PLAIN = (bool, int, float, complex, str, PurePath, np.generic, range, slice, type(...), type(None))
# Libraries of Python whose objects are values: what `copy` knows of them is all that they are.
VALUES = (
    "argparse", "array", "collections", "datetime", "decimal", "enum", "fractions", "ipaddress", "itertools",
    "operator", "types", "uuid", "zoneinfo",
)  # fmt: skip
HARMLESS = ("_abc", "_io", "_thread", "_weakref", "logging", "queue", "threading", "weakref")  # decide no numbers


def spell_plain(value: Any) -> str | None:
    """Return a plain value as text; None for a place, which depends on where a project lies.

    >>> spell_plain("coco/val"), spell_plain("/home/somebody/coco"), spell_plain(0.5)
    ("'coco/val'", None, '0.5')
    """
    if isinstance(value, str | PurePath):
        text = str(value)
        if text.startswith(("/", "~", "./", "../", "\\", ".\\", "..\\")) or PureWindowsPath(text).drive:
            return None
        return repr(text)
    return repr(value)


def list_parts_of_value(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object of Python's library is made of, with names; nothing for what is no value."""
    if type(value).__module__.partition(".")[0].lstrip("_") not in VALUES or isinstance(value, type):
        if "dtype" in type(value).__name__.lower():  # of NumPy, of PyTorch
            yield "", repr(value)
        elif callable(value) and isinstance(getattr(value, "__name__", None), str):  # such as numpy.sin
            yield "", value.__name__
        return
    if type(value).__module__ == "itertools":  # whose way to be copied is going
        text = repr(value)
        yield from () if " at 0x" in text else [("", text)]
        return
    with suppress(Exception):  # whatever cannot be copied
        made = value.__reduce_ex__(2)
        if isinstance(made, str):
            yield "", made
            return
        yield from ((str(number), part) for number, part in enumerate(made[1:3]) if part is not None)
        yield from ((str(number), list(part)) for number, part in enumerate(made[3:5], 3) if part is not None)


def is_unknown(value: Any) -> bool:
    """Return whether nothing can be known of what an object holds that may decide what it does."""
    kind = type(value)
    if kind.__module__.partition(".")[0] in HARMLESS or isinstance(value, type | types.ModuleType):
        return False
    if isinstance(value, types.GeneratorType | types.CoroutineType | zip | map | filter | enumerate | reversed):
        return True
    return kind.__module__ == "itertools" and " at 0x" in repr(value)


def spell_function(function: Any) -> str:
    """Return which of the functions of a file one is: its name, its line, and what it names."""
    code = function.__code__
    line = code.co_firstlineno if is_file(Path(code.co_filename)) else 0  # else it is known by its compiled form
    codes = list(list_codes(code))
    words = [(one.co_name, one.co_names, one.co_varnames, _list_constants(one)) for one in codes]
    columns = [column for place in getattr(code, "co_positions", list)() for column in place[2:] if column is not None]
    return repr((function.__qualname__, line, min(columns, default=0), max(columns, default=0), words))


def _list_constants(code: types.CodeType) -> list[str]:
    """Return the constants of code, but for those that versions of Python store in different ways."""
    kept = (constant for constant in code.co_consts if isinstance(constant, int | float | str | bytes | tuple))
    return sorted({repr(constant) for constant in kept})
