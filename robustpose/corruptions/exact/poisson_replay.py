"""Poisson numbers as NumPy's legacy generator draws them, replayed from its stream of uniform numbers.

The generator has two methods: below a mean of 10 it multiplies uniform numbers until the product falls to exp(-mean);
from there on it uses transformed rejection (Hörmann, 1993). How many uniform numbers a value uses depends on the value,
so this is sequential. It is fast because what depends on the stream alone, or on the mean alone, is tabulated:

- the product falls to exp(-mean) where the running sum of -log(u) rises to the mean. Sums are kept modulo 2**32 in
  units of 2**-20, and the number of steps is counted without a branch;
- the acceptance test of the rejection compares with the probability of the number drawn, from a table.

Both decide by numbers that are right to within a bound; where the bound does not decide, the published operations do.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

PRODUCT_BELOW = 10.0  # mean below which the product method is used
UNIT = 2.0**20  # of the running sums
UNSURE_UNITS = 8  # rounding of two sums, with room
UNSURE_SHARE = 1e-9  # relative error of the tabulated test, with room
AT_ONCE = 8  # steps counted at once


class MeanTables(NamedTuple):
    """What the methods need for each of the 256 means."""

    means: Doubles  # (256,)
    units: npt.NDArray[np.uint32]  # (256,) means in units of the running sums
    constants: Doubles  # (256, 8): exp(-mean), a, b, vr, 1/alpha, 1/(4a), log(1/alpha), log(mean)
    masses: Doubles  # (256, m) probability of each number
    log_factorials: Doubles  # (m,)


def make_mean_tables(means: Doubles) -> MeanTables:
    """Return the tables of 256 means."""
    most = means.max()
    n_numbers = int(most + 16 * math.sqrt(most + 1) + 20)  # more is drawn less often than once in 1e30
    log_factorials = np.array([math.lgamma(k + 1) for k in range(n_numbers)])
    constants = np.zeros((len(means), 8))
    masses = np.zeros((len(means), n_numbers))
    for i, mean in enumerate(means.tolist()):
        constants[i, 0] = math.exp(-mean)
        if mean < PRODUCT_BELOW:
            continue
        b = 0.931 + 2.53 * math.sqrt(mean)
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        vr = 0.9277 - 3.6224 / (b - 2)
        constants[i, 1:] = a, b, vr, inverse_alpha, 1 / (4 * a), math.log(inverse_alpha), math.log(mean)
        masses[i] = np.exp(-mean + np.arange(n_numbers) * math.log(mean) - log_factorials)
    return MeanTables(means, (means * UNIT).astype(np.uint32), constants, masses, log_factorials)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sum_logs(uniforms: Doubles) -> npt.NDArray[np.uint32]:
    """Return (n + 1,) running sums of -log(u), from 0, modulo 2**32 in units of 2**-20."""
    sums = np.empty(uniforms.size + 1, np.uint32)
    total = 0.0  # below 2**12, so that it keeps enough digits
    sums[0] = 0
    for i in range(uniforms.size):
        u = uniforms[i]
        total += -math.log(u if u > 0.0 else 1e-300) * UNIT
        if total >= 4294967296.0:
            total -= 4294967296.0
        sums[i + 1] = np.uint32(np.int64(total))
    return sums


@numba.njit(cache=True, nogil=True, error_model="numpy")
def replay_poisson(
    values: npt.NDArray[np.uint8],  # (n,) which of the 256 means
    uniforms: Doubles,  # (m,) the beginning of the generator's stream
    sums: npt.NDArray[np.uint32],  # (m + 1,) its running sums
    tables: Any,  # `MeanTables`
    shown: npt.NDArray[Any],  # (k,) what to write for each number; the last one stands for all larger
    start: int,  # first value to do
    position: int,  # first uniform number to use
    out: npt.NDArray[Any],  # (n,) of the type of `shown`
) -> tuple[int, int]:
    """Write what the Poisson number of every value shows, from value `start` on.

    Return the first value that is not done, for lack of uniform numbers, and the first number that it would use.
    """
    means, units, constants, masses = tables.means, tables.units, tables.constants, tables.masses
    last = shown.size - 1
    end = uniforms.size - AT_ONCE - 1
    for i in range(start, values.size):
        value = values[i]
        before = position
        if means[value] < PRODUCT_BELOW:
            if means[value] == 0.0:
                out[i] = shown[0]
                continue
            unit, base = units[value], sums[position]
            k = 0
            while True:
                if position + k > end:
                    return i, before
                more = 0
                for j in range(AT_ONCE):
                    more += int(np.uint32(sums[position + k + 1 + j] - base) <= unit)
                k += more
                if more < AT_ONCE:
                    break
            over = np.int64(np.uint32(sums[position + k + 1] - base)) - np.int64(unit)
            under = np.int64(unit) - np.int64(np.uint32(sums[position + k] - base))
            if over <= UNSURE_UNITS or under <= UNSURE_UNITS:
                product, k = uniforms[position], 0
                while product > constants[value, 0]:
                    k += 1
                    if position + k > end:
                        return i, before
                    product *= uniforms[position + k]
            position += k + 1
        else:
            a, b = constants[value, 1], constants[value, 2]
            while True:
                if position > end:
                    return i, before
                u = uniforms[position] - 0.5
                v = uniforms[position + 1]
                position += 2
                us = 0.5 - abs(u)
                slope = 2.0 * a / us
                k = math.floor((slope + b) * u + means[value] + 0.43)
                if k < 0:
                    continue  # the quick acceptance below never has such a number
                left = v * constants[value, 4]
                right = masses[value, k] * (slope * slope * constants[value, 5] + b) if k < masses.shape[1] else 0.0
                quick = (us >= 0.07) & (v <= constants[value, 3])
                refused = (us < 0.013) & (v > us)
                if quick | (~refused & (left < right * (1.0 - UNSURE_SHARE))):
                    break
                if refused | (left > right * (1.0 + UNSURE_SHARE)):
                    continue
                exact = math.log(v) + constants[value, 6] - math.log(a / (us * us) + b)
                if exact <= -means[value] + k * constants[value, 7] - tables.log_factorials[k]:
                    break
        out[i] = shown[k if k < last else last]
    return values.size, position
