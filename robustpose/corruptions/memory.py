"""Memory: what each corruption takes of it for an image, told before it is taken, from the image's size alone.

Most corruptions take a few copies of the image. What can surprise: fog's field is a square whose side is the next power
of two of the image's longer side, those of the suite c-bar are squares of the longer side itself, and frost enlarges a
texture until it covers the image, both its sides by one factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Shape = tuple[int, ...]  # height, width, perhaps channels
HAZE_BYTES = (24, 16)  # for each value of fog's field, under `release` and else
# Bytes for each pixel of a square whose side is the image's longer side, measured on 2000 x 500 px.
CANVAS_BYTES = {
    "blue_noise_sample": (28, 14),
    "brownish_noise": (42, 17),
    "perlin_noise": (9, 1),
    "plasma_noise": (26, 1),
    "single_frequency_greyscale": (21, 1),
    "cocentric_sine_waves": (21, 1),
    "checkerboard_cutout": (1, 1),
    "sparkles": (10, 1),
    "inverse_sparkles": (4, 1),
    "caustic_refraction": (49, 2),
}
ENLARGED = 1.1  # how far frost's texture reaches beyond the image


def pane_wh(texture: Shape, image: Shape) -> tuple[int, int]:
    """Return the width and height to which frost enlarges a texture for an image."""
    factor = ENLARGED * max(1, image[0] / texture[0], image[1] / texture[1])
    return math.ceil(texture[1] * factor), math.ceil(texture[0] * factor)


def haze_side(image: Shape) -> int:
    """Return the side of fog's field for an image."""
    return int(2 ** math.ceil(math.log2(max(image[:2]))))


def estimate_bytes(
    corruption: str, image: Shape, bytes_per_pixel: int, is_release: bool, textures: Sequence[Shape] = ()
) -> int:
    """Return about how many bytes a corruption takes for an image of a shape.

    >>> estimate_bytes("fog", (480, 640), 3, is_release=True) // 2**20
    24
    """
    total = bytes_per_pixel * image[0] * image[1]
    if corruption == "fog":
        total += HAZE_BYTES[0 if is_release else 1] * haze_side(image) ** 2
    if corruption in CANVAS_BYTES:
        total += CANVAS_BYTES[corruption][0 if is_release else 1] * max(image[:2]) ** 2
    if corruption == "frost":
        total += 3 * max((math.prod(pane_wh(texture, image)) for texture in textures), default=0)
    return total
