"""Operations that only map the values of each channel, as tables of 256 values, so that a chain is one pass.

Equalize, solarize and autocontrast give the values of Pillow's `ImageOps`, to the bit.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

Tables = npt.NDArray[np.uint8]  # (3, 256) a table by channel
Counts = npt.NDArray[np.int64]  # (3, 256) how many pixels of a channel have each level
LEVELS = np.arange(256)
UNCHANGED: Tables = np.tile(LEVELS.astype(np.uint8), (3, 1))


def flatten(image: Image) -> Image:
    """Return the interleaved values (h·w·3,) of an image, read-only: numba compiles for one kind of array only."""
    values = np.ascontiguousarray(image).reshape(-1)
    values.flags.writeable = False
    return values


def chain(tables: Tables, further: Tables) -> Tables:
    """Return the tables of what `tables` do, and then `further` ones: one pass in place of two."""
    return np.take_along_axis(further, tables.astype(np.intp), axis=1)


def solarize(tables: Tables, threshold: float) -> Tables:
    """Return the tables of what `tables` do, and then the negative of values from `threshold` on."""
    return np.where(tables < threshold, tables, 255 - tables)


def count_through(tables: Tables, counts: Counts) -> Counts:
    """Return the counts of an image that went through `tables`, from those before."""
    through = [np.bincount(table, count, 256) for table, count in zip(tables, counts, strict=True)]
    return np.array(through).astype(np.int64)  # bincount adds floats, exact for any image


def equalize(counts: Counts) -> Tables:
    """Return the tables that spread an image's levels evenly, from their counts."""
    brightest = 255 - (counts[:, ::-1] > 0).argmax(1)  # (3,)
    step = (counts.sum(1) - counts[range(3), brightest]) // 255  # (3,) pixels to a level
    darker = counts.cumsum(1) - counts  # (3, 256) pixels of lower levels
    tables = (darker + (step // 2)[:, None]) // np.maximum(step, 1)[:, None]
    # A channel of one level, or with few pixels beside its brightest, stays.
    return np.where(step[:, None] > 0, np.minimum(tables, 255), LEVELS).astype(np.uint8)


def autocontrast(counts: Counts) -> Tables:
    """Return the tables that stretch each channel's levels from 0 to 255, from their counts."""
    there = counts > 0
    darkest, brightest = there.argmax(1), 255 - there[:, ::-1].argmax(1)  # (3,)
    scale = 255.0 / np.maximum(brightest - darkest, 1)
    stretched = LEVELS * scale[:, None] + (-darkest * scale)[:, None]  # in Pillow's order; it truncates
    # A channel of one level stays.
    changed = np.where((brightest > darkest)[:, None], np.clip(stretched, 0, 255), LEVELS)
    return changed.astype(np.uint8)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def count_levels(values: Image) -> Counts:
    """Count interleaved values, two pixels at a time, so that equal neighbours do not wait for each other."""
    counts = np.zeros((6, 256), np.int64)
    pairs = values.size // 6
    for i in range(pairs):
        for k in range(6):
            counts[k, values[6 * i + k]] += 1
    for k in range(values.size - 6 * pairs):
        counts[k, values[6 * pairs + k]] += 1
    return counts[:3] + counts[3:]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def look_up(values: Image, tables: Tables) -> Image:
    """Return interleaved values (h·w·3,) that went through `tables`."""
    out = np.empty(values.size, np.uint8)
    first, second, third = tables[0], tables[1], tables[2]
    for i in range(values.size // 3):
        out[3 * i] = first[values[3 * i]]
        out[3 * i + 1] = second[values[3 * i + 1]]
        out[3 * i + 2] = third[values[3 * i + 2]]
    return out
