"""One interface of random numbers under every seed, for corruptions of one's own: that of NumPy's `Generator`.

The legacy generator of ``release`` learns what `Generator` has beyond it, on its own stream; what both have keeps its
numbers. The independent one still answers to the legacy names `rand`, `randn`, `randint` and `random_sample`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class LegacyRng(np.random.RandomState):
    """NumPy's legacy generator with all methods and arguments of `Generator`."""

    def integers(
        self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, endpoint: bool = False
    ) -> Any:
        """Draw integers from `low` (included) to `high` (excluded, or included with `endpoint`); from 0 to `low`."""
        low, high = (0, low) if high is None else (low, high)
        if endpoint:
            high = high + 1 if isinstance(high, int) else np.asarray(high) + 1
        return self.randint(low, high, size, dtype)

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Draw numbers in [0, 1)."""
        return _fit(self.random_sample, size, dtype, out)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Draw standard normal numbers."""
        return _fit(super().standard_normal, size, dtype, out)

    def standard_exponential(
        self, size: Any = None, dtype: Any = np.float64, method: str = "inv", out: Any = None
    ) -> Any:
        """Draw exponential numbers; there is one method."""
        return _fit(super().standard_exponential, size, dtype, out)

    def standard_gamma(self, shape: Any, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Draw gamma numbers."""
        draw = super().standard_gamma
        return _fit(lambda size: draw(shape, size), size, dtype, out)

    def choice(
        self, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0, shuffle: bool = True
    ) -> Any:
        """Draw from a sequence, or from 0..a−1; always shuffled."""
        if np.ndim(a) < 2:
            return super().choice(a, size, replace, p)
        return np.take(a, super().choice(np.shape(a)[axis], size, replace, p), axis)

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Put a sequence into another order, in place."""
        super().shuffle(x if axis == 0 else np.swapaxes(x, 0, axis))

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """Return a sequence, or 0..x−1, in another order."""
        if axis == 0:
            return super().permutation(x)
        permuted = np.array(x)
        self.shuffle(permuted, axis)
        return permuted

    def __getattr__(self, name: str) -> Any:
        """Return what `Generator` alone has, drawing from this stream."""
        return getattr(np.random.Generator(self._bit_generator), name)


class NamedGenerator(np.random.Generator):
    """NumPy's generator with the usual legacy names."""

    def rand(self, *shape: int) -> Any:
        """Draw numbers in [0, 1)."""
        return self.random(shape or None)

    def randn(self, *shape: int) -> Any:
        """Draw standard normal numbers."""
        return self.standard_normal(shape or None)

    def random_sample(self, size: Any = None) -> Any:
        """Draw numbers in [0, 1)."""
        return self.random(size)

    def randint(self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64) -> Any:
        """Draw integers from `low` (included) to `high` (excluded), or from 0 to `low`."""
        return self.integers(low, high, size, dtype)


def _fit(draw: Any, size: Any, dtype: Any, out: Any) -> Any:
    """Return what `draw` gives for a size as numbers of a type, in `out` if there is one."""
    drawn = draw(np.shape(out) if size is None and out is not None else size)
    if out is not None:
        out[...] = drawn
        return out
    if np.dtype(dtype) == np.float64:
        return drawn
    return np.asarray(drawn, dtype) if np.ndim(drawn) else np.dtype(dtype).type(drawn)
