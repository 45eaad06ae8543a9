"""Sizes of thumbnails: about how many bytes one takes in a cell, from what clean ones take, before any is made.

Noise takes bytes for every pixel, the more the stronger it is; fog, blur and low contrast leave a part of what the
clean image takes; snow and frost do both.
"""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.pose.cell import Cell

TYPICAL_CORRUPTED = 0.17  # bytes for each pixel, in base64: of corruptions that nothing is known of
SHARES = {  # of the clean thumbnail's bytes, as measured on photographs of people and on toy images
    "defocus_blur": 0.48,
    "glass_blur": 0.62,
    "motion_blur": 0.6,
    "zoom_blur": 0.5,
    "gaussian_blur": 0.52,
    "fog": 0.38,
    "brightness": 1.1,
    "contrast": 0.25,
    "elastic_transform": 0.97,
    "pixelate": 0.83,
    "jpeg_compression": 0.92,
    "snow": 0.5,
    "frost": 0.5,
    "spatter": 0.8,
    "saturate": 0.8,
    "color_quantization": 1.03,
    "darkness": 0.44,
    "mask": 1.0,
    "underexposure": 0.25,
    "high_gain": 1.67,
    "dim_light": 0.74,
}
ADDED = {"snow": 0.12, "frost": 0.1, "spatter": 0.12, "saturate": 0.06}  # bytes for each pixel beside
NOISE = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")
# Bytes for each pixel, and those that every severity adds.
NOISE_WHOLE = (0.18, 0.11)
NOISE_REDUCED = (0.14, 0.018)  # in the gallery, which makes smaller ones of thumbnails that take much


def guess_corrupted(cells: Sequence[Cell], n_bytes: float, n_pixels: float, is_reduced: bool = False) -> float:
    """Return the bytes of a thumbnail in these corrupted cells, on average, if clean it has `n_bytes` and `n_pixels`.

    `is_reduced`: of the gallery, whose thumbnails are smaller where they would take much.

    >>> [round(guess_corrupted([Cell(name, 3)], 10_000, 60_000)) for name in ("fog", "shot_noise")]
    [3800, 30600]
    """
    noise = NOISE_REDUCED if is_reduced else NOISE_WHOLE
    return sum(_guess(cell, n_bytes, n_pixels, noise) for cell in cells) / max(len(cells), 1)


def _guess(cell: Cell, n_bytes: float, n_pixels: float, noise: tuple[float, float]) -> float:
    name = str(cell.corruption)
    if name in NOISE:
        return (noise[0] + noise[1] * cell.severity) * n_pixels
    if name in SHARES:
        return SHARES[name] * n_bytes + ADDED.get(name, 0.0) * n_pixels
    return TYPICAL_CORRUPTED * n_pixels
