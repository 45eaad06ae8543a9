"""Digital: contrast, elastic deformation, pixels, JPEG, and the held-out saturation."""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from robustpose.corruptions import color_kernels as kernels
from robustpose.corruptions.pixels import smooth, to_float32, to_uint8
from robustpose.corruptions.seeding import Rng

Image = npt.NDArray[np.uint8]


def contrast(image: Image, severity: int, rng: Rng) -> Image:
    """Pull every channel towards its mean."""
    means = np.array(rng.once_per_image("means", lambda: kernels.mean_by_channel(image)))
    x = np.arange(256)[:, None] / 255.0
    table = to_uint8((x - means) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1] + means)  # (256, 3)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def elastic_transform(image: Image, severity: int, rng: Rng) -> Image:
    """Displace pixels by a smooth random field. Pixels move, the ground truth stays."""
    strength = 250 * (0.05, 0.065, 0.085, 0.1, 0.12)[severity - 1]
    height, width = image.shape[:2]

    def draw_field() -> npt.NDArray[np.float64]:
        reach = 0.005 * height
        fields = -reach + (reach - -reach) * rng.first_uniforms(2 * height * width).reshape(2, height, width)
        sigma = (0.01 * height, 0.01 * width)
        return np.stack([smooth(field, sigma, mode="reflect", truncate=3) for field in fields])

    def find_sources() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        dx, dy = (rng.once_per_size("elastic", draw_field) * strength).astype(np.float32)
        across, down = np.meshgrid(np.arange(width), np.arange(height))
        top, bottom, low = _neighbours(down + dy, height)
        left, right, side = _neighbours(across + dx, width)
        corners = [top * width + left, top * width + right, bottom * width + left, bottom * width + right]
        flat = np.stack(corners, axis=-1).reshape(-1, 4).astype(np.int32)
        return flat, np.stack([low, side], axis=-1).reshape(-1, 2)

    corners, parts = rng.once_per_size(f"elastic {severity}", find_sources)
    x = rng.once_per_image("float32", lambda: to_float32(image))
    out = np.empty_like(image)
    kernels.pick_bilinear(x, corners, parts, out)
    return out


def _neighbours(
    where: npt.NDArray[np.float64], length: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the pixels before and after positions on an axis, and the part of the way between them, in [0, 1).

    Positions outside are mirrored at the image's edge, half a pixel beyond its last pixel, as SciPy's `reflect` does: a
    position below 0 becomes -position - 1, so that the parts round as SciPy's.
    """
    where = np.where(where < 0, np.where(where > -1e-15, 1e-15, -where) - 1, where)
    where = np.where(where >= length, 2 * length - where - 1, where)
    before = np.floor(where)
    part = where - before
    first = before.astype(np.intp)
    second = first + 1
    first = np.where(first < 0, -first - 1, first)
    second = np.where(second >= length, 2 * length - second - 1, second)
    return first, second, part


def pixelate(image: Image, severity: int, rng: Rng) -> Image:
    """Average down to a fraction of the size and back up without smoothing."""
    fraction = (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]
    height, width = image.shape[:2]
    small = PIL.Image.fromarray(image).resize((int(width * fraction), int(height * fraction)), PIL.Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), PIL.Image.Resampling.NEAREST))


def jpeg_compression(image: Image, severity: int, rng: Rng) -> Image:
    """Store as JPEG at low quality and read back."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "JPEG", quality=(25, 18, 15, 10, 7)[severity - 1])
    return np.asarray(PIL.Image.open(buffer).convert("RGB"))


def saturate(image: Image, severity: int, rng: Rng) -> Image:
    """Scale and shift the saturation of hue-saturation-value."""
    scale, shift = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1]
    out = np.empty_like(image)
    kernels.shift_hsv(image, float(scale), float(shift), 0.0, out)
    return out
