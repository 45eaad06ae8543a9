"""Unbiased crops: where a person's box lands in the input of a network trained with UDP, and back.

Unbiased data processing (UDP; Huang et al., The devil is in the details, CVPR 2020) measures lengths in pixel
intervals: a side of w pixels has the length w - 1, and the first and the last pixel of a crop are the ends of the box.
So the mirror image of a crop is that of its box, and so are heatmaps, whatever their size. Boxes are padded and grown
as elsewhere (`crop.boxes_to_center_scale`); each axis then has a factor of its own.
"""

from __future__ import annotations

import cv2
import numpy as np

from robustpose.pose.crop import SCALE_UNIT
from robustpose.pose.types import Floats, Image


def unbiased_matrix(center: Floats, scale: Floats, input_wh: tuple[int, int]) -> Floats:
    """Return the (2, 3) affine from crop px to full-image px: x = x'·200·scale_w / (w - 1) + cx - 200·scale_w / 2.

    It goes from the crop to the image and is rounded to float32, as in UDP's published program.
    """
    size = SCALE_UNIT * scale
    factor_x, factor_y = size / (np.array(input_wh) - 1)
    left, top = center - size / 2
    return np.array([[factor_x, 0, left], [0, factor_y, top]], np.float32).astype(np.float64)


def crop_unbiased(image: Image, center: Floats, scale: Floats, input_wh: tuple[int, int]) -> Image:
    """Return the (h, w, 3) crop of (H, W, 3) `image`: bilinear, zero outside the image."""
    matrix = unbiased_matrix(center, scale, input_wh)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, matrix, input_wh, flags=flags), np.uint8)


def unbiased_map_xy_to_xy(map_xy: Floats, centers: Floats, scales: Floats, map_wh: tuple[int, int]) -> Floats:
    """Return positions (N, K, 2) in heatmap px as full-image px: the ends of a heatmap are those of its crop.

    `centers` (N, 2) and `scales` (N, 2) are those of the crops; `map_wh` is the heatmap's width and height.
    """
    sizes = SCALE_UNIT * scales  # (N, 2)
    factors = sizes / (np.array(map_wh) - 1)  # (N, 2) image px per heatmap px
    return map_xy * factors[:, None, :] + (centers - sizes / 2)[:, None, :]
