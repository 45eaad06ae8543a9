"""AutoAugment: the photometric sub-policies of Cubuk et al. (CVPR 2019) that AdvMix makes one of its views with.

Every operation gives the pixels of Pillow's, to the bit. All but sharpness only map levels, so a sub-policy is one pass
over the pixels, through the product of its tables. With Pillow's operations instead, a core that reads, crops and
augments makes 18 to 23 % fewer crops; with OpenCV's `LUT` and `calcHist`, 9 to 13 % fewer.

Images are (h, w, 3) uint8; the order of the channels is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageEnhance

from robustpose.errors import UserError, nearest
from robustpose.pose.types import Image
from robustpose.train.views.levels import (
    UNCHANGED,
    chain,
    count_levels,
    count_through,
    equalize,
    flatten,
    look_up,
    solarize,
)

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
    values, tables = flatten(image), UNCHANGED  # the tables say what the operations so far make of the values
    for name, magnitude in operations:
        if name == "equalize":
            tables = chain(tables, equalize(count_through(tables, count_levels(values))))
        elif name == "posterize":
            tables = tables & np.uint8(0xFF << (8 - POSTERIZE_BITS[magnitude]) & 0xFF)
        elif name == "solarize":
            tables = solarize(tables, SOLARIZE_THRESHOLDS[magnitude])
        elif name == "invert":
            tables = 255 - tables
        elif name == "sharpness":
            change = SHARPNESS_CHANGES[magnitude]
            done = look_up(values, tables).reshape(image.shape)
            values, tables = flatten(sharpen(done, 1 + change if sharper else 1 - change)), UNCHANGED
        else:
            raise UserError(f"AutoAugment has no operation '{name}' here{nearest(name, OPERATIONS)}")
    return look_up(values, tables).reshape(image.shape)


def sharpen(image: Image, factor: float) -> Image:
    """Return `image`, smoothed at `factor` 0, as it is at 1, sharper above."""
    pillow = PillowImage.fromarray(np.ascontiguousarray(image))
    return np.array(ImageEnhance.Sharpness(pillow).enhance(factor))
