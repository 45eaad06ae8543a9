"""Image files: read as the benchmark reads them, and written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image

from robustpose.errors import UserError
from robustpose.files import open_whole
from robustpose.pose.types import Image


def read_image(path: Path) -> Image:
    """Return the (H, W, 3) uint8 RGB image of a file, without EXIF rotation, as the annotations expect it.

    A truncated JPEG is not filled up: it is a UserError, as all damaged files are.
    """
    try:
        with PIL.Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise UserError(f"image {path} does not exist") from error
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise UserError(f"image {path} cannot be read ({error}): replace the file and start again") from error


def read_in_place_of(path: Path, original: Image, what: str, hint: str) -> Image:
    """Return the image of a file that stands for the `original` image (H, W, 3); UserError for another size.

    Messages call the original `what`, and end with `hint`: what may have gone wrong.
    """
    image = read_image(path)
    if image.shape != original.shape:
        raise UserError(
            f"image {path} is {image.shape[1]} x {image.shape[0]} px, but {what} is "
            f"{original.shape[1]} x {original.shape[0]}: {hint}"
        )
    return image


def encode_image(image: Image, image_format: str) -> bytes:
    """Return the content of an image file: ``jpg75``, as Pillow writes JPEG by default (4:2:0); or ``png``."""
    content = io.BytesIO()
    if image_format == "jpg75":
        PIL.Image.fromarray(image).save(content, "JPEG")
    else:
        PIL.Image.fromarray(image).save(content, "PNG", compress_level=3)  # a third of the time for 13 % more bytes
    return content.getvalue()


def write_image(path: Path, image: Image) -> None:
    """Write (H, W, 3) uint8 RGB to `path`, in the format of its suffix, atomically."""
    with open_whole(path) as file:
        PIL.Image.fromarray(image).save(file, PIL.Image.registered_extensions()[path.suffix.lower()])
