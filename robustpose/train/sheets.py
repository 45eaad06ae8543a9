"""Sheets: what a strategy does to crops, to look at: views, the weight of each, and the mix."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from PIL import Image as PillowImage
from PIL import ImageDraw
from torch import Tensor, nn

from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Image

HEADER = 28  # px, for the titles of the columns
GAP = 2


@torch.no_grad()
def draw_sheet(views: Tensor, mixer: nn.Module, names: Sequence[str], input_spec: InputSpec) -> Image:
    """Return a sheet (H, W, 3): a row per crop; its views, the weights of each (dark 0, bright 1), and the mix.

    The views (B, V, 3, h, w) are normalised as `input_spec` says; `names` are theirs.
    """
    mixed, weights = mixer(views)
    columns = [to_images(views[:, i], input_spec) for i in range(len(names))]
    titles = list(names)
    if len(names) > 1:
        columns += [_paint_weights(weights[:, i], views.shape[3:]) for i in range(len(names))]
        columns.append(to_images(mixed, input_spec))
        titles += [f"weight of\n{name}" for name in names] + ["mix"]
    padded = [np.pad(column, ((0, 0), (0, GAP), (0, GAP), (0, 0))) for column in columns]
    table = np.concatenate(np.concatenate(padded, axis=2))  # a row of columns per crop, (B·(h + GAP), W, 3)
    sheet = PillowImage.fromarray(np.pad(table, ((HEADER, 0), (0, 0), (0, 0))))
    pen = ImageDraw.Draw(sheet)
    for i, title in enumerate(titles):
        pen.text((i * table.shape[1] // len(titles) + 2, 2), title, fill=(255, 255, 255))
    return np.asarray(sheet)


def to_images(crops: Tensor, input_spec: InputSpec) -> Image:
    """Return (B, h, w, 3) uint8 RGB of normalised crops (B, 3, h, w)."""
    normal = crops.detach().float().cpu().permute(0, 2, 3, 1).numpy()
    values = normal * np.array(input_spec.std) + np.array(input_spec.mean)
    images = np.clip(np.rint(255 * values), 0, 255).astype(np.uint8)
    return images if input_spec.channels == "rgb" else images[..., ::-1].copy()


def _paint_weights(weights: Tensor, shape_hw: Sequence[int]) -> Image:
    """Return (B, h, w, 3) uint8 of weights (B, h, w), or (B, 1, 1)."""
    levels = np.rint(255 * weights.detach().float().cpu().clamp(0, 1).numpy()).astype(np.uint8)
    levels = np.ascontiguousarray(np.broadcast_to(levels, (len(levels), *shape_hw)))
    return np.stack([cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)[..., ::-1] for level in levels])
