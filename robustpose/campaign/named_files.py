"""The files and folders that the words of a command name, by which it is noticed that they have changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path

from robustpose.files import hash_file

MOST_ENTRIES = 20_000  # of a folder
# Files of folders that are hashed: poses, annotations, lists. Of others, such as images, names and sizes are enough.
READ_WHOLE = (".json", ".jsonl", ".sha256", ".txt", ".csv", ".yaml", ".yml")
OF_NAMES = tuple(  # options whose values are names, though a folder may be called the same
    f"--{name}" for name in ("suite", "data", "split", "strategy", "adapt", "row", "corruptions", "category", "metric")
)
OF_FILES = ("--init", "--recipe", "--annotations", "--val-annotations")  # options whose values are no folders
_looked_at: ContextVar[dict[Path, str | None] | None] = ContextVar("_looked_at", default=None)


@contextmanager
def look_once() -> Iterator[None]:
    """Look at each folder once as long as this lasts, however many commands name it."""
    token = _looked_at.set({})
    try:
        yield
    finally:
        _looked_at.reset(token)


def find_files(words: Sequence[str], others: Sequence[str] = ()) -> dict[str, str]:
    """Return the files and folders that the words of a command name, also after ``=`` and ``:``, and their SHA-256.

    And of `others`, as far as they are there. Of a folder, it is that of the names and sizes of its files, and of what
    those hold that are lists of something; large folders are left out.
    """
    texts = [
        (text, option not in OF_FILES)
        for option, word in pairwise(words)  # the first word is the command
        if option not in OF_NAMES
        for text in (word, *list_ends(word))
        if text.strip() and not text.startswith("-")
    ]
    texts += [(text, True) for text in others]
    digests = {text: _find_digest(text, may_be_folder) for text, may_be_folder in texts}
    return {text: digest for text, digest in digests.items() if digest is not None}


def list_ends(word: str) -> list[str]:
    """Return what stands behind each ``=`` and ``:`` of a word.

    >>> list_ends("detect:onnx:a.onnx")
    ['onnx:a.onnx', 'a.onnx']
    """
    return [word[place + 1 :] for place, letter in enumerate(word) if letter in "=:"]


def hash_named(path: Path) -> str:
    """Return the SHA-256 of a file, which is read again where its size or its time has changed."""
    status = path.stat()
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=50_000)
def _hash_once(path: Path, size: int, changed: int) -> str:
    return hash_file(path)


def _find_digest(text: str, may_be_folder: bool) -> str | None:
    try:
        path = Path(text).expanduser()
        if path.is_file():
            return hash_named(path)
        if may_be_folder and path.is_dir() and path.resolve() != Path.cwd():
            known = _looked_at.get()
            known = {} if known is None else known
            if path not in known:
                known[path] = _hash_folder(path)
            return known[path]
    except (OSError, ValueError, RuntimeError):  # a word that no file can be called
        pass
    return None


def _hash_folder(path: Path) -> str | None:
    entries = list(islice(_list_files(path), MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        return None
    about = []
    for entry in entries:
        name = Path(entry.path).relative_to(path).as_posix()
        content = (hash_named(Path(entry.path)),) if name.lower().endswith(READ_WHOLE) else ()
        about.append((name, entry.stat().st_size, *content))
    return hashlib.sha256(json.dumps(sorted(about)).encode()).hexdigest()


def _list_files(path: Path | str) -> Iterator[os.DirEntry[str]]:
    """Yield the files of a folder and of those in it, but for links to folders, which may lead back."""
    with os.scandir(path) as found:
        for entry in found:
            if entry.is_file():
                yield entry
            elif entry.is_dir(follow_symlinks=False):
                yield from _list_files(entry.path)
