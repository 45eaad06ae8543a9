"""Depth: images of any depth and kind as 8-bit RGB, as they are meant to look; else refused, never guessed.

8-bit files, grey, RGB, palette or CMYK, become what Pillow makes of them. Of 16 bits the upper 8 are taken, as OpenCV
and Pillow do. What nobody says is how far the values of a 16-bit file go if they fill only its lower part, which colour
is behind transparent pixels, and which of several images of one file is meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

from robustpose.errors import UserError

BITS_PER_SAMPLE, PHOTOMETRIC, SUBFILE, SAMPLE_FORMAT = 258, 262, 254, 339  # tags of TIFF
DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "I;16N")
PLAIN = ("1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX")
WITH_ALPHA = ("LA", "PA", "RGBA", "La", "RGBa")


def check_depth(image: PIL.Image.Image, path: Path) -> None:
    """Raise UserError where an opened image, not yet decoded, is of a kind that `to_rgb` cannot bring to 8 bits."""
    tags: Any = getattr(image, "tag_v2", {})
    kinds = tags.get(SAMPLE_FORMAT, 1)
    if image.mode == "F" or not set(np.atleast_1d(kinds).tolist()) <= {1, 4}:  # unsigned, or undefined
        raise _refuse(path, "has floating-point or signed values, and nobody says which of them is white")
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise _refuse(path, "has 32-bit values, and nobody says which of them is white")
    if image.mode not in (*DEEP_GREY, *PLAIN, *WITH_ALPHA):
        raise _refuse(path, f"has pixels of kind {image.mode}, whose colours are not read here")
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        raise _refuse(path, "is CMYK without Adobe's marker, so whether its values are inverted is not known")
    # Cameras put a preview or a map of gains behind a photograph (MPO); it is the first one that is shown.
    if image.format != "MPO" and getattr(image, "is_animated", False) and not _are_previews(image):
        raise UserError(f"image {path} holds several images: save the one that is annotated as a file of its own")
    if tags.get(SUBFILE, 0) & 1:
        raise UserError(f"image {path} begins with a preview, as raw files of cameras do: export the photograph itself")


def to_rgb(image: PIL.Image.Image, path: Path) -> npt.NDArray[np.uint8]:
    """Decode an image that `check_depth` lets pass: (H, W, 3) uint8 RGB.

    UserError for transparent pixels, and for 16-bit values that leave three quarters of their range empty.
    """
    n_bits, is_deep = _count_bits(image), _is_deep(image)  # decoding forgets it
    if image.mode in DEEP_GREY:
        return np.repeat(_scale_grey(image, n_bits, is_deep, path)[:, :, None], 3, axis=2)
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        if np.asarray(image.getchannel("A")).min() < 255:
            raise _refuse_transparent(path)
    rgb = np.asarray(image.convert("RGB"))
    if is_deep and rgb.max() < 64:
        raise _refuse_dark(path)
    return rgb


def _scale_grey(image: PIL.Image.Image, n_bits: int, is_deep: bool, path: Path) -> npt.NDArray[np.uint8]:
    """Return the grey values (H, W) of an image that has more than 8 bits of them."""
    tags: Any = getattr(image, "tag_v2", {})
    is_white_zero = tags.get(PHOTOMETRIC) == 0
    values = np.asarray(image).astype(np.int64)
    if not 0 <= values.min() <= values.max() < 1 << n_bits:
        raise _refuse(path, f"has values from {values.min()} to {values.max()}, beyond {n_bits} bits")
    if (values == image.info.get("transparency", -1)).any():
        raise _refuse_transparent(path)
    if is_deep and 0 < values.max() < 1 << 14:
        raise _refuse_dark(path)
    if is_white_zero:
        values = (1 << n_bits) - 1 - values
    return (values >> (n_bits - 8)).astype(np.uint8)


def _count_bits(image: PIL.Image.Image) -> int:
    """Return how many bits the values of a deep grey image have as Pillow gives them."""
    tags: Any = getattr(image, "tag_v2", {})
    return 12 if max(np.atleast_1d(tags.get(BITS_PER_SAMPLE, 8)).tolist()) == 12 else 16


def _is_deep(image: PIL.Image.Image) -> bool:
    """Tell whether a file, not yet decoded, has 16 bits a value and does not say how many of them are in use."""
    tags: Any = getattr(image, "tag_v2", None)
    if tags is not None:
        return max(np.atleast_1d(tags.get(BITS_PER_SAMPLE, 8)).tolist()) == 16
    tiles: Any = getattr(image, "tile", None)
    how = str(tiles[0][3]) if tiles else ""
    if image.format == "PPM":  # it states its maximum, and Pillow scales by it
        return "I;16" in how or "65535" in how
    return image.mode in DEEP_GREY or ";16" in how


def _are_previews(image: PIL.Image.Image) -> bool:
    """Tell whether all images of a file but the first are its own, smaller: TIFF says so."""
    if image.format != "TIFF":
        return False
    number, are_previews = 1, True
    try:
        while are_previews:
            image.seek(number)
            are_previews = bool(image.tag_v2.get(SUBFILE, 0) & 1)  # type: ignore[attr-defined]
            number += 1
    except EOFError:
        pass
    image.seek(0)
    return are_previews


def _refuse(path: Path, what: str) -> UserError:
    return UserError(f"image {path} {what}: convert it to 8-bit RGB")


def _refuse_transparent(path: Path) -> UserError:
    return _refuse(path, "has transparent pixels, and nobody says what is behind them")


def _refuse_dark(path: Path) -> UserError:
    return _refuse(
        path, "has 16-bit values below a quarter of their range, as those of 12-bit cameras and depth maps are"
    )
