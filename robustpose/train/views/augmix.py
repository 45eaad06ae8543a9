"""AugMix: three chains of colour operations, mixed with each other and with the crop (Hendrycks et al., ICLR 2020).

Of its nine operations these are left: autocontrast, equalize and solarize. Rotation, shear and translation move joints,
and posterize is what the corruption color_quantization does. The program leaves out colour, contrast, brightness and
sharpness itself, since they come close to corruptions. `permute` is ours, so that chains do not all look alike: the
channels change places, which keeps value and saturation (of HSV) as they are, and so overlaps with no corruption.

Width, depth and both alphas are the program's. So is the severity, 3, of its reference in NumPy; at its ImageNet's 1,
solarize would reach highlights alone, and what moves pixels is not there to make up for it.

    >>> crop = np.random.default_rng(0).integers(0, 256, (128, 96, 3), np.uint8)
    >>> apply_augmix(crop, np.random.default_rng(1)).shape
    (128, 96, 3)
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image
from robustpose.train.views.levels import (
    UNCHANGED,
    Counts,
    Tables,
    autocontrast,
    chain,
    count_levels,
    count_through,
    equalize,
    flatten,
    solarize,
)

WIDTH = 3  # chains
MOST_STEPS = 3  # of a chain; at least one
SEVERITY = 3.0  # largest level of an operation; the least is 0.1
OPERATIONS = ("autocontrast", "equalize", "solarize", "permute")
PERMUTATIONS = np.array([[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])  # all that change something

Shares = npt.NDArray[np.float32]  # (3, 3, 256) by channel, channel of the crop, and value there


@dataclass(frozen=True, eq=False)
class Chain:
    """Colour operations one after the other: channel c becomes `tables[c]` of the crop's channel `order[c]`."""

    tables: Tables
    order: npt.NDArray[np.int64]  # (3,)


def apply_augmix(crop: Image, rng: np.random.Generator) -> Image:
    """Return a new crop (h, w, 3): (1 − m)·crop + m·Σ w_i·chain_i, with w of Dirichlet(1, 1, 1) and m of Beta(1, 1).

    Chains have 8 bits between their operations, as in the program; the sum is rounded.
    """
    values = flatten(crop)
    counts = count_levels(values)
    weights = rng.dirichlet(np.ones(WIDTH))
    share = rng.beta(1, 1)
    shares = np.zeros((3, 3, 256), np.float32)
    shares[range(3), range(3)] = (1 - share) * UNCHANGED
    for weight in share * weights:
        drawn = draw_chain(counts, int(rng.integers(1, MOST_STEPS + 1)), rng)
        shares[range(3), drawn.order] += weight * drawn.tables
    return _sum_up(values, shares).reshape(crop.shape)


def apply_operation(crop: Image, rng: np.random.Generator) -> Image:
    """Return a new crop (h, w, 3) after one operation."""
    values = flatten(crop)
    drawn = draw_chain(count_levels(values), 1, rng)
    shares = np.zeros((3, 3, 256), np.float32)
    shares[range(3), drawn.order] = drawn.tables
    return _sum_up(values, shares).reshape(crop.shape)


def draw_chain(counts: Counts, depth: int, rng: np.random.Generator) -> Chain:
    """Return a chain of `depth` operations, each as likely, on a crop whose levels have these `counts`."""
    tables, order = UNCHANGED, np.arange(3)
    for _ in range(depth):
        operation = OPERATIONS[rng.integers(len(OPERATIONS))]
        if operation == "solarize":
            tables = solarize(tables, 256 - int(rng.uniform(0.1, SEVERITY) * 256 / 10))
        elif operation == "permute":
            places = PERMUTATIONS[rng.integers(len(PERMUTATIONS))]
            tables, order = tables[places], order[places]
        else:
            spread = equalize if operation == "equalize" else autocontrast
            tables = chain(tables, spread(count_through(tables, counts[order])))
    return Chain(tables, order)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sum_up(values: Image, shares: Shares) -> Image:
    """Return interleaved values (h·w·3,): each the sum of what the three values of its pixel give to it, rounded."""
    out = np.empty(values.size, np.uint8)
    for i in range(0, values.size, 3):
        red, green, blue = values[i], values[i + 1], values[i + 2]
        for c in range(3):
            out[i + c] = np.uint8(shares[c, 0, red] + shares[c, 1, green] + shares[c, 2, blue] + np.float32(0.5))
    return out
