"""Run folders: one process at a time, one setup, and files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import filelock

from robustpose.errors import UserError

LOCK_NAME = ".lock"


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Make a run folder, and keep other processes from writing to it. A killed process holds no lock.

    Raises:
        UserError: the folder cannot be written to, or another process holds it.
    """
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
def open_whole(path: Path, sync: bool = False) -> Iterator[IO[bytes]]:
    """Open a file to write: it is there, whole, when the block ends, and not before.

    Args:
        path: of the file.
        sync: wait for the disk, so that it is whole even after a loss of power.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        yield file
        if sync:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with open_whole(path) as file:
        file.write(text.encode())


def list_differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Return lines such as `estimator.sha256: 'a' there, 'b' now` for two setups in JSON's types."""
    if isinstance(old, dict) and isinstance(new, dict):
        lines = []
        for key in [*old, *(key for key in new if key not in old)]:
            lines += list_differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
        return lines
    return [] if old == new else [f"{where}: {_short(old)} there, {_short(new)} now"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 24 else text[:21] + "…" + text[-1]
