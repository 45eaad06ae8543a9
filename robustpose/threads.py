"""Threads: numerical libraries keep to one a process, because the work is shared out over processes.

They read these variables of the environment once, when they are loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def use_one_thread() -> None:
    """Keep libraries that are loaded later to one thread, here and in processes that are started later."""
    for name in VARIABLES:
        os.environ.setdefault(name, "1")


@contextmanager
def one_thread_elsewhere() -> Iterator[None]:
    """Keep libraries to one thread in processes that are started in the block. What the user has set stays."""
    added = [name for name in VARIABLES if name not in os.environ]
    use_one_thread()
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
