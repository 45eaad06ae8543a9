"""Joints between pixels: the Taylor step of DARK and of UDP from a heatmap's peak to the centre of its Gaussian.

The logarithm of a Gaussian is a parabola. One Newton step from any pixel, -H⁻¹·g with the gradient g and the Hessian H
of the logarithm there, ends at its centre (Zhang et al., Distribution-aware coordinate representation, CVPR 2020,
"Coordinate decoding"). Before, heatmaps are smoothed by a Gaussian ("distribution modulation").

Only what is next to a peak is smoothed, in float64. The step does not depend on a heatmap's scale: that DARK rescales
a smoothed heatmap to the maximum that there was before has no effect, and floors are relative to the peak.

The published programs leap where the Hessian is singular or not that of a maximum: in flat heatmaps, on saddles, among
noise. Here there is no step then, and no step is longer on either axis than smoothing moves a maximum: about its sigma,
at least a pixel.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.decoding.heatmaps import find_peaks
from robustpose.pose.types import Floats

Indices = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]
MOST_SIGMA = 20.0  # px, whatever a file says: what is kept around a joint grows with its square
LEAST_CURVATURE = 1e-6  # of the logarithm per px²: a Gaussian with a sigma of 1000 px; rounding is below it
DARK_FLOOR = 1e-10  # of the peak's value, before the logarithm
UDP_FLOOR = 1e-3


def decode_dark(heatmaps: Floats, kernel: int = 11) -> tuple[Floats, Floats]:
    """Return the joints' positions (N, K, 2) in heatmap px and confidences (N, K), of heatmaps (N, K, h, w).

    As DARK's published program: smoothed by `kernel` × `kernel` px with zeros around the heatmap, derivatives from
    pixels up to two away, and no step for peaks less than two pixels from the border. Peaks and confidences are
    those of `decode_heatmaps`.
    """
    peak_xy, confidence = find_peaks(heatmaps)
    map_xy = peak_xy.astype(np.float64)
    size_wh = np.array(heatmaps.shape[:1:-1])
    inner = (confidence > 0) & ((peak_xy > 1) & (peak_xy < size_wh - 2)).all(-1)
    at = peak_xy[inner]
    floors = DARK_FLOOR * confidence[inner].astype(np.float64)
    log = _log_around(heatmaps, inner, at, 2, np.full_like(at, kernel // 2), floors)  # (P, 5, 5)
    gradient = np.stack([log[:, 2, 3] - log[:, 2, 1], log[:, 3, 2] - log[:, 1, 2]], 1) / 2
    xx = (log[:, 2, 4] - 2 * log[:, 2, 2] + log[:, 2, 0]) / 4
    yy = (log[:, 4, 2] - 2 * log[:, 2, 2] + log[:, 0, 2]) / 4
    xy = (log[:, 3, 3] - log[:, 1, 3] - log[:, 3, 1] + log[:, 1, 1]) / 4
    step, is_maximum = _newton_step(gradient, xx, xy, yy)
    most = _longest_step(kernel)
    map_xy[inner] += np.where(is_maximum[:, None], np.clip(step, -most, most), 0)
    return map_xy, confidence


def decode_udp(heatmaps: Floats, kernel: int = 3) -> tuple[Floats, Floats]:
    """Return the joints' positions (N, K, 2) in heatmap px and confidences (N, K), of heatmaps (N, K, h, w).

    As UDP's published program: smoothed by `kernel` × `kernel` px, derivatives from the pixels around. h and w must
    be at least 3. Peaks and confidences are those of `decode_heatmaps`.

    The program also moves the minimum of a heatmap to 0, and MMPose's does not: left out, since that is a thousandth
    of a pixel for sure joints of a real network.

    At a border the published program steps by half a pixel outward, whatever there is, since it repeats the outermost
    pixels; and up to there its smoothing is biased. Here the parabola is that of the nearest pixel with neighbours on
    all sides, and the kernel is as narrow as it must be to stay in the heatmap.
    """
    peak_xy, confidence = find_peaks(heatmaps)
    map_xy = peak_xy.astype(np.float64)
    size_wh = np.array(heatmaps.shape[:1:-1])
    found = confidence > 0
    at = np.clip(peak_xy[found], 1, size_wh - 2)
    room = np.minimum(at, size_wh - 1 - at) - 1  # px between the pixels around and the border, on each axis
    floors = UDP_FLOOR * confidence[found].astype(np.float64)
    log = _log_around(heatmaps, found, at, 1, np.minimum(room, kernel // 2), floors)  # (P, 3, 3)
    centre, left, right, above, below = log[:, 1, 1], log[:, 1, 0], log[:, 1, 2], log[:, 0, 1], log[:, 2, 1]
    gradient = np.stack([right - left, below - above], 1) / 2
    xx, yy = right - 2 * centre + left, below - 2 * centre + above
    xy = (log[:, 2, 2] - right - below + 2 * centre - left - above + log[:, 0, 0]) / 2
    step, is_maximum = _newton_step(gradient, xx, xy, yy)
    most = _longest_step(kernel)
    offset = np.clip(at + step - peak_xy[found], -most, most)
    moved = np.clip(peak_xy[found] + offset, -0.5, size_wh - 0.5)  # not beyond the outermost pixels
    map_xy[found] = np.where(is_maximum[:, None], moved, peak_xy[found])
    return map_xy, confidence


def choose_kernel(sigma: float) -> int:
    """Return the kernel, px, whose Gaussian is as wide as those that a network was trained on, of `sigma` px.

    As DARK's authors have it: 11 for 2, 17 for 3.
    """
    return 2 * max(1, round((min(sigma, MOST_SIGMA) - 0.8) / 0.3) + 1) + 1


def _longest_step(kernel: int) -> float:
    """Return the longest step on an axis, px: the sigma that OpenCV takes for a kernel, at least 1."""
    return max(1.0, 0.3 * (kernel // 2 - 1) + 0.8)


def _newton_step(gradient: Floats, xx: Floats, xy: Floats, yy: Floats) -> tuple[Floats, Flags]:
    """Return -H⁻¹·g (P, 2), 0 where there is none, and whether H is that of a maximum (P,)."""
    determinant = xx * yy - xy**2
    is_maximum = (xx < -LEAST_CURVATURE) & (yy < -LEAST_CURVATURE) & (determinant > 0)
    g_x, g_y = gradient.T
    adjugate = np.stack([xy * g_y - yy * g_x, xy * g_x - xx * g_y], 1)
    return adjugate / np.where(is_maximum, determinant, 1)[:, None], is_maximum


def _log_around(heatmaps: Floats, found: Flags, at: Indices, reach: int, halves: Indices, floors: Floats) -> Floats:
    """Return the logarithm (P, 2·reach+1, 2·reach+1) of smoothed heatmaps (N, K, h, w) around P pixels.

    `found` (N, K) says which heatmaps are meant and `at` (P, 2) the pixel of each. `halves` (P, 2) are half the
    kernel's px across and down, without the middle. Outside a heatmap there are zeros. Values are raised to `floors`
    (P,) before.
    """
    half = int(halves.max(initial=0))
    margin = half + reach
    n_around, side = 2 * reach + 1, 2 * margin + 1
    padded = np.pad(heatmaps, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(2, 3))
    around = windows[(*np.nonzero(found), at[:, 1], at[:, 0])].astype(np.float64)  # (P, side, side)
    weights = _kernels(half)[halves]  # (P, 2, 2·half+1)
    # Written out, since sums of a library would depend on how many heatmaps there are, in the last bits.
    across = np.zeros((len(at), side, n_around))
    smooth = np.zeros((len(at), n_around, n_around))
    for i in range(2 * half + 1):
        across += weights[:, 0, i, None, None] * around[:, :, i : i + n_around]
    for i in range(2 * half + 1):
        smooth += weights[:, 1, i, None, None] * across[:, i : i + n_around]
    return np.asarray(np.log(np.maximum(smooth, floors[:, None, None])), np.float64)


@lru_cache
def _kernels(half: int) -> Floats:
    """Return OpenCV's Gaussian kernels of 1, 3, … px, each in the middle of a row (half+1, 2·half+1)."""
    rows = np.zeros((half + 1, 2 * half + 1))
    for i in range(half + 1):
        rows[i, half - i : half + i + 1] = cv2.getGaussianKernel(2 * i + 1, 0)[:, 0]
    return rows
