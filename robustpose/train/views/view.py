"""A view: what it is drawn from, how, and how it is finished. `table` has those that there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from robustpose.pose.types import Image

Policies = Literal["paper", "release"]  # AutoAugment's sub-policies: those of the paper, or of its program


@dataclass(frozen=True, eq=False)
class ViewInput:
    """What the views of one crop are drawn from."""

    image: Image  # (H, W, 3), clean
    cut: Callable[[Image], Image]  # cuts the crop (h, w, 3) out of an image of the same size, always at the same place
    shape_hw: tuple[int, int]  # of the crop, px
    make_rng: Callable[[str], np.random.Generator]  # of a purpose, for which it always starts anew
    policies: Policies = "paper"  # of AutoAugment

    @cached_property
    def crop(self) -> Image:
        """Return the clean crop (h, w, 3)."""
        return self.cut(self.image)


@dataclass(frozen=True)
class Finish:
    """A change of crops on the device, after normalisation: what no uint8 colour can say."""

    name: str  # of its numbers in a batch
    draw: Callable[[ViewInput], npt.NDArray[np.int64]]  # the numbers (n,) of one crop, drawn in a worker process
    apply: Callable[[Tensor, Tensor], Tensor]  # normalised crops (B, 3, h, w), numbers (B, n) -> changed crops


def take_crop(of: ViewInput) -> Image:
    """Return the clean crop."""
    return of.crop


@dataclass(frozen=True)
class View:
    """Say how a view is made. Its joints are where those of the clean crop are."""

    description: str  # one line for people who choose
    draw: Callable[[ViewInput], Image] = take_crop  # the crop, drawn in a worker process; shared by equal functions
    finish: Finish | None = None  # what is done to the crop on the device
