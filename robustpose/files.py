"""Run folders: one process at a time, and files that are whole or not there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import filelock

from robustpose.errors import UserError

LOCK_NAME = ".lock"
PART = re.compile(r"\..+\.\d+\.part")  # .NAME.PROCESS.part: what `open_whole` has not finished


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Make a run folder, and keep other processes from writing to it. A killed process holds no lock."""
    lock = filelock.FileLock(path / LOCK_NAME, timeout=0)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError(f"another process is writing to {path}: wait for it, or choose another --out") from error
    except (OSError, NotImplementedError) as error:
        raise UserError(f"cannot write to the run folder {path} ({error}): choose another --out") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn an OSError while `path` is written (disk full, read-only) into a UserError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"cannot write {path} ({reason}): finished work is kept; make room there, or choose another --out"
        ) from error


class _CheckedFile(io.BufferedWriter):
    """A file without a number, through which Pillow would write past Python, blind to a disk that takes only a part."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("write through this object")


@contextmanager
def open_whole(path: Path, sync: bool = False) -> Iterator[IO[bytes]]:
    """Open a file to write: it is there, whole, when the block ends, and not before. Its folder is made.

    With `sync` it is whole even after a loss of power. If the file system refuses, what was at `path` before is still
    there, and nothing else.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing_to(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb", buffering=0) as raw, _CheckedFile(raw) as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(raw.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()  # on a full disk, its room is needed
            raise


def remove_parts(folder: Path) -> None:
    """Remove the unfinished files that killed processes left in a folder. Only who holds its lock may call this."""
    for place, _, names in os.walk(folder):
        for name in filter(PART.fullmatch, names):
            with suppress(OSError):
                Path(place, name).unlink()


def write_text(path: Path, text: str, sync: bool = False) -> None:
    """Write a text file, whole or not at all: see `open_whole`."""
    with open_whole(path, sync) as file:
        file.write(text.encode())


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def list_differences(old: Any, new: Any) -> list[str]:
    """Return lines such as `estimator.sha256: 'a' there, 'b' now`, of an old setup, read from JSON, and a new one."""
    return list(_differences(old, json.loads(json.dumps(new)), ""))  # tuples become lists, as in the file


def _differences(old: Any, new: Any, where: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
    elif old != new:
        yield f"{where}: {_short(old)} there, {_short(new)} now"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 24 else text[:21] + "…" + text[-1]
