"""Views: the pictures of one crop that a strategy learns from, drawn in worker processes, finished on the device.

    clean         the crop
    autoaugment   colours changed by an AutoAugment sub-policy
    gridmask      squares taken out
    sequential    both, one after the other
    corrupted     the image, corrupted before it was cropped: the four corruptions of the paper's `Transfer`

Geometry is shared: all views of a crop have the same joints. Crops travel as uint8; what is taken out becomes the mean
colour, which is 0 after normalisation and no uint8 colour, so squares are taken out here (`finish_views`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from robustpose.corruptions import corrupt
from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Image
from robustpose.train.views.autoaugment import Policies, apply_autoaugment
from robustpose.train.views.gridmask import draw_grid, grid_mask

AUGMENTED = ("autoaugment", "sequential")  # AutoAugment's crop, not the clean one
MASKED = ("gridmask", "sequential")
CORRUPTIONS = ("gaussian_noise", "defocus_blur", "snow", "contrast")
CORRUPTED_SHARE = 0.5  # of the crops; the others stay clean


def draw_views(
    crop: Image, names: Sequence[str], rng: np.random.Generator, policies: Policies = "paper"
) -> dict[str, Tensor]:
    """Return what `finish_views` makes the views `names` of: `crops` (C, h, w, 3) uint8 and `grid` (3,).

    Args:
        crop: (h, w, 3), of the corrupted image for the view `corrupted`.
        names: of the views.
        rng: draws the sub-policy, then the grid, whatever views there are.
        policies: of AutoAugment.
    """
    augmented, grid = apply_autoaugment(crop, rng, policies), draw_grid(crop.shape[:2], rng)
    crops = [augmented if name in AUGMENTED else crop for name in _sources(names)]
    return {"crops": torch.from_numpy(np.stack(crops)), "grid": torch.from_numpy(grid)}


def finish_views(crops: Tensor, grids: Tensor, names: Sequence[str], input_spec: InputSpec) -> Tensor:
    """Return normalised views (B, V, 3, h, w) on the device of `crops` (B, C, h, w, 3) uint8 and `grids` (B, 3)."""
    mean, std = (
        crops.new_tensor(input_spec.mean, dtype=torch.float32),
        crops.new_tensor(input_spec.std, dtype=torch.float32),
    )
    ordered = crops if input_spec.channels == "rgb" else crops.flip(-1)
    normal = ((ordered.float() / 255 - mean) / std).permute(0, 1, 4, 2, 3)  # (B, C, 3, h, w)
    sources = _sources(names)
    kept = grid_mask(grids, (crops.shape[2], crops.shape[3])) if any(name in MASKED for name in names) else None
    views = []
    for name in names:
        view = normal[:, sources.index(_source(name))]
        views.append(view * kept if kept is not None and name in MASKED else view)
    return torch.stack(views, dim=1)


def corrupt_at_random(image: Image, rng: np.random.Generator) -> Image:
    """Return the image, half of the time under one of the four corruptions at one of the five severities."""
    chance, which, how, seed = rng.random(4)
    if chance >= CORRUPTED_SHARE:
        return image
    name, severity = CORRUPTIONS[int(which * len(CORRUPTIONS))], 1 + int(how * 5)
    return corrupt(image, name, severity, seed=(int(seed * 2**31), 0))


def _source(name: str) -> str:
    return "autoaugment" if name in AUGMENTED else "clean"


def _sources(names: Sequence[str]) -> list[str]:
    """Return the crops that `names` are made of, in their order."""
    return list(dict.fromkeys(_source(name) for name in names))
