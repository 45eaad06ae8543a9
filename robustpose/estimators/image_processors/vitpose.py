"""VitPose's image processor: crops by an unbiased affine, joints by DARK (transformers' VitPoseImageProcessorPil)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.estimators.image_processors.loops import blur_at, sample_crop
from robustpose.estimators.image_processors.peaks import find_peaks, list_neighbours, refine_peaks
from robustpose.estimators.image_processors.settings import VitPoseSettings
from robustpose.estimators.running.batches import Array
from robustpose.pose.types import Floats, Image

PADDING = np.float32(1.25)
SCALE_UNIT = 200.0  # px, of scales
RADIUS, SIGMA = 5, 0.8  # of the blur, heatmap px: a kernel of 11


class VitPoseProcessor:
    """Crop people in boxes (N, 4) xywh px, and find their joints in heatmaps."""

    def __init__(self, settings: VitPoseSettings) -> None:
        self.input_wh = settings.input_wh
        self._unit = settings.normalize_factor
        self._table = make_table(settings)
        distances = np.arange(-RADIUS, RADIUS + 1)
        weights = np.exp(-0.5 / (SIGMA * SIGMA) * distances**2)
        self._weights = (weights / weights.sum())[RADIUS:]

    def crop(self, images: Sequence[Image], boxes_xywh: Floats) -> Array:
        """Return normalised crops (N, 3, h, w)."""
        width, height = self.input_wh
        crops: Array = np.empty((len(images), 3, height, width), np.float32)
        centers, scales = find_center_scale(boxes_xywh, self.input_wh, self._unit)
        for image, center, scale, crop in zip(images, centers, scales, crops, strict=True):
            step_xy, start_xy = find_affine(center, scale, self.input_wh)
            sample_crop(image, step_xy, start_xy, self._table, crop)
        return crops

    def decode(self, heatmaps: Floats, boxes_xywh: Floats) -> tuple[Floats, Floats]:
        """Return joints (N, K, 2) px of the images and confidences (N, K), of heatmaps (N, K, h, w)."""
        shape_hw = (heatmaps.shape[2], heatmaps.shape[3])
        map_xy, confidence = find_peaks(heatmaps)
        values = blur_at(heatmaps, *list_neighbours(map_xy, shape_hw), self._weights)
        map_xy = refine_peaks(map_xy, values, exactly=True)
        # The program maps joints back by a unit of 200 px, whatever that of the crops is.
        centers, scales = find_center_scale(boxes_xywh, self.input_wh, SCALE_UNIT)
        size = scales * np.float32(SCALE_UNIT)  # (N, 2) px of the images
        px_xy = size / np.array([shape_hw[1] - 1, shape_hw[0] - 1], np.float32)
        xy = map_xy * px_xy[:, None] + centers[:, None] - size[:, None] * np.float32(0.5)
        return xy.astype(np.float64), confidence


def make_table(settings: VitPoseSettings) -> Array:
    """Return what every grey level of a channel becomes, (3, 256)."""
    levels = np.arange(256, dtype=np.float64)
    values = (levels * (settings.rescale_factor if settings.do_rescale else 1.0)).astype(np.float32)
    if not settings.do_normalize:
        return np.tile(values, (3, 1))
    mean, std = (np.array(numbers, np.float32)[:, None] for numbers in (settings.image_mean, settings.image_std))
    return (values - mean) / std


def find_center_scale(boxes_xywh: Floats, input_wh: tuple[int, int], unit: float) -> tuple[Floats, Floats]:
    """Return centers (N, 2) px and scales (N, 2), padded, of boxes (N, 4) xywh px; both float32."""
    corner, size = boxes_xywh[:, :2], boxes_xywh[:, 2:]
    aspect = input_wh[0] / input_wh[1]
    width, height = size[:, 0], size[:, 1]
    padded = np.stack(
        [
            np.where(width < aspect * height, height * aspect, width),
            np.where(width > aspect * height, width * 1.0 / aspect, height),
        ],
        axis=1,
    )
    return (corner + size * 0.5).astype(np.float32), (padded / unit).astype(np.float32) * PADDING


def find_affine(center: Floats, scale: Floats, input_wh: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return step (2,) and start (2,), so that pixel p of a crop is at start + step · p px of the image, x and y.

    The first pixel's centre is at the padded box's corner, the last one's at the opposite corner. The affine the other
    way round is rounded to float32, as theirs is, which moves small crops by fractions of a pixel.
    """
    size = scale * np.float32(SCALE_UNIT)
    if not (size > 0).all():  # a box without extent: one point
        return np.zeros(2), center.astype(np.float64)
    factor = (np.array(input_wh) - 1.0) / size.astype(np.float64)
    shift = np.float32(-0.5) * (center * np.float32(2)) + np.float32(0.5) * size
    matrix = np.eye(3)
    matrix[[0, 1], [0, 1]] = factor.astype(np.float32)
    matrix[:2, 2] = (factor * shift.astype(np.float64)).astype(np.float32)
    inverse = np.linalg.inv(matrix)
    return np.ascontiguousarray(inverse.diagonal()[:2]), np.ascontiguousarray(inverse[:2, 2])
