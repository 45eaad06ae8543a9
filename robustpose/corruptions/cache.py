"""A bounded cache of random fields: a field that depends on an image's size but not on the image is drawn once.

Least recently used fields go first. Safe under threads; every process has its own. The limit is 320 MB, or the number
of MB in the environment variable ROBUSTPOSE_CACHE_MB.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
DEFAULT_LIMIT = 320 * 2**20  # bytes; with the libraries around it, a process stays under 700 MB


class FieldCache:
    """Keep arrays, and tuples or lists of arrays, up to `limit` bytes. A larger field is made anew every time."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._fields: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Return the bytes that are held now."""
        return self._size

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the field of `key`, made by `make` if it is not there. Nobody may write to it."""
        with self._lock:
            if key in self._fields:
                self._fields.move_to_end(key)
                return self._fields[key][0]
        field = make()  # outside the lock: two threads may make the same field, and it is the same
        self.put(key, field)
        return field

    def put(self, key: Hashable, field: Any) -> None:
        """Take in a field in place of an older one of the same key."""
        size = 0
        for array in _arrays_in(field):
            array.flags.writeable = False
            size += array.nbytes
        with self._lock:
            if key in self._fields:
                self._size -= self._fields.pop(key)[1]
            if size <= self._limit:
                self._fields[key] = field, size
                self._size += size
            while self._size > self._limit:
                _, (_, size) = self._fields.popitem(last=False)
                self._size -= size

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._fields.clear()
            self._size = 0


def _arrays_in(field: Any) -> list[np.ndarray[Any, Any]]:
    if isinstance(field, np.ndarray):
        return [field]
    if isinstance(field, tuple | list):
        return [array for part in field for array in _arrays_in(part)]
    return []


_megabytes = os.environ.get("ROBUSTPOSE_CACHE_MB", "")
CACHE = FieldCache(int(_megabytes) * 2**20 if _megabytes.isdigit() else DEFAULT_LIMIT)
