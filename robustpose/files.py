"""Folders that one process at a time writes to, and files that are whole or not there.

While NAME is written it is called ``.NAME.robustpose.part``, locked by who writes it. A part that nobody holds is what
a killed process left: it goes when NAME is written again, or when its folder is claimed.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from robustpose.errors import UserError
from robustpose.locks import NO_LINKS, is_at, open_and_lock, release, try_lock
from robustpose.stopping import hold_signals

LOCK_NAME = ".lock"
PART = re.compile(r"\..+\.(robustpose|\d+)\.part")  # with a number: as version 0.1.0 left them
LONGEST_NAME = 200  # bytes of a name that becomes part of another; file systems take 255
PATIENCE = 10.0  # seconds that another process has to finish the file that this one is to write
# Of a place that takes nothing from the beginning on, so that nothing there can be kept.
BEFORE_WORK = (
    errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EINVAL,
)  # fmt: skip
ADVICE = {
    errno.ENOSPC: "make room there, or choose another place",
    errno.EDQUOT: "your share of that disk is used up: make room there, or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "this machine has too many files open: try again later",
    errno.EIO: "check that disk, or choose another place",
}


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Make a folder, and keep other processes from writing to it. A killed process holds no lock.

    After an error, a folder that was made here and holds nothing is gone again, and so is a lock that was new.
    """
    with writing_to(path):
        made = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
        path.mkdir(parents=True, exist_ok=True)
        is_new = not os.path.lexists(path / LOCK_NAME)
        lock = open_and_lock(path / LOCK_NAME)
    if lock is None:
        raise UserError(f"another process is writing to {path.absolute()}: wait for it, or choose another --out")
    try:
        yield
    except BaseException:
        with suppress(OSError):
            if is_new:
                (path / LOCK_NAME).unlink()
            for folder in made:
                folder.rmdir()
        raise
    finally:
        release(lock)


@contextmanager
def hold_folder(path: Path) -> Iterator[None]:
    """Lock a folder that is known to be ours, and keep it free of unfinished files."""
    with lock_folder(path), without_parts(path):
        yield


@contextmanager
def without_parts(folder: Path) -> Iterator[None]:
    """Remove what killed processes left in a folder, and after an error what this one and its workers left."""
    remove_parts(folder)
    try:
        yield
    except BaseException:
        remove_parts(folder)
        raise


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn an OSError while `path` is written, such as a full disk, into a UserError."""
    try:
        yield
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "choose another place")
        kept = "" if error.errno in BEFORE_WORK else "finished work is kept; "
        raise UserError(f"cannot write {path.absolute()} ({_explain(error, path)}): {kept}{advice}") from error


def _explain(error: OSError, path: Path) -> str:
    """Return why `path` cannot be written."""
    with suppress(OSError):
        for place in (path, *path.parents) if isinstance(error, FileExistsError | NotADirectoryError) else ():
            if os.path.lexists(place) and not place.is_dir():
                whole = place.absolute()
                return f"{whole} is no folder" if place.exists() else f"{whole} is a link to nothing"
    return error.strerror or str(error)


class _RawFile(io.FileIO):
    """A file that remembers why it could not be written: some libraries make another error of it."""

    failure: OSError | None = None

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            self.failure = error
            raise


class _CheckedFile(io.BufferedWriter):
    """A file without a number, through which Pillow would write past Python, blind to a disk that takes only a part."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("write through this object")

    def write(self, content: Any, /) -> int:
        """Write, or take no notice of what comes once the file is closed.

        PyTorch's writer that an exception came into ends its archive when it is forgotten, in a destructor in which an
        error ends the process.
        """
        return len(content) if self.closed else super().write(content)


@contextmanager
def open_whole(path: Path, sync: bool = False) -> Iterator[IO[bytes]]:
    """Open a file to write: it is there, whole, when the block ends, and not before. Its folder is made.

    With `sync` it is whole even after a loss of power. If the file system refuses, what was at `path` before is still
    there, and nothing else.
    """
    part, raw = _Part(path), None
    with writing_to(path):
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is a folder" if path.is_dir() else "it is no file")  # such as /dev/null
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.take()
            # Opened again, and closed before the file is in its place: some file systems say only then that it is full.
            with _RawFile(part.path, "r+") as raw, _CheckedFile(raw) as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(raw.fileno())
            part.path.replace(path)
        except BaseException as error:
            part.remove()  # on a full disk, its room is needed
            if isinstance(error, Exception) and raw is not None and raw.failure is not None:
                raise raw.failure from error
            raise
        finally:
            part.release()


class _Part:
    """What a file is called while it is written, and the lock on it."""

    def __init__(self, path: Path) -> None:
        self._whole = path
        name = path.name
        if len(os.fsencode(name)) > LONGEST_NAME:
            name = hashlib.sha256(os.fsencode(name)).hexdigest()
        self.path = path.with_name(f".{name}.robustpose.part")
        self._held: int | None = None

    def take(self) -> None:
        """Make the file, and hold it. One that is there is removed, or waited for if another process holds it."""
        deadline = time.monotonic() + PATIENCE
        while self._held is None:
            with hold_signals():  # what has been made is known to have been
                if _remove_part(self.path):
                    self._make()
            if self._held is None:
                if time.monotonic() > deadline:
                    raise UserError(f"another process is writing {self._whole}: wait for it, or choose another place")
                time.sleep(0.02)

    def _make(self) -> None:
        with suppress(FileExistsError):  # another process was faster
            number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            if try_lock(number) is not False and is_at(number, self.path):
                self._held = number
            else:
                release(number)

    def remove(self) -> None:
        """Remove the file, if it is ours."""
        if self._held is not None and is_at(self._held, self.path):
            with suppress(OSError):
                self.path.unlink()

    def release(self) -> None:
        """Hold it no longer."""
        if self._held is not None:
            release(self._held)


def _remove_part(part: Path) -> bool:
    """Remove a file unless a process holds it; tell whether it has gone. A link is removed, not what it leads to."""
    try:
        if not stat.S_ISREG(part.lstat().st_mode):
            part.unlink()
            return True
        file = os.open(part, os.O_RDWR | NO_LINKS)
    except FileNotFoundError:
        return True
    try:
        if try_lock(file) is False:
            return False
        if is_at(file, part):
            part.unlink()
        return True
    finally:
        release(file)


def remove_parts(folder: Path) -> None:
    """Remove the unfinished files that killed processes left in a folder. Only who holds its lock may call this."""
    for place, _, names in os.walk(folder):
        for name in filter(PART.fullmatch, names):
            with suppress(OSError):
                _remove_part(Path(place, name))


def write_text(path: Path, text: str, sync: bool = False) -> None:
    """Write a text file, whole or not at all: see `open_whole`."""
    with open_whole(path, sync) as file:
        file.write(text.encode())


def name_in_text(path: Path) -> str:
    """Return the name of a file or folder for results: bytes in it that are no text are escapes, such as `\\udce9`."""
    return path.name.encode("utf-8", "backslashreplace").decode()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def list_differences(old: Any, new: Any, *, words: tuple[str, str] = ("there", "now")) -> list[str]:
    """Return lines such as `estimator.sha256: 'a' there, 'b' now`, of an old setup, read from JSON, and a new one."""
    return [  # tuples become lists, as in the file
        f"{where}: {_short(before)} {words[0]}, {_short(now)} {words[1]}"
        for where, before, now in _differences(old, json.loads(json.dumps(new)), "")
    ]


def _differences(old: Any, new: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
    elif old != new:
        yield where, old, new


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 24 else text[:21] + "…" + text[-1]
