"""Corruptions: ways to make an image worse, each at 5 severities. Which of them make a benchmark: see `suites`.

The table of Hendrycks & Dietterich (ICLR 2019) for images of any size (Michaelis et al., 2019), as Wang et al. (CVPR
2021) use it for COCO-C, MPII-C and OCHuman-C. To add a corruption, write ``f(image, severity, rng) -> image`` for uint8
RGB (H, W, 3) images and give it a row below, or name it ``package.module:function`` wherever a name is asked for. `rng`
has the methods of NumPy's `Generator` under every seed; the image is the function's own, to change or to return. One
with a fourth parameter `people` is told where people are: see `told`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose import registry
from robustpose.blame import blaming
from robustpose.corruptions import h264
from robustpose.corruptions.memory import Shape, estimate_bytes
from robustpose.corruptions.seeding import Memo, Seed, make_rng
from robustpose.corruptions.told import PARAMETER, find_inside, is_told
from robustpose.errors import UserError, spell_list
from robustpose.limits import check_limit
from robustpose.pose.types import Floats

SEVERITIES = (1, 2, 3, 4, 5)  # of every corruption
LEAST_SIDE = 32  # px, of an image
JPEG_SIDE = 65_500  # px, the most that JPEG can hold
MOST_SIDE = {"jpeg_compression": JPEG_SIDE, **dict.fromkeys(h264.CORRUPTIONS, h264.MOST_SIDE)}  # px; others: no limit

TABLE: dict[str, str] = {
    "gaussian_noise": "robustpose.corruptions.noise:gaussian_noise",
    "shot_noise": "robustpose.corruptions.noise:shot_noise",
    "impulse_noise": "robustpose.corruptions.noise:impulse_noise",
    "defocus_blur": "robustpose.corruptions.blur:defocus_blur",
    "glass_blur": "robustpose.corruptions.blur:glass_blur",
    "motion_blur": "robustpose.corruptions.blur:motion_blur",
    "zoom_blur": "robustpose.corruptions.blur:zoom_blur",
    "snow": "robustpose.corruptions.weather:snow",
    "frost": "robustpose.corruptions.weather:frost",
    "fog": "robustpose.corruptions.weather:fog",
    "brightness": "robustpose.corruptions.weather:brightness",
    "contrast": "robustpose.corruptions.digital:contrast",
    "elastic_transform": "robustpose.corruptions.digital:elastic_transform",
    "pixelate": "robustpose.corruptions.digital:pixelate",
    "jpeg_compression": "robustpose.corruptions.digital:jpeg_compression",
    "speckle_noise": "robustpose.corruptions.noise:speckle_noise",
    "gaussian_blur": "robustpose.corruptions.blur:gaussian_blur",
    "spatter": "robustpose.corruptions.weather:spatter",
    "saturate": "robustpose.corruptions.digital:saturate",
    "color_quantization": "robustpose.corruptions.digital:color_quantization",
    "darkness": "robustpose.corruptions.darkness:darkness",
    "mask": "robustpose.corruptions.occlusion:mask",
    "underexposure": "robustpose.corruptions.sensor:underexposure",
    "high_gain": "robustpose.corruptions.sensor:high_gain",
    "dim_light": "robustpose.corruptions.sensor:dim_light",
    "h264": "robustpose.corruptions.video:h264",
    "h264_predicted": "robustpose.corruptions.video:h264_predicted",
    "h264_small": "robustpose.corruptions.video:h264_small",
    "blue_noise_sample": "robustpose.corruptions.cbar.spectral:blue_noise_sample",
    "brownish_noise": "robustpose.corruptions.cbar.spectral:brownish_noise",
    "perlin_noise": "robustpose.corruptions.cbar.perlin:perlin_noise",
    "plasma_noise": "robustpose.corruptions.cbar.waves:plasma_noise",
    "single_frequency_greyscale": "robustpose.corruptions.cbar.waves:single_frequency_greyscale",
    "cocentric_sine_waves": "robustpose.corruptions.cbar.waves:cocentric_sine_waves",
    "checkerboard_cutout": "robustpose.corruptions.cbar.checkerboard:checkerboard_cutout",
    "sparkles": "robustpose.corruptions.cbar.sparkles:sparkles",
    "inverse_sparkles": "robustpose.corruptions.cbar.sparkles:inverse_sparkles",
    "caustic_refraction": "robustpose.corruptions.cbar.caustic:caustic_refraction",
}

# Bytes for each pixel of an image, where it is more than some copies of it: under `release`, whose fields are kept, and
# else. Measured on 6 megapixels. What depends on more than the number of pixels is said in `memory`.
MEMORY: dict[str, tuple[int, int]] = {
    "gaussian_noise": (27, 18),
    "shot_noise": (330, 15),
    "impulse_noise": (54, 21),
    "glass_blur": (36, 14),
    "zoom_blur": (27, 27),
    "snow": (42, 42),
    "elastic_transform": (65, 48),
    "speckle_noise": (27, 18),
    "spatter": (77, 77),
    "darkness": (340, 30),
    "underexposure": (48, 30),
    "high_gain": (48, 30),
    "dim_light": (48, 30),
    "h264": (18, 18),
    "h264_predicted": (44, 44),
}
DEFAULT_MEMORY = (12, 12)


def corrupt(
    image: npt.NDArray[np.uint8],
    name: str,
    severity: int,
    seed: Seed = "release",
    *,
    frost: Path | str | None = None,
    people: Sequence[Floats] = (),
) -> npt.NDArray[np.uint8]:
    """Return `image` under the corruption `name` at `severity`, (H, W, 3) RGB uint8.

    With ``seed="release"`` the result is, to the last bit, that of the program behind the published benchmark on
    the same versions of NumPy, SciPy, OpenCV and Pillow.

    Args:
        image: (H, W, 3) RGB or (H, W) grey, uint8, at least 32 px in height and width. It is not changed.
        name: of `TABLE`, or ``package.module:function``.
        severity: 1 (mild) to 5 (harsh).
        seed: ``"release"``: NumPy's legacy generator, seeded with 1 anew for every call, so that random fields depend
            on the image's size only. An integer run seed, or a pair (run seed, image id): independent fields for every
            image, corruption and severity (the formula is in `robustpose.corruptions.seeding`).
        frost: folder with frost textures; else the installed ones (``robustpose frost install``); else, but not
            with ``"release"``, textures that the program makes itself.
        people: joints (M, 2) px of each person, for corruptions that are told where people are, such as `mask`. Joints
            outside the image do not count.

    Raises:
        UserError: an unknown name, a severity outside 1..5, an image that is not as described, or ``"release"`` frost
            without the original textures.

    >>> import numpy as np
    >>> import robustpose
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> robustpose.corrupt(image, "contrast", 3).shape, int(robustpose.corrupt(image, "brightness", 2).mean())
    ((64, 64, 3), 179)
    """
    return _corrupt(_as_rgb(image), name, severity, seed, frost, people, {})


def corrupt_all(
    image: npt.NDArray[np.uint8],
    cells: Iterable[tuple[str, int]],
    seed: Seed = "release",
    *,
    frost: Path | str | None = None,
    people: Sequence[Floats] = (),
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield what `corrupt` gives for each of `cells` (name, severity), in order; what they share is done once.

    >>> import numpy as np
    >>> import robustpose
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> bright, brighter = robustpose.corrupt_all(image, [("brightness", 1), ("brightness", 2)])
    >>> np.array_equal(brighter, robustpose.corrupt(image, "brightness", 2))
    True
    """
    image = _as_rgb(image)
    memo: Memo = {}
    for name, severity in cells:
        yield _corrupt(image, name, severity, seed, frost, people, memo)


