"""Sapiens2's image processor: crops sampled from grids, joints by DARK (transformers' Sapiens2ImageProcessor).

Crops are bilinear where they shrink the image and bicubic where they enlarge it, and are not rounded to grey levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from robustpose.estimators.image_processors.peaks import find_peaks, list_neighbours, refine_peaks
from robustpose.estimators.image_processors.settings import Sapiens2Settings
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.numerics import limit_threads
from robustpose.pose.types import Floats, Image

PADDING = np.float32(1.25)
RADIUS = 5  # of the blur, heatmap px: a kernel of 11
SIGMA = 0.3 * (RADIUS - 1) + 0.8  # OpenCV's rule for a kernel without a sigma


class Sapiens2Processor:
    """Crop people in boxes (N, 4) xywh px, and find their joints in heatmaps."""

    def __init__(self, settings: Sapiens2Settings) -> None:
        self.input_wh = settings.input_wh
        self._mean, self._std = fuse_normalisation(settings)

    def crop(self, images: Sequence[Image], boxes_xywh: Floats) -> Array:
        """Return normalised crops (N, 3, h, w)."""
        width, height = self.input_wh
        crops: Array = np.empty((len(images), 3, height, width), np.float32)
        last, pixels = None, torch.empty(0)
        for image, center, size, crop in zip(images, *find_center_size(boxes_xywh, self.input_wh), crops, strict=True):
            if image is not last:  # people of one image follow each other
                last, pixels = image, torch.tensor(image).permute(2, 0, 1).float().contiguous()
            crop[:] = (sample_crop(pixels, center, size, self.input_wh) - self._mean) / self._std
        return crops

    def decode(self, heatmaps: Floats, boxes_xywh: Floats) -> tuple[Floats, Floats]:
        """Return joints (N, K, 2) px of the images and confidences (N, K), of heatmaps (N, K, h, w)."""
        shape_hw = (heatmaps.shape[2], heatmaps.shape[3])
        map_xy, confidence = find_peaks(heatmaps)
        values = np.empty((*map_xy.shape[:2], 7), np.float32)
        for person, joints, rows, columns, value in zip(
            heatmaps, *list_neighbours(map_xy, shape_hw), values, strict=True
        ):
            value[:] = blur_keeping_maximum(person)[joints, rows, columns]
        map_xy = refine_peaks(map_xy, values, exactly=False)
        centers, sizes = find_center_size(boxes_xywh, self.input_wh)
        last = np.array([shape_hw[1] - 1, shape_hw[0] - 1], np.float32)
        xy = map_xy / last * sizes[:, None] + centers[:, None] - np.float32(0.5) * sizes[:, None]
        return xy.astype(np.float64), confidence


def fuse_normalisation(settings: Sapiens2Settings) -> tuple[Array, Array]:
    """Return what is subtracted from pixels in 0..255 and what they are divided by, each (3, 1, 1)."""
    mean, std = (np.array(numbers, np.float32) for numbers in (settings.image_mean, settings.image_std))
    levels = np.float32(1.0 / settings.rescale_factor) if settings.do_rescale else np.float32(1)
    if not settings.do_normalize:
        mean, std = np.zeros(3, np.float32), np.ones(3, np.float32)
    return (mean * levels)[:, None, None], (std * levels)[:, None, None]


def find_center_size(boxes_xywh: Floats, input_wh: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return centers and padded sizes (N, 2) px of boxes (N, 4) xywh px; both float32."""
    boxes = boxes_xywh.astype(np.float32)
    center = boxes[:, :2] + np.float32(0.5) * boxes[:, 2:]
    width, height = (boxes[:, 2:] * PADDING).T
    aspect = np.float32(input_wh[0] / input_wh[1])
    is_wide = width > height * aspect
    size = np.stack([np.where(is_wide, width, height * aspect), np.where(is_wide, width / aspect, height)], axis=1)
    return center, size


def sample_crop(pixels: torch.Tensor, center: Floats, size: Floats, input_wh: tuple[int, int]) -> Floats:
    """Return the crop (3, h, w) of pixels (3, H, W) around a center, of a size (2,) px; 0 outside the image."""
    image_wh = (pixels.shape[2], pixels.shape[1])
    last = np.array(input_wh, np.float32) - 1
    scale = last / size if (size > 0).all() else np.full(2, np.inf, np.float32)  # a box without extent: one point
    grid = []
    for i in range(2):
        at = np.arange(input_wh[i], dtype=np.float32) / scale[i] + center[i] - np.float32(0.5) * size[i]
        # -1 and 1 are the centres of the outermost pixels.
        grid.append(np.float32(2) * at / np.float32(max(image_wh[i] - 1, 1)) - np.float32(1))
    places = torch.from_numpy(np.stack(np.meshgrid(*grid), -1))[None]
    mode = "bilinear" if scale.min() < 1 else "bicubic"
    with torch.inference_mode(), limit_threads(1):
        found = functional.grid_sample(pixels[None], places, mode=mode, padding_mode="zeros", align_corners=True)
    return found[0].numpy()


def blur_keeping_maximum(heatmaps: Floats) -> Floats:
    """Return heatmaps (K, h, w), blurred with zeros around them, each scaled so that its maximum is as before."""
    weights = torch.softmax(-0.5 * (torch.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2, dim=0)
    kernel = (weights[:, None] * weights).expand(len(heatmaps), 1, -1, -1)
    maps = torch.tensor(heatmaps)[None]
    with torch.inference_mode(), limit_threads(1):  # as torchvision blurs: one kernel in two dimensions, in float32
        blurred = functional.conv2d(maps, kernel, padding=RADIUS, groups=len(heatmaps))[0].numpy()
    before, after = heatmaps.max((1, 2)), blurred.max((1, 2))
    factor = np.ones_like(before)
    np.divide(before, after, out=factor, where=after > 0)
    return blurred * factor[:, None, None]
