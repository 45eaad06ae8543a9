"""Image files in the place of others, and image files written: whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image

from robustpose.corruptions import JPEG_SIDE
from robustpose.errors import UserError
from robustpose.files import open_whole
from robustpose.image_files.opening import Exif, ImageFile, read_image
from robustpose.pose.types import Image


def read_in_place_of(file: ImageFile, original: Image, what: str, hint: str, exif: Exif | None = None) -> Image:
    """Return the image of a file that stands for the `original` image (H, W, 3); UserError for another size.

    Messages call the original `what`, and end with `hint`: what may have gone wrong. `exif` is what was done about EXIF
    when the original was read; None where it turned nothing, and must turn nothing here.
    """
    image = read_image(file, exif)
    path = file if isinstance(file, Path) else file.path
    if image.shape != original.shape:
        raise UserError(
            f"image {path} is {image.shape[1]} x {image.shape[0]} px, but {what} is "
            f"{original.shape[1]} x {original.shape[0]}: {hint}"
        )
    return image


def check_side(sides: tuple[int, ...], image_format: str, name: str = "an image") -> None:
    """Raise UserError where an image, which messages call `name`, has a side, px, that its format cannot hold."""
    if image_format == "jpg75" and max(sides) > JPEG_SIDE:
        raise UserError(f"{name} has a side of {max(sides):,} px, but JPEG holds at most {JPEG_SIDE:,}: write png")


def encode_image(image: Image, image_format: str) -> bytes:
    """Return the content of an image file: ``jpg75``, as Pillow writes JPEG by default (4:2:0); or ``png``."""
    content = io.BytesIO()
    if image_format == "jpg75":
        check_side(image.shape[:2], image_format)
        PIL.Image.fromarray(image).save(content, "JPEG")
    else:
        PIL.Image.fromarray(image).save(content, "PNG", compress_level=3)  # a third of the time for 13 % more bytes
    return content.getvalue()


def write_image(path: Path, image: Image) -> None:
    """Write (H, W, 3) uint8 RGB to `path`, in the format of its suffix, atomically."""
    kind = PIL.Image.registered_extensions().get(path.suffix.lower())
    if kind not in PIL.Image.SAVE:
        raise UserError(f"cannot write the image {path}: its suffix names no format, such as .png")
    with open_whole(path) as file:
        PIL.Image.fromarray(image).save(file, kind)
