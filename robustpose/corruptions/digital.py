"""Digital: contrast, elastic deformation, pixels, JPEG, and the held-out saturation."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import PIL.Image
from scipy import ndimage

from robustpose.corruptions.pixels import hsv_to_rgb, rgb_to_hsv, smooth, to_uint8
from robustpose.corruptions.seeding import Rng

Image = npt.NDArray[np.uint8]


def contrast(image: Image, severity: int, rng: Rng) -> Image:
    """Pull every channel towards its mean."""
    x = image / 255.0
    means = x.mean(axis=(0, 1), keepdims=True)
    return to_uint8((x - means) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1] + means)


def elastic_transform(image: Image, severity: int, rng: Rng) -> Image:
    """Displace pixels by a smooth random field. Pixels move, the ground truth stays."""
    strength = 250 * (0.05, 0.065, 0.085, 0.1, 0.12)[severity - 1]
    height, width = image.shape[:2]

    def draw_displacement() -> npt.NDArray[np.float32]:
        field = rng.uniform(-0.005 * height, 0.005 * height, size=(height, width))
        field = smooth(field, (0.01 * height, 0.01 * width), mode="reflect", truncate=3)
        return (field * strength).astype(np.float32)

    dx, dy = draw_displacement(), draw_displacement()
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    where = np.stack([down + dy, across + dx])  # (2, H, W) float64
    x = image.astype(np.float32) / np.float32(255.0)
    moved = [ndimage.map_coordinates(x[:, :, channel], where, order=1, mode="reflect") for channel in range(3)]
    return to_uint8(np.stack(moved, axis=2))


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
    hsv = rgb_to_hsv(image / 255.0)
    hsv[:, :, 1] = np.clip(hsv[:, :, 1] * scale + shift, 0, 1)
    return to_uint8(hsv_to_rgb(hsv))
