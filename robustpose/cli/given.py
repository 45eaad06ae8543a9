"""What was given: values that cannot be taken are said with their option, and paths in errors are whole ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, quote

# What options that take paths say in their help: an empty word would be the working folder.
PATHS = ("FILE", "DIR", "PATH", "FILE.html", "FILE|demo", "IMAGE", "RUN")
WORDS = {"a valid integer": "a whole number", "a valid number": "a number", "a valid boolean": "true or false"}
# What tells that a bare word such as `runs` is a path and not the word: before it, or behind it where a message begins.
BEFORE = r"(?::\s|\b(?:folder|file|set|image|checkpoint|recipe|write|to|in|at|read)\s)"
BEHIND = r"(?=[/:,]|\s(?:is|are|was|has|holds|lacks|does|cannot|must|and|of)\b)"


def check_values(parameters: Iterable[Any], words: Sequence[str]) -> None:
    """Raise UserError where a path is an empty word, as of a variable of a script that is not set."""
    pairs = list(pairwise(words))
    for parameter in parameters:
        if parameter.metavar not in PATHS:
            continue
        for name in parameter.opts if parameter.param_type_name == "option" else ():
            if (name, "") in pairs or f"{name}=" in words:
                raise UserError(f"{name} is empty: give a path{'' if parameter.required else ', or leave it out'}")
        if parameter.param_type_name == "argument":
            empty = [i for i, word in enumerate(words) if not word and (not i or not words[i - 1].startswith("--"))]
            if empty:
                raise UserError(f"{parameter.metavar} is empty: give a path")


def explain_value(error: Any, words: Sequence[str]) -> str | None:
    """Return what is wrong with a value of an option, in our words; None for other mistakes."""
    found = re.search(r"Input should be (a valid \w+)", str(error.format_message()))
    if found is None or found[1] not in WORDS or not getattr(error, "param", None):
        return None
    name = next((option for option in error.param.opts if option in {word.partition("=")[0] for word in words}), None)
    if name is None:
        return None
    place = next(i for i, word in enumerate(words) if word.partition("=")[0] == name)
    value = words[place].partition("=")[2] if "=" in words[place] else "".join(words[place + 1 : place + 2])
    return f"{name} must be {WORDS[found[1]]}, got {quote(value)}"


def name_whole_paths(message: str, given: Mapping[str, Any]) -> str:
    """Return an error with relative paths that were given as whole ones: a log does not say where a command was run."""
    for text in sorted(set(_list_paths(given)), key=len, reverse=True):
        try:
            whole = str(Path.cwd() / text)
        except OSError:  # the folder is gone
            return message
        is_bare = not re.search(r"[./]", text)
        before = rf"(?:{BEFORE}|^(?={re.escape(text)}{BEHIND}))" if is_bare else r"(?:^|(?<=[\s'\"(]))"
        after = r"(?=$|[\s'\"),:;/]|\.(?:\s|$))"
        pattern = rf"({before}){re.escape(text)}{after}"
        message = re.sub(pattern, rf"\g<1>{_escape(whole)}", message)
    return message


def _escape(text: str) -> str:
    """Return a text as `re.sub` puts it in literally."""
    return text.replace("\\", r"\\")


def _list_paths(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the relative paths among the values of options, also those behind the colon of ``onnx:FILE``."""
    for value in given.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, str):
                kind, colon, one = one.removeprefix("detect:").partition(":")
                if not colon or kind == "ray" or not re.search(r"[./]", one):  # of --engine, it is an address
                    continue
                if kind == "hf" and not os.path.lexists(one):  # a name of the hub
                    continue
            if isinstance(one, str | Path) and str(one) not in ("", ".", "..") and not Path(one).is_absolute():
                yield str(one)
