"""Low light: what a camera's sensor makes of a scene with too little light, by a model of the sensor.

    light        l = pixel value, through the curve of sRGB (IEC 61966-2-1) backwards: linear, 0..1
    electrons    Poisson(l · share of a good exposure's light · electrons of a full pixel): shot noise
    voltage      electrons + normal noise of reading + normal noise that the pixels of a row have in common
    number       voltage · gain, rounded and clipped to 0..1023: a converter of 10 bits
    pixel value  number / 1023, through the curve of sRGB again, rounded

This is the linear camera of EMVA 1288 (release 4.0, section 2), whose noise is the Poissonian-Gaussian one of Foi et
al. (IEEE Transactions on Image Processing 17(10), 2008), clipped as there. Noise of rows is as in Wei et al. (CVPR
2020). An image is taken as what the sensor shows of the scene in good light, where white is a full pixel. There is no
colour filter: noise is independent in each channel, and so finer than that of a camera, which computes two of a pixel's
three values from its neighbours. The constants are ours.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.exposing import expose
from robustpose.corruptions.exact.poisson_tables import PoissonTables, tabulate_poisson
from robustpose.corruptions.noise import draw_normals
from robustpose.corruptions.seeding import IndependentRng, Rng
from robustpose.pose.types import Image

Normals = npt.NDArray[np.float32]

FULL = 2000.0  # electrons that a pixel holds: one of a small sensor
N_NUMBERS = 1024  # of the converter
READ_NOISE = 2.5  # electrons
# Linear R, G, B of a lamp, with white balance halfway from daylight: the square root of CIE illuminant A in sRGB.
LAMP = (1.0, 0.67, 0.36)


class Exposure(NamedTuple):
    """How the sensor is exposed; shares are of a good exposure."""

    light: float
    brightness: float  # of what comes out: the gain is brightness / light
    row_noise: float = 0.0  # electrons
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)  # of the light: linear R, G, B


EXPOSURES: dict[str, tuple[Exposure, ...]] = {
    "underexposure": tuple(Exposure(light, light) for light in (1 / 6, 1 / 15, 1 / 30, 1 / 60, 1 / 100)),
    "high_gain": tuple(Exposure(light, 1.0) for light in (1 / 8, 1 / 20, 1 / 40, 1 / 80, 1 / 140)),
    "dim_light": (
        Exposure(1 / 6, 0.6, 0.5, LAMP),
        Exposure(1 / 12, 0.45, 0.7, LAMP),
        Exposure(1 / 24, 0.35, 1.0, LAMP),
        Exposure(1 / 40, 0.25, 1.2, LAMP),
        Exposure(1 / 64, 0.18, 1.4, LAMP),
    ),
}


def underexposure(image: Image, severity: int, rng: Rng) -> Image:
    """Expose too shortly, and leave it at that: a dark image of few levels."""
    return _expose_sensor(image, "underexposure", severity, rng)


def high_gain(image: Image, severity: int, rng: Rng) -> Image:
    """Expose too shortly, and amplify to the brightness of the image: noise."""
    return _expose_sensor(image, "high_gain", severity, rng)


def dim_light(image: Image, severity: int, rng: Rng) -> Image:
    """Look by lamplight, amplified in part: dark and noisy, rows that differ, colours of the lamp."""
    return _expose_sensor(image, "dim_light", severity, rng)


def _expose_sensor(image: Image, name: str, severity: int, rng: Rng) -> Image:
    how = EXPOSURES[name][severity - 1]
    height, width = image.shape[:2]
    fields = rng.draw_once("sensor", (height, width), lambda: _draw_fields((height, 3 * width), rng))
    values = image.reshape(height, -1)
    for array in (values, *fields):
        array.flags.writeable = False  # kept fields are: the loop is compiled for one kind
    out = np.empty((height, 3 * width), np.uint8)
    per_electron = how.brightness / how.light * (N_NUMBERS - 1) / FULL
    tables = _tabulate_electrons(name, severity)
    expose(values, *fields, tables, READ_NOISE, how.row_noise, per_electron, _list_shown(), out)
    return out.reshape(image.shape)


def _draw_fields(shape: tuple[int, int], rng: Rng) -> tuple[npt.NDArray[np.uint32], Normals, Normals]:
    """Draw words for the electrons and normal numbers for reading (H, 3 * W), and normal numbers of the rows (H,)."""
    size, height = shape[0] * shape[1], shape[0]
    if isinstance(rng, IndependentRng):
        words, normals = rng.words(size, np.uint32), draw_normals(size, rng)
    else:
        words, normals = rng.randint(0, 2**32, size, np.uint32), rng.standard_normal(size, np.float32)
    return words.reshape(shape), normals.reshape(shape), rng.standard_normal(height).astype(np.float32)


@lru_cache(maxsize=16)
def _tabulate_electrons(name: str, severity: int) -> PoissonTables:
    """Return the distributions of electrons of 256 values, in white light, or of 3 * 256, channel by channel."""
    how = EXPOSURES[name][severity - 1]
    electrons = FULL * how.light * srgb_to_linear(np.arange(256) / 255.0)
    shares = how.color if len(set(how.color)) > 1 else how.color[:1]
    return tabulate_poisson(np.concatenate([share * electrons for share in shares]))


@cache
def _list_shown() -> Image:
    """Return the pixel value of each number of the converter."""
    shown: Image = np.rint(255 * linear_to_srgb(np.arange(N_NUMBERS) / (N_NUMBERS - 1))).astype(np.uint8)
    return shown


def srgb_to_linear(v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the light of values in 0..1 of sRGB, linear, in 0..1."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the values in 0..1 of sRGB of light, linear, in 0..1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
