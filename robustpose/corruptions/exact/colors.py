"""Inner loops over pixels and their colours, compiled by numba on first use and cached on disk.

Free of branches, so that the compiler turns them into vector instructions; no fast-math: every value goes through the
operations of the published program, in their order. Images are (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]

CHUNK = 512  # pixels whose planes fit the nearest cache


@numba.njit(cache=True, nogil=True, inline="always")
def _show(x: float) -> np.uint8:
    """Clip to 0..1, scale to 0..255 and truncate."""
    x = x if x > 0.0 else 0.0
    x = x if x < 1.0 else 1.0
    return np.uint8(np.int32(x * 255.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _shift_hsv_planes(planes: Doubles, n: int, scale_s: float, shift_s: float, shift_v: float) -> None:
    """Do the work of `shift_hsv` on the first n columns of red, green and blue (3, m), in place."""
    reds, greens, blues = planes[0], planes[1], planes[2]
    for i in range(n):
        red, green, blue = reds[i], greens[i], blues[i]
        value = red if red > green else green
        value = value if value > blue else blue
        least = red if red < green else green
        least = least if least < blue else blue
        delta = value - least
        hue_red, hue_green, hue_blue = green - blue, blue - red, red - green
        divisor = delta if delta > 0.0 else 1.0
        hue_red, hue_green, hue_blue = hue_red / divisor, 2.0 + hue_green / divisor, 4.0 + hue_blue / divisor
        hue = hue_green if green == value else hue_red
        hue = hue_blue if blue == value else hue
        hue = hue / 6.0
        turned = hue + 1.0
        hue = turned if hue < 0.0 else hue
        hue = hue if delta > 0.0 else 0.0
        saturation = delta / (value if value > 0.0 else 1.0)

        saturation = saturation * scale_s + shift_s
        saturation = saturation if saturation > 0.0 else 0.0
        saturation = saturation if saturation < 1.0 else 1.0
        value = value + shift_v
        value = value if value < 1.0 else 1.0

        sector = np.floor(hue * 6.0)
        part = hue * 6.0 - sector
        sector = sector if sector < 6.0 else 0.0
        low = value * (1.0 - saturation)
        falling = value * (1.0 - part * saturation)
        rising = value * (1.0 - (1.0 - part) * saturation)
        red = value if sector < 1.0 else falling
        red = low if sector > 1.0 else red
        red = rising if sector > 3.0 else red
        red = value if sector > 4.0 else red
        green = rising if sector < 1.0 else value
        green = falling if sector > 2.0 else green
        green = low if sector > 3.0 else green
        blue = low if sector < 2.0 else rising
        blue = value if sector > 2.0 else blue
        blue = falling if sector > 4.0 else blue
        reds[i], greens[i], blues[i] = red, green, blue


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shift_hsv(image: Bytes, scale_s: float, shift_s: float, shift_v: float, out: Bytes) -> None:
    """Write the image with saturation·scale_s + shift_s and value + shift_v, both clipped to 0..1.

    There and back operation by operation as scikit-image converts: where two channels share the maximum, the later one
    decides the hue.
    """
    pixels = image.reshape(-1, 3)
    shown = out.reshape(-1, 3)
    planes = np.empty((3, CHUNK))
    for start in range(0, pixels.shape[0], CHUNK):
        n = min(CHUNK, pixels.shape[0] - start)
        for i in range(n):
            planes[0, i] = pixels[start + i, 0] / 255.0
            planes[1, i] = pixels[start + i, 1] / 255.0
            planes[2, i] = pixels[start + i, 2] / 255.0
        _shift_hsv_planes(planes, n, scale_s, shift_s, shift_v)
        for i in range(n):
            shown[start + i, 0] = _show(planes[0, i])
            shown[start + i, 1] = _show(planes[1, i])
            shown[start + i, 2] = _show(planes[2, i])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_haze(image: Bytes, haze: Doubles, brightest: float, density: float, out: Bytes) -> None:
    """Write (x + density·haze)·brightest / (brightest + density), with x = value / 255 and haze (≥ H, ≥ W) in 0..1."""
    height, width = image.shape[:2]
    whole = brightest + density
    veil = np.empty(3 * width)
    for h in range(height):
        for w in range(width):
            veil[3 * w] = veil[3 * w + 1] = veil[3 * w + 2] = density * haze[h, w]
        values, shown = image[h].reshape(-1), out[h].reshape(-1)
        for i in range(3 * width):
            shown[i] = _show((values[i] / 255.0 + veil[i]) * brightest / whole)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_snow(
    image: Bytes, grey: npt.NDArray[np.float32], streaks: Bytes, keep: np.float32, fade: np.float32, out: Bytes
) -> None:
    """Whiten (float32) towards the brighter of the pixel and 1.5·grey + .5, then add the streaks twice (float64).

    Grey (H, W) is in 0..1; `keep` and `fade` are the shares of the pixel and of the whitened one. The streaks (H, W),
    in 1/255, are added once as they are and once turned by 180 degrees.
    """
    height, width = image.shape[:2]
    whites = np.empty(3 * width, np.float32)
    first, second = np.empty(3 * width), np.empty(3 * width)
    for h in range(height):
        for w in range(width):
            white = grey[h, w] * np.float32(1.5) + np.float32(0.5)
            falling, turned = streaks[h, w] / 255.0, streaks[height - 1 - h, width - 1 - w] / 255.0
            for i in range(3 * w, 3 * w + 3):
                whites[i], first[i], second[i] = white, falling, turned
        values, shown = image[h].reshape(-1), out[h].reshape(-1)
        for i in range(3 * width):
            x = np.float32(values[i]) / np.float32(255.0)
            x = keep * x + fade * (x if x > whites[i] else whites[i])
            shown[i] = _show(np.float64(x) + first[i] + second[i])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def blend(values: Bytes, others: Bytes, keep: float, share: float, out: Bytes) -> None:
    """Write keep·value + share·other of flat arrays, clipped to 0..255 and truncated."""
    for i in range(values.size):
        x = keep * values[i] + share * others[i]
        x = x if x < 255.0 else 255.0
        out[i] = np.uint8(np.int32(x))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mean_by_channel(image: Bytes) -> tuple[float, float, float]:
    """Return the means of x = value / 255 by channel, summed pixel by pixel as NumPy does."""
    pixels = image.reshape(-1, 3)
    red, green, blue = 0.0, 0.0, 0.0
    for i in range(pixels.shape[0]):
        red += pixels[i, 0] / 255.0
        green += pixels[i, 1] / 255.0
        blue += pixels[i, 2] / 255.0
    return red / pixels.shape[0], green / pixels.shape[0], blue / pixels.shape[0]
