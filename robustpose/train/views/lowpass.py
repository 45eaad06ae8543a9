"""Lowpass: a blur that keeps all that is coarse and nothing that is fine, by a steep filter with a random direction.

The benchmark's blurs (disks, lines, Gaussians, boxes) fade slowly: they weaken what they keep, and let pass some of
what they take away. A Butterworth filter of a high order passes waves up to its cutoff almost as they are and stops
those soon after; its kernel rings, like no lens or motion. How steep it is does not depend on the scale, so no blurred
image becomes one of these views when the crop enlarges, reduces or turns it: whatever the scale and the direction,
there is a frequency of which the two leave amounts that differ by 0.2 of the amplitude or more.

What a filter passes of a wave of frequency (u, v), cycles per px, is ``1 / √(1 + q^order)``, where
``q = (u' · stretch / cutoff)² + (v' / cutoff)²`` and (u', v') are (u, v) turned by `angle`. With `stretch` above 1 the
blur is stronger along one direction.

    >>> crop = np.random.default_rng(0).integers(0, 256, (128, 96, 3), np.uint8)
    >>> apply_lowpass(crop, np.random.default_rng(1)).shape
    (128, 96, 3)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Image

# Cycles along the longer side: below the least a person is hard to recognise, above the largest little is taken away.
CUTOFFS = (20.0, 64.0)
# Cycles per px: the steep part of the spectrum has to fit below the 0.5 that there is.
MOST = 0.3
STRETCHES = (1.0, 2.5)
ORDERS = (8, 16)  # of the filter; `tests/test_lowpass.py` measures how far from the benchmark's blurs that is

Gains = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lowpass:
    """A filter."""

    cutoff: float  # cycles per px, where an amplitude is divided by √2
    stretch: float  # how much lower the cutoff is along the other axis, 1 or more
    angle: float  # radians, 0 to π, of the axis with the lower cutoff
    order: int  # how steep

    def gains(self, u: Gains, v: Gains) -> Gains:
        """Return what is left of the amplitude of waves, 0..1; `u` along x and `v` along y, cycles per px."""
        turn, other = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        q = ((turn * u + other * v) * np.float32(self.stretch / self.cutoff)) ** 2
        q = q + ((turn * v - other * u) * np.float32(1 / self.cutoff)) ** 2
        q = np.minimum(q, 100)  # above, nothing is left of a wave either, and the power would be no float32
        return np.asarray(1 / np.sqrt(1 + q**self.order), np.float32)


def apply_lowpass(crop: Image, rng: np.random.Generator) -> Image:
    """Return a new crop (h, w, 3) after a filter drawn at random."""
    return filter_crop(crop, draw_lowpass((crop.shape[0], crop.shape[1]), rng))


def draw_lowpass(shape_hw: tuple[int, int], rng: np.random.Generator) -> Lowpass:
    """Return a filter for crops of this size. `rng` gives four numbers; cutoff and stretch are log-uniform."""
    where, how_far, turn, steep = rng.random(4).tolist()
    least, largest = (cycles / max(shape_hw) for cycles in CUTOFFS)
    least, largest = min(least, MOST), min(largest, MOST)
    return Lowpass(
        cutoff=least * (largest / least) ** where,
        stretch=STRETCHES[0] * (STRETCHES[1] / STRETCHES[0]) ** how_far,
        angle=np.pi * turn,
        order=ORDERS[0] + int(steep * (ORDERS[1] - ORDERS[0] + 1)),
    )


def filter_crop(crop: Image, lowpass: Lowpass) -> Image:
    """Return a new crop (h, w, 3) after a filter; beyond its borders it goes on mirrored."""
    height, width = crop.shape[:2]
    margin = int(np.ceil(1.5 * lowpass.stretch / lowpass.cutoff))
    down, across = (cv2.getOptimalDFTSize(side + margin) - side for side in (height, width))
    top, left = down // 2, across // 2
    wide = cv2.copyMakeBorder(crop, top, down - top, left, across - left, cv2.BORDER_REFLECT_101)
    u = np.fft.fftfreq(wide.shape[1]).astype(np.float32)
    v = np.fft.fftfreq(wide.shape[0]).astype(np.float32)[:, None]
    gains = lowpass.gains(u, v)
    # Opposite waves have the same gain, so one transform takes two channels, as real and as imaginary part.
    red, green, blue = cv2.split(wide.astype(np.float32))
    planes = [*_filter(red, green, gains), _filter(blue, np.zeros_like(gains), gains)[0]]
    filtered = cv2.merge(planes)[top : top + height, left : left + width]
    return np.rint(np.clip(filtered, 0, 255)).astype(np.uint8)


def _filter(one: Any, other: Any, gains: Gains) -> list[Any]:
    """Return two channels, float32 (h, w), after a filter with these gains."""
    spectrum = cv2.multiply(cv2.dft(cv2.merge([one, other])), cv2.merge([gains, gains]))
    return list(cv2.split(cv2.dft(spectrum, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)))
