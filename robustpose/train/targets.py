"""Targets: the heatmaps a network should give for a crop, one Gaussian per joint and person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Floats


def draw_targets(
    crop_xy: Floats,
    visible: npt.NDArray[np.integer],
    map_wh: tuple[int, int],
    stride: int,
    sigma: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return targets (K, h, w), each with a peak of 1, and weights (K, 1).

    As SBL and HRNet draw them: centred on the heatmap pixel nearest to the joint, cut off beyond 3 sigma. A joint
    that is not annotated, or whose 3-sigma box lies outside the map, gets weight 0 and an empty target.

    Args:
        crop_xy: (K, 2) px of the crop.
        visible: (K,); above 0 where the joint is annotated.
        map_wh: width and height of the heatmaps.
        stride: crop px per heatmap px.
        sigma: heatmap px.
    """
    size = np.array(map_wh)
    peak = np.floor(crop_xy / stride + 0.5)  # (K, 2)
    reach = 3 * sigma
    # The published programs still give weight 1 to a joint whose box ends right at the map's left or upper border.
    inside = ((peak + reach >= 0) & (peak - reach <= size - 1)).all(1)
    weight = (visible > 0) & inside
    along_x, along_y = (_bell(peak[:, axis], size[axis], sigma, reach) for axis in (0, 1))  # (K, w), (K, h)
    target = along_y[:, :, None] * along_x[:, None, :] * weight[:, None, None]  # (K, h, w)
    return target.astype(np.float32), weight[:, None].astype(np.float32)


def draw_crowd_targets(
    crop_xy: Floats,
    visible: npt.NDArray[np.integer],
    map_wh: tuple[int, int],
    stride: int,
    sigma: float,
) -> npt.NDArray[np.float32]:
    """Return targets (K, h, w) for everybody in a crop: where people's joints are near, the larger value counts.

    As HigherHRNet draws them: each joint centred on the heatmap pixel it lies in, cut off beyond 3 sigma + 1; a joint
    outside the map is left out.

    Args:
        crop_xy: (N, K, 2) px of the crop.
        visible: (N, K); above 0 where the joint is annotated.
        map_wh: width and height of the heatmaps.
        stride: crop px per heatmap px.
        sigma: heatmap px.
    """
    width, height = map_wh
    targets = np.zeros((crop_xy.shape[1], height, width), np.float32)
    reach = int(3 * sigma + 1)
    along = np.arange(-reach, reach + 1)
    bell = np.exp(-(along**2) / (2 * sigma**2))
    patch = (bell[:, None] * bell[None, :]).astype(np.float32)
    cells = np.floor(crop_xy / stride).astype(int)
    inside = (visible > 0) & ((cells >= 0) & (cells < (width, height))).all(-1)
    for person, joint in np.argwhere(inside):
        x, y = cells[person, joint]
        left, top = max(x - reach, 0), max(y - reach, 0)
        around = targets[joint, top : y + reach + 1, left : x + reach + 1]
        part = patch[top - y + reach :, left - x + reach :][: around.shape[0], : around.shape[1]]
        np.maximum(around, part, out=around)
    return targets


def _bell(centre: Floats, length: int, sigma: float, reach: float) -> Floats:
    distance = np.arange(length) - centre[:, None]  # (K, length)
    return np.exp(-(distance**2) / (2 * sigma**2)) * (np.abs(distance) <= reach)
