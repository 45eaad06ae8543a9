"""The table of views: the images of one crop that a strategy learns from and mixes.

Geometry is shared: all views of a crop have the same joints. A view is drawn in a worker process and travels as a uint8
crop; what no uint8 colour can say, such as the mean colour, which is 0 after normalisation, is done on the device. To
add a view: write what it needs in a file of its own, and add a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from robustpose.models.input_spec import InputSpec
from robustpose.train.views.autoaugment import draw_autoaugment
from robustpose.train.views.corrupted import draw_corrupted
from robustpose.train.views.gridmask import GRIDMASK
from robustpose.train.views.view import View, ViewInput

CLEAN = "clean"

VIEWS: dict[str, View] = {
    CLEAN: View("the crop as it is"),
    "autoaugment": View("colours changed by an AutoAugment sub-policy", draw_autoaugment),
    "gridmask": View("squares taken out", finish=GRIDMASK),
    "sequential": View("colours changed, then squares taken out", draw_autoaugment, GRIDMASK),
    "corrupted": View("half of the time from an image under one of four corruptions", draw_corrupted),
}
DESCRIPTIONS = {name: view.description for name, view in VIEWS.items()}


def draw_views(of: ViewInput, names: Sequence[str]) -> dict[str, Tensor]:
    """Return what `finish_views` makes the views `names` of.

    `crops` (C, h, w, 3) uint8, those that the views are made from, each once; and the numbers (n,) of each finish, such
    as `grid` (3,) of GridMask.
    """
    views = [VIEWS[name] for name in names]
    crops = np.stack([draw(of) for draw in dict.fromkeys(view.draw for view in views)])
    finishes = dict.fromkeys(view.finish for view in views if view.finish is not None)
    return {"crops": torch.from_numpy(crops), **{finish.name: torch.from_numpy(finish.draw(of)) for finish in finishes}}


def finish_views(batch: dict[str, Tensor], names: Sequence[str], input_spec: InputSpec) -> dict[str, Tensor]:
    """Return a batch of what `draw_views` gives with `views` (B, V, 3, h, w), normalised, in its place.

    Everything stays on its device; what else the batch holds, such as targets, is left as it is.
    """
    crops = batch["crops"]
    mean, std = (crops.new_tensor(values, dtype=torch.float32) for values in (input_spec.mean, input_spec.std))
    ordered = crops if input_spec.channels == "rgb" else crops.flip(-1)
    normal = ((ordered.float() / 255 - mean) / std).permute(0, 1, 4, 2, 3)  # (B, C, 3, h, w)
    rows = [VIEWS[name] for name in names]
    drawn = list(dict.fromkeys(row.draw for row in rows))
    used = {"crops"}
    views = []
    for row in rows:
        view = normal[:, drawn.index(row.draw)]  # (B, 3, h, w)
        if row.finish is not None:
            view = row.finish.apply(view, batch[row.finish.name])
            used.add(row.finish.name)
        views.append(view)
    return {"views": torch.stack(views, dim=1), **{name: batch[name] for name in batch if name not in used}}
