"""Compiled loops: sampling a crop, and reading blurred heatmaps at a few places, as SciPy does both.

They add and multiply in SciPy's order, in float64, and round where it does: the numbers are SciPy's to the last bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def sample_crop(image, step_xy, start_xy, table, crop):  # type: ignore[no-untyped-def]
    """Write the crop of an image (H, W, 3) uint8 into `crop` (3, h, w) float32.

    Pixel (x, y) of the crop is at start + step · (x, y) px of the image: bilinear, rounded to a grey level, 0 beyond
    the centres of the outermost pixels (`scipy.ndimage.affine_transform`, order 1). `table` (3, 256) says what each
    grey level of a channel becomes.
    """
    image_height, image_width = image.shape[0], image.shape[1]
    _, height, width = crop.shape
    left = np.empty(width, np.int64)
    right_share = np.empty(width)
    for x in range(width):
        at = x * step_xy[0] + start_xy[0]
        is_inside = 0 <= at <= image_width - 1
        left[x] = int(np.floor(at)) if is_inside else -1
        right_share[x] = at - np.floor(at) if is_inside else 0.0
    for y in range(height):
        at = y * step_xy[1] + start_xy[1]
        if not 0 <= at <= image_height - 1:
            for c in range(3):
                crop[c, y, :] = table[c, 0]
            continue
        top = int(np.floor(at))
        bottom = min(top + 1, image_height - 1)
        low = at - np.floor(at)
        high = 1.0 - low
        for x in range(width):
            x0 = left[x]
            if x0 < 0:
                for c in range(3):
                    crop[c, y, x] = table[c, 0]
                continue
            x1 = min(x0 + 1, image_width - 1)
            far = right_share[x]
            near = 1.0 - far
            for c in range(3):
                total = image[top, x0, c] * high * near
                total += image[top, x1, c] * high * far
                total += image[bottom, x0, c] * low * near
                total += image[bottom, x1, c] * low * far
                crop[c, y, x] = table[c, min(int(total + 0.5), 255)]


@njit(cache=True)
def blur_at(heatmaps, joints, ys, xs, weights):  # type: ignore[no-untyped-def]
    """Return Gaussian-blurred heatmaps (N, K, h, w) float32 at places (N, K, P): a joint's map, y and x.

    Heatmaps are mirrored beyond their border pixels (``d c b a | a b c d``). `weights` are those of the centre and of
    one side. First columns are blurred, then rows, with float32 between (`scipy.ndimage.gaussian_filter`).
    """
    n_people, n_joints, n_places = joints.shape
    height, width = heatmaps.shape[2], heatmaps.shape[3]
    radius = len(weights) - 1
    found = np.empty(joints.shape, np.float32)
    line = np.empty(2 * radius + 1)
    for n in range(n_people):
        for k in range(n_joints):
            for p in range(n_places):
                heatmap = heatmaps[n, joints[n, k, p]]
                y, x = ys[n, k, p], xs[n, k, p]
                for d in range(-radius, radius + 1):
                    column = _reflect(x + d, width)
                    total = heatmap[y, column] * weights[0]
                    for i in range(radius, 0, -1):
                        above, below = _reflect(y - i, height), _reflect(y + i, height)
                        total += (np.float64(heatmap[above, column]) + np.float64(heatmap[below, column])) * weights[i]
                    line[d + radius] = np.float32(total)
                total = line[radius] * weights[0]
                for i in range(radius, 0, -1):
                    total += (line[radius - i] + line[radius + i]) * weights[i]
                found[n, k, p] = np.float32(total)
    return found


@njit(cache=True)
def _reflect(i, n):  # type: ignore[no-untyped-def]
    i = i % (2 * n)
    return i if i < n else 2 * n - 1 - i