def _corrupt(
    image: npt.NDArray[np.uint8],
    name: str,
    severity: int,
    seed: Seed,
    frost: Path | str | None,
    people: Sequence[Floats],
    memo: Memo,
) -> npt.NDArray[np.uint8]:
    if severity not in SEVERITIES:
        raise UserError(f"severity must be {spell_list(SEVERITIES, 'or')}, got {severity!r}")
    function = _load(name)
    rng = make_rng(seed, name, severity, memo)
    if name == "frost":
        from robustpose.corruptions.frost_textures import load_textures

        textures = load_textures(frost, original=seed == "release")
        check_size(name, image.shape, seed == "release", [texture.shape for texture in textures.images])
        return function(image, severity, rng, textures.images)
    check_size(name, image.shape, seed == "release")
    told = {PARAMETER: find_inside(people, image.shape)} if is_told(function) else {}
    if name in TABLE:
        corrupted = function(image, severity, rng, **told)
    else:
        with blaming(f"corruption '{name}'", "f(image, severity, rng)"):
            corrupted = function(image.copy(), severity, rng, **told)  # which it may change
    if not isinstance(corrupted, np.ndarray) or corrupted.shape != image.shape or corrupted.dtype != np.uint8:
        came = f"{corrupted.shape} {corrupted.dtype}" if isinstance(corrupted, np.ndarray) else type(corrupted).__name__
        raise UserError(f"corruption '{name}' must return {image.shape} uint8, got {came}")
    return np.ascontiguousarray(corrupted)


def check_size(
    name: str, shape: Shape, is_release: bool, textures: Sequence[Shape] = (), image: str = "an image"
) -> None:
    """Raise UserError unless the corruption `name` takes images of a shape, and has the memory that it needs for one.

    Messages call it `image`; `textures` are the shapes of frost's.
    """
    height, width = shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise UserError(f"{image} must be at least {LEAST_SIDE} x {LEAST_SIDE} px, got {width} x {height}")
    if max(height, width) > MOST_SIDE.get(name, math.inf):
        raise UserError(f"{name} takes at most {MOST_SIDE[name]:,} px a side, but {image} is {width} x {height} px")
    bytes_per_pixel = MEMORY.get(name, DEFAULT_MEMORY)[0 if is_release else 1]
    megabytes = estimate_bytes(name, shape, bytes_per_pixel, is_release, textures) / 2**20
    check_limit("MEMORY_MB", megabytes, f"{name} of {image} ({width} x {height} px)", "MB")


def is_told_of_people(name: str) -> bool:
    """Return whether the corruption of a name is told where people are; UserError where there is none."""
    return is_told(_load(name))


def check_names(names: Iterable[str]) -> None:
    """Raise UserError for the first name that is no corruption."""
    for name in names:
        _load(name)


def _load(name: str) -> Callable[..., npt.NDArray[np.uint8]]:
    function: Any = registry.load(name, TABLE, kind="corruption")
    if not callable(function):
        came = type(function).__name__
        raise UserError(f"corruption '{name}' must be a function f(image, severity, rng) -> image, got {came}")
    return function


def _as_rgb(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise UserError(f"image must be (H, W, 3) RGB or (H, W) grey uint8, got {image.shape} {image.dtype}")
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    return np.ascontiguousarray(image)
