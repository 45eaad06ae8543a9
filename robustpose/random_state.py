"""Global generators of random numbers, put back to where they were: for what is only tried."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Put the generators of Python, NumPy and, where it is loaded, PyTorch back after the block.

    >>> with same_random_numbers():
    ...     tried = random.random()
    >>> random.random() == tried
    True
    """
    torch = sys.modules.get("torch")
    of_python, of_numpy = random.getstate(), np.random.get_state()
    of_torch = None if torch is None else torch.get_rng_state()
    has_devices = torch is not None and torch.cuda.is_initialized()
    on_devices = torch.cuda.get_rng_state_all() if torch is not None and has_devices else None
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        if torch is not None and of_torch is not None:
            torch.set_rng_state(of_torch)
        if torch is not None and on_devices is not None:
            torch.cuda.set_rng_state_all(on_devices)
