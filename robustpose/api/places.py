"""Places: folders that a program names, and temporary ones that live until it ends."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, quote
from robustpose.files import writing_to
from robustpose.results.run_folder import IDENTITY

PREFIX = "robustpose-"
# Folders are the process's own: they go when it ends. With the process that made each, for a forked one must not.
_temporary: list[tuple[int, Path]] = []
_stopped: dict[str, Path] = {}  # folders of trainings that have not ended, by their identity
_choosing = threading.Lock()  # one thread at a time
_in_use: set[Path] = set()  # by benches that are not done, in other threads


def find_folder(folder: Any, what: str) -> Path:
    """Return a folder as a path, ``~`` expanded; `what` is the function or argument that it is for, for messages."""
    if not isinstance(folder, str | os.PathLike):
        raise UserError(f"{what} takes the path of a folder, got {type(folder).__name__}")
    words = os.fspath(folder)
    if not isinstance(words, str) or not words.strip():
        raise UserError(f"{what} takes the path of a folder, got {words!r}")
    if "\0" in words:
        raise UserError(
            f"{what} takes the path of a folder, and no name of one has a null character: got {quote(words)}"
        )
    try:
        return Path(words).expanduser()
    except RuntimeError as error:
        raise UserError(f"{what}: nobody's home folder is named {words}") from error


def give_folder(folder: Path) -> Path:
    """Return a folder that is there; UserError for what is none."""
    if not folder.is_dir():
        raise UserError(
            f"{folder.absolute()} {'is no folder' if folder.exists() else 'is not there'}: name a run folder"
        )
    return folder


@contextmanager
def lend_folder(named: Path | None, identity: Mapping[str, Any]) -> Iterator[Path]:
    """Give the run folder of a bench: the one that is named, or a temporary one, which is there until Python ends.

    A temporary one that a stopped bench of the same identity has left is gone on with; a finished one is its run's own.
    """
    if named is not None:
        yield named
        return
    with _choosing:
        unfinished = (one for one in _list_unfinished(identity) if one not in _in_use)
        folder = next(unfinished, None) or _make_temporary_folder()
        _in_use.add(folder)
    try:
        yield folder
    finally:
        _in_use.discard(folder)


def foresee_folder(named: Path | None, identity: Mapping[str, Any]) -> Path:
    """Return the folder that `lend_folder` would give, or one that is not there; nothing is made."""
    free = Path(tempfile.gettempdir()) / f"{PREFIX}{uuid.uuid4().hex}"
    return named or next((one for one in _list_unfinished(identity) if one not in _in_use), free)


@contextmanager
def lend_training_folder(named: Path | None, identity: Mapping[str, Any]) -> Iterator[Path]:
    """Give the run folder of a training: the one that is named, or a temporary one, which is there until Python ends.

    A temporary one that a stopped training of the same identity has left is gone on with.
    """
    if named is not None:
        yield named
        return
    key = json.dumps(identity, sort_keys=True)
    folder = _stopped.pop(key, None) or _make_temporary_folder()
    try:
        yield folder
    except BaseException:  # Ctrl-C, too
        _stopped[key] = folder
        raise


def _list_unfinished(identity: Mapping[str, Any]) -> Iterator[Path]:
    wanted = json.loads(json.dumps(identity))
    for process, folder in _temporary:
        if process == os.getpid() and not (folder / "summary.json").exists():
            with suppress(OSError, ValueError):
                if json.loads((folder / IDENTITY).read_text()) == wanted:
                    yield folder


def _make_temporary_folder() -> Path:
    with writing_to(Path(tempfile.gettempdir())):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if not _temporary:
        atexit.register(_remove_temporary)
    _temporary.append((os.getpid(), folder))
    return folder


def _remove_temporary() -> None:
    for process, folder in _temporary:
        if process == os.getpid():
            shutil.rmtree(folder, ignore_errors=True)
