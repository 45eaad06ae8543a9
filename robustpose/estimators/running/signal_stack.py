"""The stack that signals are handled on, kept as it was while a library is loaded that puts its own in its place."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))  # Linux's stack_t


@contextmanager
def same_signal_stack() -> Iterator[None]:
    """Put this thread's alternate signal stack back to what it was before the block; on Linux alone.

    OpenVINO sets one when it compiles a network and frees it with that network. Freed in another thread, or after one
    that was compiled later, it stays set, and the next signal, such as that of a worker that ends, kills the process.
    """
    if sys.platform != "linux":
        yield
        return
    library, before = ctypes.CDLL(None), _Stack()
    is_known = library.sigaltstack(None, ctypes.byref(before)) == 0
    try:
        yield
    finally:
        if is_known:
            library.sigaltstack(ctypes.byref(before), None)
