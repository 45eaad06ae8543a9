"""Random numbers of training, each a pure function of what it is for: nothing has to be saved to go on exactly.

The key is ``BLAKE2b-128("robustpose-train:1:" + run_seed + ":" + purpose + ":" + numbers joined by ":")`` (UTF-8,
little endian): of ``Philox`` for NumPy, its lower 63 bits for PyTorch. The 1 is the formula's version.
"""

from __future__ import annotations

import hashlib

import numpy as np


def make_rng(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the generator for one purpose, say `crop` of epoch 3 and person 17."""
    return np.random.Generator(np.random.Philox(key=_make_key(seed, purpose, *numbers)))


def make_torch_seed(seed: int, purpose: str, *numbers: int) -> int:
    """Return the seed of PyTorch's generator for one purpose, say `step` 1200 on process 0."""
    return _make_key(seed, purpose, *numbers) & (2**63 - 1)


def _make_key(seed: int, purpose: str, *numbers: int) -> int:
    text = ":".join(["robustpose-train:1", str(seed), purpose, *map(str, numbers)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
