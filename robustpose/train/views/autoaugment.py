"""AutoAugment: the photometric sub-policies of Cubuk et al. (CVPR 2019) that AdvMix makes one of its views with.

Every operation gives the pixels of Pillow's, to the bit. All but sharpness only map levels, so a sub-policy is one pass
over the pixels, through the product of its tables. With Pillow's operations instead, a core that reads, crops and
augments makes 18 to 23 % fewer crops; with OpenCV's `LUT` and `calcHist`, 9 to 13 % fewer.

Images are (h, w, 3) uint8; the order of the channels is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numba
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageEnhance

from robustpose.errors import UserError, nearest
from robustpose.pose.types import Image

Policies = Literal["paper", "release"]  # the sub-policies of the paper, or of its program
Operation = tuple[str, int, float]  # name, index into the magnitudes, probability
SubPolicy = tuple[Operation, Operation]
OPERATIONS = ("equalize", "posterize", "solarize", "invert", "sharpness")

# Magnitudes by index. Equalize and invert have none: theirs is 0.
POSTERIZE_BITS = np.round(np.linspace(8, 4, 10)).astype(int)
SOLARIZE_THRESHOLDS = np.linspace(256, 0, 10)
SHARPNESS_CHANGES = np.linspace(0, 0.9, 10)

# AutoAugment's ImageNet policy without what moves pixels and what comes close to a corruption (Wang et al., CVPR 2021).
PAPER: tuple[SubPolicy, ...] = (
    (("equalize", 0, 0.8), ("equalize", 0, 0.6)), (("posterize", 7, 0.6), ("posterize", 6, 0.6)),
    (("equalize", 0, 0.4), ("solarize", 4, 0.2)), (("solarize", 3, 0.6), ("equalize", 0, 0.6)),
    (("posterize", 5, 0.8), ("equalize", 0, 1.0)), (("equalize", 0, 0.6), ("posterize", 6, 0.4)),
    (("equalize", 0, 0.0), ("equalize", 0, 0.8)), (("invert", 0, 0.6), ("equalize", 0, 1.0)),
    # These three are there for the second time.
    (("equalize", 0, 0.4), ("solarize", 4, 0.2)), (("invert", 0, 0.6), ("equalize", 0, 1.0)),
    (("equalize", 0, 0.8), ("equalize", 0, 0.6)),
)  # fmt: skip
# The paper leaves sharpness out; the released program has it.
POLICIES: dict[Policies, tuple[SubPolicy, ...]] = {
    "paper": PAPER,
    "release": (*PAPER, (("sharpness", 7, 0.4), ("invert", 0, 0.6))),
}

Tables = npt.NDArray[np.uint8]  # (3, 256) a table by channel
Counts = npt.NDArray[np.int64]  # (3, 256) how many pixels of a channel have each level
LEVELS = np.arange(256)
UNCHANGED: Tables = np.tile(LEVELS.astype(np.uint8), (3, 1))

N_DRAWN = 4  # random numbers, whatever comes of them


def apply_autoaugment(crop: Image, rng: np.random.Generator, policies: Policies = "paper") -> Image:
    """Return a new crop (h, w, 3), changed by a sub-policy drawn at random; `rng` gives `N_DRAWN` numbers."""
    choice, *chances, sign = rng.random(N_DRAWN)
    sub_policies = POLICIES[policies]
    sub_policy = sub_policies[int(choice * len(sub_policies))]
    drawn = zip(sub_policy, chances, strict=True)
    operations = [(name, magnitude) for (name, magnitude, probability), chance in drawn if chance < probability]
    return apply_operations(crop, operations, sharper=sign < 0.5)


def apply_operations(image: Image, operations: Sequence[tuple[str, int]], sharper: bool = True) -> Image:
    """Return a new image (h, w, 3) after `operations`, names and indices into the magnitudes, in their order.

    Sharpness makes it `sharper`, or else smoother.
    """
    values, tables = _flatten(image), UNCHANGED  # the tables say what the operations so far make of the values
    for name, magnitude in operations:
        if name == "equalize":
            further = _equalize(_count_through(tables, _count_levels(values)))
            tables = np.take_along_axis(further, tables.astype(np.intp), axis=1)  # one pass in place of two
        elif name == "posterize":
            tables = tables & np.uint8(0xFF << (8 - POSTERIZE_BITS[magnitude]) & 0xFF)
        elif name == "solarize":
            tables = np.where(tables < SOLARIZE_THRESHOLDS[magnitude], tables, 255 - tables)
        elif name == "invert":
            tables = 255 - tables
        elif name == "sharpness":
            change = SHARPNESS_CHANGES[magnitude]
            done = _look_up(values, tables).reshape(image.shape)
            values, tables = _flatten(sharpen(done, 1 + change if sharper else 1 - change)), UNCHANGED
        else:
            raise UserError(f"AutoAugment has no operation '{name}' here{nearest(name, OPERATIONS)}")
    return _look_up(values, tables).reshape(image.shape)


def sharpen(image: Image, factor: float) -> Image:
    """Return `image`, smoothed at `factor` 0, as it is at 1, sharper above."""
    pillow = PillowImage.fromarray(np.ascontiguousarray(image))
    return np.array(ImageEnhance.Sharpness(pillow).enhance(factor))


def _flatten(image: Image) -> Image:
    """Return the interleaved values (h·w·3,) of an image, read-only: numba compiles for one kind of array only."""
    values = np.ascontiguousarray(image).reshape(-1)
    values.flags.writeable = False
    return values


def _count_through(tables: Tables, counts: Counts) -> Counts:
    """Return the counts of an image that went through `tables`, from those before."""
    through = [np.bincount(table, count, 256) for table, count in zip(tables, counts, strict=True)]
    return np.array(through).astype(np.int64)  # bincount adds floats, exact for any image


def _equalize(counts: Counts) -> Tables:
    brightest = 255 - (counts[:, ::-1] > 0).argmax(1)  # (3,)
    step = (counts.sum(1) - counts[range(3), brightest]) // 255  # (3,) pixels to a level
    darker = counts.cumsum(1) - counts  # (3, 256) pixels of lower levels
    tables = (darker + (step // 2)[:, None]) // np.maximum(step, 1)[:, None]
    # A channel of one level, or with few pixels beside its brightest, stays.
    return np.where(step[:, None] > 0, np.minimum(tables, 255), LEVELS).astype(np.uint8)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _count_levels(values: Image) -> Counts:
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
def _look_up(values: Image, tables: Tables) -> Image:
    out = np.empty(values.size, np.uint8)
    first, second, third = tables[0], tables[1], tables[2]
    for i in range(values.size // 3):
        out[3 * i] = first[values[3 * i]]
        out[3 * i + 1] = second[values[3 * i + 1]]
        out[3 * i + 2] = third[values[3 * i + 2]]
    return out
