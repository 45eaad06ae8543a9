"""Noise: Gaussian, shot, impulse, and the held-out speckle."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, pdtr

from robustpose.corruptions.exact import noise as kernels
from robustpose.corruptions.exact.pixels import to_uint8
from robustpose.corruptions.exact.poisson_replay import MeanTables, make_mean_tables, replay_poisson, sum_logs
from robustpose.corruptions.seeding import IndependentRng, Rng
from robustpose.pose.types import Image

IMPULSES = (0.03, 0.06, 0.09, 0.17, 0.27)


def gaussian_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Add normal noise, one draw per channel value: sensor noise in low light."""
    spread = (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1]
    out = np.empty_like(image)
    kernels.add_normals(image.reshape(-1), draw_normals(image.size, rng), spread, out.reshape(-1))
    return out


def speckle_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Add normal noise in proportion to the value."""
    spread = (0.15, 0.2, 0.35, 0.45, 0.6)[severity - 1]
    out = np.empty_like(image)
    kernels.scale_by_normals(image.reshape(-1), draw_normals(image.size, rng), spread, out.reshape(-1))
    return out


def impulse_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Set a fraction of the channel values to black or white: dead and hot pixels."""

    def draw_codes() -> Image:
        codes = np.empty(image.size, np.uint8)
        kernels.encode_impulses(rng.first_uniforms(2 * image.size), np.array(IMPULSES), codes)
        return codes

    if isinstance(rng, IndependentRng):
        words = rng.words(image.size, np.uint16)  # the last bit says white or black, the other 15 whether
        codes = np.where(words < round(IMPULSES[severity - 1] * 2**16), 2 + (words & 1), 12).astype(np.uint8)
    else:
        codes = rng.draw_once("impulses", image.shape[:2], draw_codes)
    out = np.empty_like(image)
    kernels.set_impulses(image.reshape(-1), codes, severity, out.reshape(-1))
    return out


def shot_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Replace every value by a Poisson count of `photons` at full brightness."""
    photons = (60, 25, 12, 5, 3)[severity - 1]
    tables = _shot_tables(photons)
    values = image.reshape(-1)
    out = np.empty_like(values)
    if isinstance(rng, IndependentRng):
        words = rng.words(image.size, np.uint32)
        kernels.invert_poisson(values, words, tables.guide, tables.cumulative, tables.shown, out)
        return out.reshape(image.shape)
    done, position, n_uniforms = 0, 0, 3 * image.size
    while done < image.size:
        uniforms, sums = rng.first_uniforms_and_sums(n_uniforms, sum_logs)
        done, position = replay_poisson(values, uniforms, sums, tables.means, tables.shown, done, position, out)
        n_uniforms = 2 * len(uniforms)
    return out.reshape(image.shape)


def draw_normals(n: int, rng: Rng) -> npt.NDArray[np.floating[Any]]:
    """Draw n standard normal numbers; independent ones are quantiles of 16 random bits, finer than any pixel shows."""
    if isinstance(rng, IndependentRng):
        return _normal_quantiles()[rng.words(n, np.uint16)]
    return rng.first_normals(n)


@lru_cache(maxsize=1)
def _normal_quantiles() -> npt.NDArray[np.float32]:
    return ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


class _ShotTables(NamedTuple):
    """All that is known of the 256 Poisson distributions before an image is seen: arguments of the two kernels."""

    means: MeanTables
    shown: Image  # (photons + 1,) level that k photons show; more photons are white, as `photons` are
    cumulative: npt.NDArray[np.float64]
    guide: npt.NDArray[np.uint8]


@lru_cache(maxsize=5)
def _shot_tables(photons: int) -> _ShotTables:
    """Return the tables for `photons`, the mean at full brightness."""
    means = np.arange(256) / 255.0 * photons
    shown = to_uint8(np.arange(photons + 1) / float(photons))
    cumulative = pdtr(np.arange(photons + 1), means[:, None]) * 2.0**32
    starts = np.arange(1024) * 2.0**22
    guide = np.stack([np.searchsorted(row, starts, side="right") for row in cumulative])
    return _ShotTables(make_mean_tables(means), shown, cumulative, np.minimum(guide, photons).astype(np.uint8))
