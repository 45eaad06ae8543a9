"""Crops: where a person's box lands in the network's input, and back.

A box becomes a center (px) and a scale (units of 200 px, padded by a quarter), the convention of SBL and HRNet
(Xiao et al., ECCV 2018; Sun et al., CVPR 2019). One factor, taken from the width, serves both axes; there is no
half-pixel shift.
"""

from __future__ import annotations

import cv2
import numpy as np

from robustpose.pose.types import Floats, Image

SCALE_UNIT = 200.0  # px
PADDING = 1.25


def boxes_to_center_scale(boxes_xyxy: Floats, input_wh: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return centers (N, 2) px and scales (N, 2) of boxes (N, 4) px; the short side is padded to the input's aspect."""
    corner, size = boxes_xyxy[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    aspect = input_wh[0] / input_wh[1]
    width, height = size[:, 0], size[:, 1]
    padded = np.stack([np.maximum(width, aspect * height), np.maximum(height, width / aspect)], axis=1)
    return corner + size / 2, padded / SCALE_UNIT * PADDING


def crop_matrix(center: Floats, scale: Floats, input_wh: tuple[int, int]) -> Floats:
    """Return the (2, 3) affine from full-image px to crop px: x' = (x - cx)·w / (200·scale_w) + w/2.

    Solved, as in the HRNet program, from three points in float32: the centre, half a width above it, and from there
    half a width to the left. That decides the last bits of the affine, and with them some grey levels of a crop.
    """
    half = np.float32(SCALE_UNIT) * np.float32(scale[0]) * np.float32(0.5)
    x, y = np.float32(center[0]), np.float32(center[1])
    above = y - half
    image_xy = np.array([[x, y], [x, above], [x - (y - above), above]], np.float32)
    width, height = input_wh
    crop_xy = np.array(
        [[width / 2, height / 2], [width / 2, (height - width) / 2], [0, (height - width) / 2]], np.float32
    )
    return np.asarray(cv2.getAffineTransform(image_xy, crop_xy), np.float64)


def crop_person(image: Image, center: Floats, scale: Floats, input_wh: tuple[int, int]) -> Image:
    """Return the (h, w, 3) crop of (H, W, 3) `image`: bilinear, zero outside the image."""
    return np.asarray(
        cv2.warpAffine(image, crop_matrix(center, scale, input_wh), input_wh, flags=cv2.INTER_LINEAR), np.uint8
    )


def map_xy_to_xy(map_xy: Floats, centers: Floats, scales: Floats, map_wh: tuple[int, int]) -> Floats:
    """Return positions (N, K, 2) in heatmap px as full-image px: the inverse of `crop_matrix` for the heatmap's size.

    `centers` (N, 2) and `scales` (N, 2) are those of the crops; `map_wh` is the heatmap's width and height.
    """
    factors = SCALE_UNIT * scales[:, 0] / map_wh[0]  # (N,) image px per heatmap px
    offset = map_xy - np.array(map_wh) / 2
    return offset * factors[:, None, None] + centers[:, None, :]


def clip_truth_box(box_xywh: Floats, size_wh: tuple[int, int]) -> Floats | None:
    """Return an annotated box as xyxy px clipped to the image, or None where nothing is left of it.

    The far corner is x + w - 1, as in the HRNet program.
    """
    x, y, width, height = box_xywh
    x1, y1 = max(0.0, x), max(0.0, y)
    x2 = min(size_wh[0] - 1, x1 + max(0.0, width - 1))
    y2 = min(size_wh[1] - 1, y1 + max(0.0, height - 1))
    return np.array([x1, y1, x2, y2]) if x2 >= x1 and y2 >= y1 else None
