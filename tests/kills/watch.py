"""Watch a folder: count what happens in it, with inotify, so that a command can be stopped in the middle of a write."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

MODIFIED, CLOSED, MOVED_HERE, CREATED, DELETED = 0x2, 0x8, 0x80, 0x100, 0x200
IS_FOLDER = 0x40000000
HEADER = struct.Struct("iIII")  # number of the watch, what happened, a cookie, length of the name


class Watch:
    """What happens in a folder and its subfolders from now on: files that are made, written, closed, named, removed."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no inotify")
        self._folders: dict[int, Path] = {}
        self.n_events = 0
        for place, _, _ in os.walk(folder):
            self._add(Path(place))

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def wait_for(self, n_events: int, is_over: Callable[[], bool], seconds: float) -> bool:
        """Wait until `n_events` have happened; False if it is over, or the time is up, before."""
        deadline = time.monotonic() + seconds
        while self.n_events < n_events:
            select.select([self._file], [], [], 0.05)
            self._read()
            if self.n_events < n_events and (is_over() or time.monotonic() > deadline):
                self._read()
                return self.n_events >= n_events
        return True

    def _add(self, folder: Path) -> None:
        wanted = MODIFIED | CLOSED | MOVED_HERE | CREATED | DELETED
        number = self._libc.inotify_add_watch(self._file, os.fsencode(folder), wanted)
        if number >= 0:  # else it has gone already
            self._folders[number] = folder

    def _read(self) -> None:
        try:
            content = os.read(self._file, 1 << 16)
        except BlockingIOError:
            return
        at = 0
        while at < len(content):
            number, what, _, length = HEADER.unpack_from(content, at)
            name = content[at + HEADER.size : at + HEADER.size + length].rstrip(b"\0")
            at += HEADER.size + length
            self.n_events += 1
            if what & IS_FOLDER and what & (CREATED | MOVED_HERE) and number in self._folders:
                self._add(self._folders[number] / os.fsdecode(name))
