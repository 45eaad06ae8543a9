"""Seeds: which random numbers a cell gets.

``release``: NumPy's legacy ``RandomState(1)``, made anew for every (image, corruption, severity), as the released
benchmark did. Every image of one size gets the same noise, the same frost and the same streaks.

independent (an integer, or a pair (run seed, image id)): ``Philox`` with the 128-bit key
``BLAKE2b-128("robustpose:1:" + run_seed + ":" + image_id + ":" + corruption + ":" + severity)`` (UTF-8, little endian,
image id empty for a bare integer). The key depends on nothing else, so order, batches and processes do not matter. The
number after the first colon is the formula's version.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError

Seed = str | int | tuple[int, int | str]
Rng = np.random.RandomState | np.random.Generator


def make_rng(seed: Seed, corruption: str, severity: int) -> Rng:
    """Return the generator for one image in one cell.

    Args:
        seed: ``"release"``, a run seed, or (run seed, image id).
        corruption: its name.
        severity: 1..5.

    Raises:
        UserError: `seed` is none of the three.
    """
    if isinstance(seed, str):
        if seed != "release":
            raise UserError(f"seed must be 'release', an integer or (run seed, image id), got '{seed}'")
        return np.random.RandomState(1)
    run_seed, image_id = seed if isinstance(seed, tuple) else (seed, "")
    if not isinstance(run_seed, int | np.integer):
        raise UserError(f"seed must be 'release', an integer or (run seed, image id), got {seed!r}")
    text = f"robustpose:1:{run_seed}:{image_id}:{corruption}:{severity}"
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def draw_integers(rng: Rng, low: int, high: int, size: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Draw integers of `size` from low (included) to high (excluded) with either kind of generator."""
    if isinstance(rng, np.random.RandomState):
        return rng.randint(low, high, size=size)
    return rng.integers(low, high, size=size)
