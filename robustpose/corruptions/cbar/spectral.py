"""Noise made in the frequency domain: blue noise that cuts pixels out, and brownish noise that is added."""

from __future__ import annotations

import numpy as np

from robustpose.corruptions.cbar.canvas import side_of
from robustpose.corruptions.exact.cutting import Onsets, cut_out, find_dark
from robustpose.corruptions.exact.spectrum import DISTANCE, SMOOTH, draw_spectrum_noise
from robustpose.corruptions.exact.steps import Steps, add_steps, find_steps
from robustpose.corruptions.fast.spectrum import add_to_channels, cut_below, draw_fast_spectrum_noise
from robustpose.corruptions.seeding import IndependentRng, Rng, draw_drawer
from robustpose.pose.types import Image

THRESHOLDS = np.array([s * 3 / 10 - 2.5 for s in (0.8, 1.6, 2.4, 4.0, 5.6)])  # of noise with standard deviation 1
INTENSITIES = np.array([s * 64 / 10 for s in (1, 2, 3, 4, 5)])  # standard deviation of brownish noise


def blue_noise_sample(image: Image, severity: int, rng: Rng) -> Image:
    """Keep the pixels where noise of high frequencies exceeds a threshold; the others are black."""
    side = side_of(image)

    def draw_onsets() -> Onsets:
        onsets = np.empty((side, side), np.uint8)
        find_dark(draw_spectrum_noise(side, DISTANCE, draw_drawer(rng)), THRESHOLDS, onsets)
        return onsets

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        noise = draw_fast_spectrum_noise(side, len(image), DISTANCE, rng)
        cut_below(image, noise, THRESHOLDS[severity - 1], 0, out)
    else:
        cut_out(image, rng.draw_once("blue noise", (side,), draw_onsets), severity, 0, out)
    return out


def brownish_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Add noise of low frequencies, another one to each channel."""
    side = side_of(image)

    def draw_steps() -> Steps:
        drawer = draw_drawer(rng)
        return find_steps((draw_spectrum_noise(side, SMOOTH, drawer) for _ in range(3)), side, INTENSITIES)

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        noise = [draw_fast_spectrum_noise(side, len(image), SMOOTH, rng) for _ in range(3)]
        add_to_channels(image, noise[0], noise[1], noise[2], INTENSITIES[severity - 1], out)
    else:
        steps = rng.draw_once("brownish noise", (side,), draw_steps)
        add_steps(image, steps.codes, steps.tables[severity - 1], out)
    return out
