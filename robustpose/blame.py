"""Blame: what the code of others raises becomes one line with its file and line, a UserError.

Models, datasets, metrics, corruptions, networks and mixers may be anybody's (`registry`). Where their code is called,
`blaming` says whose it is; `find_blame` finds in a traceback what comes up elsewhere.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from traceback import FrameSummary, extract_tb
from types import TracebackType

from robustpose.errors import UserError

OURS = str(Path(__file__).parent) + os.sep
LIBRARIES = tuple({path + os.sep for name, path in sysconfig.get_paths().items() if name.endswith("lib")})
NOT_BLAMED = (UserError, KeyboardInterrupt)
MOST_LETTERS = 300  # of what an error says
DEEPEST = 60  # frames that are looked at, of what has recursed


class blaming:
    """Turn what is raised inside into a UserError that begins with `what`, such as ``estimator 'mymodel:go'``.

    `how` is how messages say that it is called, such as ``f(image, boxes)``. What is raised in this package, called by
    theirs, stays a fault of ours.
    """

    def __init__(self, what: str, how: str = "") -> None:
        self._what = what
        self._how = how

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, story: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, NOT_BLAMED):
            return
        places = _list_places(error)[1:]  # without that of this block
        if isinstance(error, GeneratorExit) and not places:  # a generator of ours is closed
            return
        own = [place for place in places if not _is_of_library(place)]
        if own and _is_ours(own[-1]):
            return
        if not places and isinstance(error, TypeError) and self._how:  # never begun: it takes other arguments
            raise UserError(f"{self._what} cannot be called as {self._how}: {_read_words(error)}") from error
        files = [place for place in places if not place.filename.startswith("<")]
        raise UserError(f"{self._what} {_tell(error, own or files)}") from error


def find_blame(error: BaseException) -> UserError | None:
    """Return an error of others as one line; None for one of ours, or of libraries alone.

    The deepest place that is in no library decides: it is in this package, or theirs.
    """
    if isinstance(error, NOT_BLAMED):
        return None
    own = [place for place in _list_places(error) if not _is_of_library(place)]
    return UserError(f"your code {_tell(error, own)}") if own and not _is_ours(own[-1]) else None


def is_of_others(thing: object) -> bool:
    """Return whether an object is not of this package: its class, or itself if it is a class or a function."""
    made_in = getattr(thing, "__module__", None) or type(thing).__module__
    return str(made_in).partition(".")[0] != __package__


def _list_places(error: BaseException) -> Sequence[FrameSummary]:
    """Return where an error has been, deepest last."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # which became the other one in the frame of whoever asked for a next item
    return extract_tb(error.__traceback__, limit=-DEEPEST)


def _is_ours(place: FrameSummary) -> bool:
    return place.filename.startswith(OURS)


def _is_of_library(place: FrameSummary) -> bool:
    path = place.filename
    in_library = path.startswith(("<", *LIBRARIES)) or "site-packages" in path or "dist-packages" in path
    return in_library and not _is_ours(place)


def _tell(error: BaseException, places: Sequence[FrameSummary]) -> str:
    """Return what has happened, and where, if that is known."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"cannot be read: {error.msg} ({_shorten(error.filename)}, line {error.lineno})"
    words = _read_words(error)
    if isinstance(error, SystemExit):
        happened = f"ended the program: exit({words})"
    else:
        happened = f"raised {type(error).__name__}{': ' if words else ''}{words}"
    if not places:
        return happened
    place = places[-1]
    inside = "" if place.name == "<module>" else f", in {place.name}"
    return f"{happened} ({_shorten(place.filename)}, line {place.lineno}{inside})"


def _read_words(error: BaseException) -> str:
    try:
        words = " ".join(str(error).split())
    except Exception:  # whatever their class does
        return "an error that cannot be printed"
    return words if len(words) <= MOST_LETTERS else words[:MOST_LETTERS] + " …"


def _shorten(path: str) -> str:
    """Return a path without the working folder, if it is in there."""
    try:
        return path.removeprefix(f"{Path.cwd()}{os.sep}")
    except OSError:
        return path
