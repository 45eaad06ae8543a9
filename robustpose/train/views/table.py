"""Views: the images of one crop that a strategy learns from and mixes. One table says what there are.

Geometry is shared: all views of a crop have the same joints. A view is drawn in a worker process and travels as a uint8
crop; what no uint8 colour can say, such as the mean colour, which is 0 after normalisation, is done on the device. To
add a view: write what it needs in a file of its own, and add a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from robustpose.corruptions import corrupt
from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Image
from robustpose.train.views.augmix import apply_augmix
from robustpose.train.views.autoaugment import N_DRAWN, Policies, apply_autoaugment
from robustpose.train.views.fourier import STRENGTH, add_waves
from robustpose.train.views.gridmask import Grid, draw_grid, remove_squares
from robustpose.train.views.lowpass import apply_lowpass
from robustpose.train.views.patch_noise import add_patch_noise
from robustpose.train.views.pixmix import apply_pixmix

if TYPE_CHECKING:  # settings know the views by name, and are checked before PyTorch is loaded
    from torch import Tensor

CLEAN = "clean"
CORRUPTIONS = ("gaussian_noise", "defocus_blur", "snow", "contrast")  # of `transfer` (Wang et al., CVPR 2021, Table 4)
FEWER_COLORS = ("color_quantization",)  # as posterize makes them
SQUARES = ("checkerboard_cutout", "mask")
# The first one has the formula of `fourier`, but in grey; the rings of the other are waves of one frequency in every
# small part. The other new views are made to show no corruption (copies that `pixmix` adds to a crop may, rarely, leave
# little but less contrast), and by the spectra of what they change
# (benchmarks/nearness.py) none is as near to one as blurs, or noises, are to each other; nearest is `lowpass` to blurs.
WAVES = ("single_frequency_greyscale", "cocentric_sine_waves")
CORRUPTED_SHARE = 0.5  # of the crops, unless `mixing.corrupted_share` says otherwise; the others stay clean


@dataclass(frozen=True, eq=False)
class ViewInput:
    """What the views of one crop are drawn from."""

    image: Image  # (H, W, 3), clean
    cut: Callable[[Image], Image]  # cuts the crop (h, w, 3) out of an image of the same size, always at the same place
    shape_hw: tuple[int, int]  # of the crop, px
    make_rng: Callable[[str], np.random.Generator]  # of a purpose, for which it always starts anew
    policies: Policies = "paper"  # of AutoAugment
    corrupted_share: float = CORRUPTED_SHARE  # chance that the view `corrupted` is corrupted, 0..1
    fourier_strength: float = STRENGTH  # mean strength of the waves of the view `fourier`

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


@dataclass(frozen=True)
class View:
    """Say how a view is made. Its joints are where those of the clean crop are."""

    description: str  # one line for people who choose
    draw: Callable[[ViewInput], Image] = attrgetter("crop")  # in a worker process; rows with the same draw share it
    finish: Finish | None = None  # what is done to the crop on the device
    # Corruptions that a network which learns from it has seen: those that it makes, and those of the same kind, to the
    # eye or by formula. Their scores are no longer of something new.
    seen: tuple[str, ...] = ()


def _draw_autoaugment(of: ViewInput) -> Image:
    return apply_autoaugment(of.crop, of.make_rng("views"), of.policies)


def _draw_corrupted(of: ViewInput) -> Image:
    # The image is corrupted, then cropped.
    return of.cut(corrupt_at_random(of.image, of.make_rng("corrupted"), of.corrupted_share))


def corrupt_at_random(image: Image, rng: np.random.Generator, share: float = CORRUPTED_SHARE) -> Image:
    """Return the image, with chance `share` under one of the four corruptions at one of the five severities."""
    chance, which, how, seed = rng.random(4)
    if chance >= share:
        return image
    name, severity = CORRUPTIONS[int(which * len(CORRUPTIONS))], 1 + int(how * 5)
    return corrupt(image, name, severity, seed=(int(seed * 2**31), 0))


def _draw_fourier(of: ViewInput) -> Image:
    return add_waves(of.crop, of.make_rng("fourier"), of.fourier_strength)


def _draw_augmix(of: ViewInput) -> Image:
    return apply_augmix(of.crop, of.make_rng("augmix"))


def _draw_pixmix(of: ViewInput) -> Image:
    return apply_pixmix(of.crop, of.make_rng("pixmix"))


def _draw_patch_noise(of: ViewInput) -> Image:
    return add_patch_noise(of.crop, of.make_rng("patch-noise"))


def _draw_lowpass(of: ViewInput) -> Image:
    return apply_lowpass(of.crop, of.make_rng("lowpass"))


def _draw_grid(of: ViewInput) -> Grid:
    rng = of.make_rng("views")
    rng.random(N_DRAWN)  # AutoAugment's numbers come first in this stream, whether that view is wanted or not
    return draw_grid(of.shape_hw, rng)


GRIDMASK = Finish("grid", _draw_grid, remove_squares)
VIEWS: dict[str, View] = {
    CLEAN: View("the crop as it is"),
    "autoaugment": View("colours changed by an AutoAugment sub-policy", _draw_autoaugment, seen=FEWER_COLORS),
    "gridmask": View("squares taken out", finish=GRIDMASK, seen=SQUARES),
    "sequential": View(
        "colours changed, then squares taken out", _draw_autoaugment, GRIDMASK, seen=(*FEWER_COLORS, *SQUARES)
    ),
    "corrupted": View(
        "half of the time (mixing.corrupted_share) under one of four corruptions", _draw_corrupted, seen=CORRUPTIONS
    ),
    "fourier": View("a plane wave added to each channel (mixing.fourier_strength)", _draw_fourier, seen=WAVES),
    "augmix": View("colours changed by chains of operations, mixed with the crop", _draw_augmix),
    "pixmix": View("mixed with a fractal, or with other copies of the crop", _draw_pixmix),
    "patch-noise": View("coloured hatching in one to three squares", _draw_patch_noise),
    "lowpass": View("blurred by a steep filter, along one direction more than along the other", _draw_lowpass),
}
DESCRIPTIONS = {
    name: f"{view.description}; seen in it: {', '.join(view.seen)}" if view.seen else view.description
    for name, view in VIEWS.items()
}


def draw_views(of: ViewInput, names: Sequence[str]) -> dict[str, Tensor]:
    """Return what `finish_views` makes the views `names` of.

    `crops` (C, h, w, 3) uint8, those that the views are made from, each once; and the numbers (n,) of each finish, such
    as `grid` (3,) of GridMask.
    """
    import torch

    views = [VIEWS[name] for name in names]
    crops = np.stack([draw(of) for draw in dict.fromkeys(view.draw for view in views)])
    finishes = dict.fromkeys(view.finish for view in views if view.finish is not None)
    return {"crops": torch.from_numpy(crops), **{finish.name: torch.from_numpy(finish.draw(of)) for finish in finishes}}


def finish_views(batch: dict[str, Tensor], names: Sequence[str], input_spec: InputSpec) -> dict[str, Tensor]:
    """Return a batch of what `draw_views` gives with `views` (B, V, 3, h, w), normalised, in its place.

    Everything stays on its device; what else the batch holds, such as targets, is left as it is.
    """
    import torch

    crops = batch["crops"]
    mean, std = (crops.new_tensor(values, dtype=torch.float32) for values in (input_spec.mean, input_spec.std))
    ordered = crops if input_spec.channels == "rgb" else crops.flip(-1)
    normal = ((ordered.float() / 255 - mean) / std).permute(0, 1, 4, 2, 3)  # (B, C, 3, h, w)
    rows = [VIEWS[name] for name in names]
    drawn = list(dict.fromkeys(row.draw for row in rows))
    views = [normal[:, drawn.index(row.draw)] for row in rows]  # (B, 3, h, w) each
    used = {"crops"}
    for i, row in enumerate(rows):
        if row.finish is not None:
            views[i] = row.finish.apply(views[i], batch[row.finish.name])
            used.add(row.finish.name)
    return {"views": torch.stack(views, dim=1), **{name: batch[name] for name in batch if name not in used}}
