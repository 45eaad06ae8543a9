"""Arrays from one process to another: the numbers through memory that both see, only their shapes through a pipe.

The memory has no name. So nothing is left of it when processes are killed, and it needs no room in /dev/shm, of which
containers have little.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Anything = npt.NDArray[Any]
ALIGNED = 64  # bytes: where an array may begin


class Place(NamedTuple):
    """Where an array lies in memory that is shared."""

    start: int  # byte
    shape: tuple[int, ...]
    dtype: str


class ArrayPipe:
    """One end of a pipe for arrays, which come and go in turns: who has sent does not write before the answer is there.

    Each side owns the memory that it writes to, of the size of the largest arrays so far.

    >>> from multiprocessing import Pipe
    >>> here, there = map(ArrayPipe, Pipe())
    >>> here.place([((2, 3), np.dtype("float32"))])[0][:] = 7
    >>> here.send("sevens")
    >>> note, (sevens,) = there.receive()
    >>> note, float(sevens.sum())
    ('sevens', 42.0)
    """

    def __init__(self, end: Connection) -> None:
        self.end = end
        self._own: mmap.mmap | None = None
        self._theirs: mmap.mmap | None = None
        self._new: int | None = None  # descriptor of own memory that the other side has not got yet
        self._places: list[Place] = []

    def place(self, kinds: Sequence[tuple[Sequence[int], np.dtype[Any]]]) -> list[Anything]:
        """Return arrays of these shapes and types, to be filled; the next `send` sends them."""
        start, self._places = 0, []
        for shape, dtype in kinds:
            self._places.append(Place(start, tuple(shape), dtype.str))
            n_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            start += -(-n_bytes // ALIGNED) * ALIGNED
        if self._own is None or len(self._own) < start:
            self._close_new()
            self._new = _make_memory(max(start, mmap.PAGESIZE))
            self._own = mmap.mmap(self._new, 0)  # the one before goes with its last array
        return [_view(self._own, place) for place in self._places]

    def send(self, note: Any) -> None:
        """Send a note and the arrays that `place` gave since the last time, if it did."""
        self.end.send((note, self._places, self._new is not None))
        if self._new is not None:
            reduction.send_handle(self.end, self._new, 0)
            self._close_new()
        self._places = []

    def receive(self) -> tuple[Any, list[Anything]]:
        """Return the note that comes, and its arrays, which hold until this side sends; EOFError if nobody is there."""
        note, places, is_new = self.end.recv()
        if is_new:
            descriptor = reduction.recv_handle(self.end)
            self._theirs = mmap.mmap(descriptor, 0)
            os.close(descriptor)
        if not places:
            return note, []
        assert self._theirs is not None
        return note, [_view(self._theirs, place) for place in places]

    def _close_new(self) -> None:
        if self._new is not None:
            os.close(self._new)
            self._new = None


def _make_memory(n_bytes: int) -> int:
    """Return the descriptor of memory of so many bytes, without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("robustpose")
    else:  # a file that is removed at once, and kept in memory as far as the system likes
        descriptor, path = tempfile.mkstemp()
        Path(path).unlink()
    os.ftruncate(descriptor, n_bytes)
    return descriptor


def _view(memory: mmap.mmap, place: Place) -> Anything:
    dtype = np.dtype(place.dtype)
    n = int(np.prod(place.shape, dtype=np.int64))
    return np.frombuffer(memory, dtype, n, place.start).reshape(place.shape) if n else np.empty(place.shape, dtype)
