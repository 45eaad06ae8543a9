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
    """What the views of one crop are drawn from.

    Attributes:
        image: (H, W, 3) uint8, clean.
        cut: cuts the crop (h, w, 3) out of an image of the same size, always at the same place.
        shape_hw: of the crop, px.
        make_rng: purpose -> random numbers, for one purpose always the same ones, from the first on.
        policies: of AutoAugment.
    """

    image: Image
    cut: Callable[[Image], Image]
    shape_hw: tuple[int, int]
    make_rng: Callable[[str], np.random.Generator]
    policies: Policies = "paper"

    @cached_property
    def crop(self) -> Image:
        """Return the clean crop (h, w, 3)."""
        return self.cut(self.image)


@dataclass(frozen=True)
class Finish:
    """A change of crops on the device, after normalisation: what no uint8 colour can say.

    Attributes:
        name: of its numbers in a batch.
        draw: the numbers (n,) of one crop, drawn in a worker process.
        apply: normalised crops (B, 3, h, w) and numbers (B, n) to changed crops (B, 3, h, w).
    """

    name: str
    draw: Callable[[ViewInput], npt.NDArray[np.int64]]
    apply: Callable[[Tensor, Tensor], Tensor]


def take_crop(of: ViewInput) -> Image:
    """Return the clean crop."""
    return of.crop


@dataclass(frozen=True)
class View:
    """Say how a view is made. Its joints are where those of the clean crop are.

    Attributes:
        description: one line for people who choose.
        draw: the crop (h, w, 3) uint8, drawn in a worker process; views with the same function share it.
        finish: what is done to it on the device; None for nothing.
    """

    description: str
    draw: Callable[[ViewInput], Image] = take_crop
    finish: Finish | None = None
