"""Darkness: the image squared and scaled down, with the noise of few photons and of the sensor.

The formula is that of 3D Common Corruptions (Kar et al., CVPR 2022), "low light", with the noise of the severity itself
as RoboDepth (Kong et al., NeurIPS 2023) has it: y = c·((x - min) / (max - min))², Poisson(y·K) / K, then normal noise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact import noise as kernels
from robustpose.corruptions.exact.normal_replay import replay_normals
from robustpose.corruptions.exact.poisson_replay import MeanTables, make_mean_tables, replay_poisson, sum_logs
from robustpose.corruptions.exact.poisson_tables import PoissonTables, pick_counts, tabulate_poisson
from robustpose.corruptions.noise import draw_normals
from robustpose.corruptions.seeding import IndependentRng, ReleaseRng, Rng
from robustpose.pose.types import Image

BRIGHTEST = (0.6, 0.5, 0.4, 0.3, 0.2)  # what white becomes
PHOTONS = (600, 250, 120, 50, 30)  # at brightness 1
SPREADS = (0.008, 0.012, 0.018, 0.026, 0.038)  # of the normal noise


def darkness(image: Image, severity: int, rng: Rng) -> Image:
    """Darken the image, the dark parts most, and add the noise of few photons and of the sensor."""
    darkest, brightest = rng.once_per_image("range", lambda: (int(image.min()), int(image.max())))
    photons, spread = PHOTONS[severity - 1], SPREADS[severity - 1]
    if isinstance(rng, IndependentRng):
        tables = _tabulate(severity, darkest, brightest)
        counts = np.empty(image.size, np.uint16)
        pick_counts(image.reshape(-1), rng.words(image.size, np.uint32), tables, counts)
        normals, most = draw_normals(image.size, rng), tables.n_counts
    else:
        counts, normals = _replay(image.reshape(-1), _tabulate_replay(severity, darkest, brightest), rng)
        most = int(counts.max()) + 1
    levels = np.clip(np.arange(most) / photons, 0, 1)  # the brightness that each count shows
    out = np.empty_like(image)
    kernels.add_normals_to_levels(counts, levels, normals, spread, out.reshape(-1))
    return out


def _find_means(severity: int, darkest: int, brightest: int) -> npt.NDArray[np.float64]:
    """Return the mean number of photons (256,) of each value of an image with this range; 0 for an image of one value.

    Values outside the range, which the image does not have, count as its ends.
    """
    x = np.arange(256).clip(darkest, brightest) / 255.0
    low, high = darkest / 255.0, brightest / 255.0
    scaled = (x - low) / (high - low) if high > low else np.zeros(256)
    return BRIGHTEST[severity - 1] * scaled**2 * PHOTONS[severity - 1]


@lru_cache(maxsize=16)
def _tabulate(severity: int, darkest: int, brightest: int) -> PoissonTables:
    return tabulate_poisson(_find_means(severity, darkest, brightest))


class _ReplayTables(NamedTuple):
    means: MeanTables
    shown: npt.NDArray[np.uint16]  # every count as itself


@lru_cache(maxsize=16)
def _tabulate_replay(severity: int, darkest: int, brightest: int) -> _ReplayTables:
    tables = make_mean_tables(_find_means(severity, darkest, brightest))
    return _ReplayTables(tables, np.arange(2**16).astype(np.uint16))


def _replay(
    values: Image, tables: _ReplayTables, rng: ReleaseRng
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float64]]:
    """Return counts (n,), and then normal numbers (n,), as NumPy's legacy generator draws both."""
    counts, normals = np.empty(values.size, np.uint16), np.empty(values.size)
    done, position, n_uniforms = 0, 0, 5 * values.size
    while done < values.size:
        uniforms, sums = rng.first_uniforms_and_sums(n_uniforms, sum_logs)
        done, position = replay_poisson(values, uniforms, sums, tables.means, tables.shown, done, position, counts)
        n_uniforms = 2 * len(uniforms)
    n_uniforms = position + values.size * 4 // 3  # 4 / π for each normal number
    while replay_normals(rng.first_uniforms(n_uniforms), position, normals) < values.size:
        n_uniforms = n_uniforms * 5 // 4
    return counts, normals
