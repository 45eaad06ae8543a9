"""Files that were brought to a node: each once, whole and checked, in a folder that all its workers share.

They stay for the next command. What no worker has used for `UNUSED` seconds, and none is using, goes when one starts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from robustpose.carried import NAMED, place_files
from robustpose.errors import UserError
from robustpose.files import hash_file, open_whole, writing_to

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"
UNUSED = 7 * 24 * 3600.0
_in_use: list[int] = []  # files that this process has open, and so locked, until it ends


def bring_files(references: Mapping[str, Any]) -> None:
    """Have each file, of which there are references in Ray's object store by SHA-256, in this node's folder."""
    try:
        folder = find_folder()
        with _alone_in(folder):  # one worker brings, the others of the node find what it brought
            for digest, reference in references.items():
                _bring(folder / digest, reference)
            with suppress(OSError):
                remove_unused(folder, time.time() - UNUSED)
    except UserError as error:
        raise UserError(f"node {socket.gethostname()}: {error}") from error
    place_files(folder)


def find_folder() -> Path:
    """Return the folder of this user on this node, into which nobody else can put anything."""
    above = Path(tempfile.gettempdir()) / f"robustpose-{os.getuid() if hasattr(os, 'getuid') else 'files'}"
    with writing_to(above):
        above.mkdir(mode=0o700, exist_ok=True)
        about = above.lstat()
        if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
            raise UserError(f"{above} is not a folder of this user: remove it, or set TMPDIR on the nodes")
        folder = above / "brought"
        folder.mkdir(exist_ok=True)
    return folder


def remove_unused(folder: Path, before: float) -> None:
    """Remove what was last used before a time, and is in use by no process. Called by one process at a time."""
    for around in (folder / NAMED).glob("*"):
        if all(_is_unused(path, before) for path in (around, *around.rglob("*"))):
            shutil.rmtree(around, ignore_errors=True)
    for path in folder.iterdir():
        if path.is_file() and path.name != LOCK and _is_unused(path, before):
            path.unlink(missing_ok=True)


def _bring(path: Path, reference: Any) -> None:
    import ray

    if not path.is_file() or hash_file(path) != path.name:
        content = ray.get(reference)
        if hashlib.sha256(content).hexdigest() != path.name:
            raise UserError(f"a file has changed on its way (SHA-256 {path.name[:12]}…): try again")
        with open_whole(path) as file:
            file.write(content)
    with writing_to(path):
        _use(path)


def _use(path: Path) -> None:
    """Note that a file is used now, and until this process ends. The time it was made, which tells changes, stays."""
    file = os.open(path, os.O_RDONLY)
    _in_use.append(file)
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    if sys.platform != "win32":
        with suppress(OSError):  # a file system without locks: what was used lately stays, too
            fcntl.flock(file, fcntl.LOCK_SH)


def _is_unused(path: Path, before: float) -> bool:
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        return about.st_mtime < before
    if max(about.st_atime, about.st_mtime) >= before:
        return False
    if sys.platform == "win32":
        return True
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Have other processes of this node wait until the block ends, or this process does."""
    with writing_to(folder):
        file = (folder / LOCK).open("a")
    with file:
        if sys.platform != "win32":
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
