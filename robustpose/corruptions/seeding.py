"""Seeds: which random numbers a cell gets.

``release``: NumPy's legacy ``RandomState(1)``, made anew for every (image, corruption, severity), as the released
benchmark did. Every image of one size gets the same noise, the same frost and the same streaks, and these are drawn
once per size and kept.

independent (an integer, or a pair (run seed, image id)): a generator seeded with the 128-bit number
``BLAKE2b-128("robustpose:1:" + run_seed + ":" + image_id + ":" + corruption + ":" + severity)`` (UTF-8, little endian,
image id empty for a bare integer). It depends on nothing else, so order, batches and processes do not matter. The
number after the first colon is the formula's version.

Whatever the seed, a corruption draws by the methods of NumPy's `Generator`: see `generators`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.cache import CACHE
from robustpose.corruptions.generators import LegacyRng, NamedGenerator
from robustpose.errors import UserError

Seed = str | int | tuple[int, int | str]
Shape = tuple[int, ...]
T = TypeVar("T")
Memo = dict[str, Any]  # what the cells of one image share


class _Shares:
    """The part of every generator that holds results which the cells of one image share."""

    memo: Memo

    def once_per_image(self, name: str, make: Callable[[], T]) -> T:
        """Return the result of this name, which `make` computes unless another cell of the same image has done so.

        It depends on nothing but the image: on no severity, and on no random numbers.
        """
        if name not in self.memo:
            self.memo[name] = make()
        return self.memo[name]


class ReleaseRng(LegacyRng, _Shares):
    """NumPy's legacy generator seeded with 1. Its stream is the same every time, so what is drawn from it is kept."""

    def __init__(self, memo: Memo) -> None:
        super().__init__(1)
        self.memo = memo

    def draw_once(self, name: str, size: Shape, make: Callable[[], T]) -> T:
        """Return the field of a name and a size, which `make` draws unless it is in the cache.

        `make` draws from this generator, before anything else is drawn from it. Corruptions that draw the same field
        may share its name.
        """
        return CACHE.get((name, *size), make)

    def first_normals(self, n: int) -> npt.NDArray[np.float64]:
        """Return the first n standard normal numbers of the stream, read-only: they are the same for every image."""
        return _first("normals", n, np.random.RandomState.standard_normal)[:n]

    def first_uniforms(self, n: int) -> npt.NDArray[np.float64]:
        """Return the first n numbers in [0, 1) of the stream, read-only."""
        return _first("uniforms", n, np.random.RandomState.random_sample)[:n]

    def first_integers(self, high: int, n: int) -> npt.NDArray[np.uint8]:
        """Return the first n integers in [0, high) of the stream, high up to 256, read-only."""

        def draw(rng: np.random.RandomState, n: int) -> npt.NDArray[np.uint8]:
            return rng.randint(0, high, n).astype(np.uint8)

        return _first(f"integers below {high}", n, draw)[:n]

    def normals_then_uniform(self, shape: Shape) -> tuple[npt.NDArray[np.float64], float]:
        """Return standard normal numbers of `shape`, and the number in [0, 1) that the stream goes on with."""
        n = math.prod(shape)

        def draw_next() -> float:
            self.standard_normal(n)
            return self.random_sample()

        return self.first_normals(n).reshape(shape), CACHE.get(("uniform after normals", n), draw_next)

    def first_uniforms_and_sums(
        self, n: int, add_up: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.uint32]]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32]]:
        """Return at least n numbers in [0, 1), as many as are kept, and the running sums by `add_up` (one more)."""
        uniforms = _first("uniforms", n, np.random.RandomState.random_sample)
        sums = CACHE.get("sums", lambda: add_up(uniforms))
        if len(sums) != len(uniforms) + 1:  # of a shorter beginning
            sums = add_up(uniforms)
            CACHE.put("sums", sums)
        return uniforms, sums

    def integers_below(self, low: int, high: int, size: Shape) -> npt.NDArray[np.int64]:
        """Draw integers from low (included) to high (excluded)."""
        return self.randint(low, high, size=size)


class IndependentRng(NamedGenerator, _Shares):
    """A fast generator that belongs to one image in one cell: nothing it draws is kept."""

    def __init__(self, seed: int, memo: Memo) -> None:
        super().__init__(np.random.SFC64(seed))
        self.memo = memo

    def draw_once(self, name: str, size: Shape, make: Callable[[], T]) -> T:
        """Return what `make` draws."""
        return make()

    def first_uniforms(self, n: int) -> npt.NDArray[np.float64]:
        """Draw n numbers in [0, 1)."""
        return self.random(n)

    def normals_then_uniform(self, shape: Shape) -> tuple[npt.NDArray[np.float64], float]:
        """Draw standard normal numbers of `shape`, and a number in [0, 1)."""
        return self.standard_normal(shape), self.random()

    def words(self, n: int, kind: type[np.uint16] | type[np.uint32]) -> npt.NDArray[Any]:
        """Draw n words of 16 or 32 random bits: nothing is cheaper to draw."""
        return self.bit_generator.random_raw(-(-n * kind().itemsize // 8)).view(kind)[:n]

    def integers_below(self, low: int, high: int, size: Shape) -> npt.NDArray[np.int64]:
        """Draw integers from low (included) to high (excluded)."""
        return self.integers(low, high, size=size)


Rng = ReleaseRng | IndependentRng
Drawer = np.random.RandomState | IndependentRng  # for corruptions that have a second generator: see `draw_drawer`


def make_rng(seed: Seed, corruption: str, severity: int, memo: Memo) -> Rng:
    """Return the generator for one image in one cell.

    `seed` is ``"release"``, a run seed, or (run seed, image id). `memo` has the results that the cells of this image
    share; it is filled further.
    """
    if seed == "release":
        return ReleaseRng(memo)
    run_seed, image_id = seed if isinstance(seed, tuple) else (seed, "")
    if not isinstance(run_seed, int | np.integer):
        raise UserError(f"seed must be 'release', an integer or (run seed, image id), got {seed!r}")
    text = f"robustpose:1:{run_seed}:{image_id}:{corruption}:{severity}"
    return IndependentRng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little"), memo)


def draw_drawer(rng: Rng) -> Drawer:
    """Draw the seed of a second generator and return that, under ``release``; else the first one, for both purposes."""
    return rng if isinstance(rng, IndependentRng) else np.random.RandomState(rng.randint(0, 2**32))


def _first(name: str, n: int, draw: Callable[[np.random.RandomState, int], Any]) -> npt.NDArray[Any]:
    """Return at least the first n numbers that `draw` draws from RandomState(1), as many as are kept."""
    kept = CACHE.get(("stream", name), lambda: draw(np.random.RandomState(1), n))
    if len(kept) < n:
        kept = draw(np.random.RandomState(1), n)
        CACHE.put(("stream", name), kept)
    return kept
