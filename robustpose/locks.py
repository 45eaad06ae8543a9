"""Locks: an open file that one process holds. However that process ends, its lock ends with it."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}  # some network file systems
NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_held: set[int] = set()  # closed in forked processes, which would keep the locks of a parent that was killed


def open_and_lock(path: Path) -> int | None:
    """Return the number of a file, made if it is not there, that is locked until `release`; None if another holds it.

    Where the file system has no locks, that is a warning.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINKS, 0o666)
        locked = try_lock(file)
        if locked is None:
            warnings.warn(
                f"{path.parent} is on a file system without locks: start no second command there", stacklevel=2
            )
        elif not locked:
            release(file)
            return None
        if is_at(file, path):
            return file
        release(file)  # it was removed after it was opened


def is_held(path: Path) -> bool:
    """Tell whether a process holds a file, as far as this one may ask."""
    try:
        file = os.open(path, os.O_RDWR | NO_LINKS)
    except OSError:
        return False
    try:
        return try_lock(file) is False
    finally:
        release(file)


def try_lock(file: int) -> bool | None:
    """Lock an open file until `release`: False if another process holds it, None where there are no locks."""
    _held.add(file)
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return True


def release(file: int) -> None:
    """Close a file, and with it end its lock."""
    _held.discard(file)
    os.close(file)


def is_at(file: int, path: Path) -> bool:
    """Tell whether an open file is the one that a path names now."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except FileNotFoundError:
        return False


def _forget_held() -> None:
    for file in _held:
        os.close(file)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_held)
