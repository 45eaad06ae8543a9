"""Peaks: the joints of heatmaps as transformers finds them: the largest value, moved by one Newton step (DARK).

Zhang et al., Distribution-Aware Coordinate Representation for Human Pose Estimation, CVPR 2020, eq. 9, on logarithms of
blurred heatmaps; both image processors do so, with other blurs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.decoding.heatmaps import find_peaks as find_peaks_or_corner
from robustpose.pose.types import Floats

Indices = npt.NDArray[np.int64]
LEAST, MOST = 0.001, 50.0  # what blurred values are kept between before their logarithm is taken
# Of a peak and the six neighbours that gradient and curvature are made of: rows and columns from it.
DOWN = np.array([0, 0, 0, 1, -1, 1, -1])
RIGHT = np.array([0, 1, -1, 0, 0, 1, -1])


def find_peaks(heatmaps: Floats) -> tuple[Floats, Floats]:
    """Return the places (N, K, 2) px of the largest values of heatmaps (N, K, h, w), float32, and the values (N, K).

    A joint whose largest value is not positive is at (-1, -1).
    """
    peak_xy, confidence = find_peaks_or_corner(heatmaps)
    map_xy = peak_xy.astype(np.float32)
    map_xy[~(confidence > 0)] = -1
    return map_xy, confidence


def list_neighbours(map_xy: Floats, shape_hw: tuple[int, int]) -> tuple[Indices, Indices, Indices]:
    """Return which values are read for peaks (N, K, 2): joint, row and column of heatmaps (K, h, w), each (N, K, 7).

    Beyond its border a heatmap goes on with the border's values, for one pixel. A joint that was not found, at
    (-1, -1), is in a corner out there, and what would be before that corner is the end of the joint before, of the same
    person: so the image processors count, of a person that they are given alone.
    """
    height, width = shape_hw[0] + 2, shape_hw[1] + 2
    n_joints = map_xy.shape[1]
    place = map_xy.astype(np.int64) + 1
    first = (np.arange(n_joints) * height + place[..., 1]) * width + place[..., 0]
    places = (first[..., None] + DOWN * width + RIGHT) % (n_joints * height * width)
    joints, rest = np.divmod(places, height * width)
    rows, columns = np.divmod(rest, width)
    return joints, np.clip(rows - 1, 0, height - 3), np.clip(columns - 1, 0, width - 3)


def refine_peaks(map_xy: Floats, values: Floats, exactly: bool) -> Floats:
    """Return peaks (N, K, 2) moved to the tops of parabolas through `values` (N, K, 7), of blurred heatmaps.

    With `exactly`, the curvature is inverted in float64; else all is computed in float32.
    """
    centre, right, left, below, above, below_right, above_left = np.moveaxis(
        np.log(np.clip(values, np.float32(LEAST), np.float32(MOST))), -1, 0
    )
    half, eps = np.float32(0.5), np.finfo(np.float32).eps
    dx, dy = half * (right - left), half * (below - above)
    dxx, dyy = right - 2 * centre + left, below - 2 * centre + above
    dxy = half * (below_right - right - below + centre + centre - left - above + above_left)
    if exactly:
        dx, dy, dxx, dyy, dxy = (part.astype(np.float64) for part in (dx, dy, dxx, dyy, dxy))
    dxx, dyy = dxx + eps, dyy + eps
    determinant = dxx * dyy - dxy * dxy
    determinant[determinant == 0] = np.inf  # a ridge has no top: its peak stays
    offset = np.stack([(dyy * dx - dxy * dy) / determinant, (dxx * dy - dxy * dx) / determinant], -1)
    return (map_xy - offset).astype(np.float32)
