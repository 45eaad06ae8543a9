"""Out of focus: correlation with a disk, without OpenCV's Fourier transform but with its pixels.

For kernels of this size ``cv2.filter2D`` goes through a Fourier transform in float64, so its result is the true sum but
for an error of about 1e-13 grey levels. The true sum is found faster: few different numbers occur in the kernel, so the
8-bit pixels that share one are added up as integers and multiplied once. Truncation gives the same level unless the sum
is next to an integer; in that case, which needs a very special image, OpenCV itself decides.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.pixels import to_uint8

NEXT_TO = 1e-9  # grey levels: far above the rounding of either way, below the 3.7e-9 by which flat areas of 1 miss it
NOTHING = 1e-15  # kernel values below it move no sum by more than rounding does
MOST_TAPS = 257  # whose sum fits into uint16: 257 * 255 < 2**16

Bytes = npt.NDArray[np.uint8]
Sums = npt.NDArray[np.uint16]
Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Taps = tuple[Integers, Integers, Integers, Doubles]


def filter_image(image: Bytes, kernel: npt.NDArray[np.float32], taps: Taps) -> Bytes:
    """Correlate (H, W, 3) `image` with a square `kernel` of odd size, borders reflected; clip and truncate.

    Equal to ``clip(filter2D(image / 255, -1, kernel), 0, 1) * 255``, channel by channel: the last bits of the transform
    depend on how many channels there are. The image is at least as large as the kernel, and `taps` are `group_taps` of
    the kernel. It is fast if few different values occur in the kernel.
    """
    height, width = image.shape[:2]
    half = kernel.shape[0] // 2
    rows = cv2.copyMakeBorder(image, half, half, half, half, cv2.BORDER_REFLECT_101).reshape(height + 2 * half, -1)
    filtered, in_doubt = _filter(rows, taps, 3 * width)
    if in_doubt:
        x = image / 255.0
        return to_uint8(np.stack([cv2.filter2D(x[:, :, channel], -1, kernel) for channel in range(3)], axis=2))
    return filtered.reshape(image.shape)


def group_taps(kernel: npt.NDArray[np.float32]) -> Taps:
    """Sort what is not nothing in `kernel` by value.

    Returns:
        downs: (n,), rows from the top of the kernel.
        starts: (n,), values of interleaved RGB from its left.
        ends: (groups + 1,), one past the last tap of each group, after a zero. The number of groups is a multiple of 4.
        factors: (groups,), what each group's sum is multiplied by.
    """
    groups = [np.argwhere(kernel == value) for value in np.unique(kernel[kernel > NOTHING])]
    groups = [part for group in groups for part in np.split(group, range(MOST_TAPS, len(group), MOST_TAPS))]
    factors = [float(kernel[tuple(group[0])]) for group in groups]
    n_empty = -len(groups) % 4
    taps = np.concatenate(groups)
    ends = np.cumsum([0, *(len(group) for group in groups), *[0] * n_empty])
    return np.ascontiguousarray(taps[:, 0]), 3 * taps[:, 1], ends, np.array(factors + [0.0] * n_empty)


@numba.njit(cache=True, nogil=True)
def _filter(rows: Bytes, taps: Taps, width: int) -> tuple[Bytes, bool]:
    """Return the filtered rows (H, width), and whether a value is next to an integer."""
    downs, starts, ends, factors = taps
    half = (rows.shape[1] - width) // 6
    height = rows.shape[0] - 2 * half
    filtered = np.empty((height, width), np.uint8)
    in_doubt = False
    sums = np.empty((4, width), np.uint16)
    total = np.empty(width)
    for y in range(height):
        total[:] = 0
        for group in range(0, len(factors), 4):
            for k in range(4):
                _sum_taps(rows, y, downs, starts, ends[group + k], ends[group + k + 1], sums[k])
            _add_groups(total, sums, factors[group : group + 4])
        in_doubt |= _truncate(total, filtered[y])
    return filtered, in_doubt


@numba.njit(cache=True, nogil=True)
def _sum_taps(rows: Bytes, y: int, downs: Integers, starts: Integers, begin: int, end: int, sums: Sums) -> None:
    """Set `sums` to row y of the sum under the taps from `begin` to `end`; four go into one loop."""
    n = len(sums)
    sums[:] = 0
    k = begin
    while k + 4 <= end:
        a = rows[y + downs[k], starts[k] : starts[k] + n]
        b = rows[y + downs[k + 1], starts[k + 1] : starts[k + 1] + n]
        c = rows[y + downs[k + 2], starts[k + 2] : starts[k + 2] + n]
        d = rows[y + downs[k + 3], starts[k + 3] : starts[k + 3] + n]
        for i in range(n):
            sums[i] += (np.uint16(a[i]) + np.uint16(b[i])) + (np.uint16(c[i]) + np.uint16(d[i]))
        k += 4
    while k < end:
        a = rows[y + downs[k], starts[k] : starts[k] + n]
        for i in range(n):
            sums[i] += np.uint16(a[i])
        k += 1


@numba.njit(cache=True, nogil=True)
def _add_groups(total: Doubles, sums: Sums, factors: Doubles) -> None:
    """Add four groups' sums (4, n) times their factors (4,) to `total` (n,)."""
    a, b, c, d = sums[0], sums[1], sums[2], sums[3]
    by_a, by_b, by_c, by_d = factors[0], factors[1], factors[2], factors[3]
    for i in range(len(total)):
        total[i] += (by_a * a[i] + by_b * b[i]) + (by_c * c[i] + by_d * d[i])


@numba.njit(cache=True, nogil=True)
def _truncate(total: Doubles, into: Bytes) -> bool:
    """Clip and truncate; return whether a value is next to one of the integers 1 to 255, where truncation is open."""
    n_doubtful = 0
    for i in range(len(total)):
        value = total[i]
        near = abs(value - np.floor(value + 0.5)) < NEXT_TO
        n_doubtful += 1 if near & (value > 0.5) & (value < 255.5) else 0
        value = 255.0 if value > 255.0 else value
        into[i] = np.uint8(value)
    return n_doubtful > 0
