"""Digital: contrast, elastic deformation, pixels, JPEG, fewer colours, and the held-out saturation."""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from robustpose.corruptions.exact import colors as kernels
from robustpose.corruptions.exact.displacement import displace
from robustpose.corruptions.exact.pixels import to_float32, to_uint8
from robustpose.corruptions.exact.smoothing import smooth_reflected
from robustpose.corruptions.seeding import Rng
from robustpose.pose.types import Image


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

    def draw_fields() -> npt.NDArray[np.float64]:
        reach = 0.005 * height
        fields = -reach + (reach - -reach) * rng.first_uniforms(2 * height * width).reshape(2, height, width)
        sigma = (0.01 * height, 0.01 * width)
        return np.stack([smooth_reflected(field, sigma, truncate=3) for field in fields])

    fields = rng.draw_once("elastic", (height, width), draw_fields)
    x = rng.once_per_image("float32", lambda: to_float32(image))
    out = np.empty_like(image)
    displace(x, fields, strength, out)
    return out


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


def color_quantization(image: Image, severity: int, rng: Rng) -> Image:
    """Keep the first 5, 4, 3, 2 or 1 bits of every channel value; the others are 0."""
    return image & np.uint8(256 - 2 ** (2 + severity))


def saturate(image: Image, severity: int, rng: Rng) -> Image:
    """Scale and shift the saturation of hue-saturation-value."""
    scale, shift = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1]
    out = np.empty_like(image)
    kernels.shift_hsv(image, float(scale), float(shift), 0.0, out)
    return out
