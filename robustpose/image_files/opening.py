"""Opening: image files of known formats, looked at before they are decoded: size, kind of pixels, EXIF orientation."""

from __future__ import annotations

import io
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import PIL.Image

from robustpose.errors import UserError, spell_list
from robustpose.image_files.depth import check_depth, to_rgb
from robustpose.limits import check_limit

# What Pillow may take a file for: of its other formats, EPS starts a program, and stubs do as somebody else says.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF")
ORIENTATION = 0x0112  # EXIF tag
Exif = Literal["apply", "ignore"]  # whether images are turned as their EXIF orientation says, or read as stored
LOCK = threading.Lock()  # of Pillow's limit
RGB = npt.NDArray[np.uint8]  # (H, W, 3)


class Content(NamedTuple):
    """An image file that was read elsewhere: its path there, for messages, and its bytes."""

    path: Path
    content: bytes


ImageFile = Path | Content


class Header(NamedTuple):
    """What an image file says of itself: its size as stored, and its EXIF orientation, 1 (as stored) to 8."""

    stored_wh: tuple[int, int]
    orientation: int

    def size_wh(self, exif: Exif | None) -> tuple[int, int]:
        """Return the size of the image as it is read."""
        is_turned = exif == "apply" and self.orientation >= 5
        return (self.stored_wh[1], self.stored_wh[0]) if is_turned else self.stored_wh


def read_header(path: Path) -> Header:
    """Return what an image file says of itself; UserError for what `read_image` would refuse without decoding it."""
    with _open_image(path) as image:
        return _read_header(image)


def check_image(path: Path) -> None:
    """Raise UserError for a file that is no image, is damaged, or of a kind that `read_header` refuses."""
    with _open_image(path) as image:
        image.load()


def read_content(path: Path) -> Content:
    """Return an image file as it is, for `read_image` in another place; UserError where there is no such file."""
    with _open_file(path) as file:
        return Content(path, file.read())


def read_image(file: ImageFile, exif: Exif | None = "ignore") -> RGB:
    """Return the (H, W, 3) uint8 RGB image of a file, turned as EXIF says or not; with None, EXIF must turn nothing.

    UserError where it is damaged, even if only its end is missing; where it has more pixels than the limit, before they
    are decoded; or where it is of a kind whose colours are not known, such as floating-point values.
    """
    path = file if isinstance(file, Path) else file.path
    with _open_image(file) as image:
        if exif == "ignore" and image.format != "TIFF":  # which Pillow turns by itself, and nothing else
            return to_rgb(image, path)
        header = _read_header(image)
        if exif is None and header.orientation > 1:
            raise UserError(f"image {path} is turned by its EXIF, and those that belong to it are not: turn it")
        if image.format == "TIFF":
            _forget_orientation(image, header)
        return turn(to_rgb(image, path), header.orientation if exif == "apply" else 1)


def turn(image: RGB, orientation: int) -> RGB:
    """Return an image (H, W, 3) turned and mirrored as an EXIF orientation, 1 to 8, asks for."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


@contextmanager
def _open_image(file: ImageFile) -> Iterator[PIL.Image.Image]:
    """Open an image file and check what can be checked before it is decoded."""
    path = file if isinstance(file, Path) else file.path
    with _open_file(file) as opened, _without_pillows_limit(opened):
        # Pillow opens the path again where it maps a file to memory: of a content, there may be another file there.
        image = _identify(opened, path, "" if isinstance(file, Content) else str(path))
        check_limit("MEGAPIXELS", image.width * image.height / 1e6, f"image {path}", "megapixels")
        check_depth(image, path)
        yield image


@contextmanager
def _open_file(file: ImageFile) -> Iterator[IO[bytes]]:
    """Open an image file; what goes wrong in the block with reading it is a UserError."""
    path = file if isinstance(file, Path) else file.path
    try:
        if isinstance(file, Content):
            yield io.BufferedReader(io.BytesIO(file.content))
            return
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for, a device never ends
            raise UserError(f"image {path} is no file")
        with file.open("rb") as opened:
            yield opened
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"image {path} does not exist: name another, or put it there") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or error) from error
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        raise _unreadable(path, error) from error


@contextmanager
def _without_pillows_limit(file: IO[bytes]) -> Iterator[None]:
    """Keep Pillow's readers of GIF and TIFF from warning of many pixels, or refusing them: the limit is ours."""
    prefix = file.peek(4)[:4]  # type: ignore[attr-defined]
    if prefix not in (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        yield
        return
    with LOCK:
        limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = limit


def _identify(file: IO[bytes], path: Path, mapped: str) -> PIL.Image.Image:
    """Return the image in an open file, not yet decoded.

    `PIL.Image.open` would do the same, and warn of many pixels or refuse them by a limit of its own.
    """
    prefix = file.read(16)
    for load in (PIL.Image.preinit, PIL.Image.init):  # the usual formats alone are loaded faster
        load()
        for name in FORMATS:
            factory, accept = PIL.Image.OPEN.get(name, (None, None))
            if factory is not None and accept is not None and accept(prefix) is True:
                file.seek(0)
                return factory(file, mapped)
    what = "it is empty" if not prefix else f"it is none of {spell_list(FORMATS, 'or')}"
    raise _unreadable(path, what)


def _unreadable(path: Path, reason: object) -> UserError:
    words = " ".join(str(reason).split()) or type(reason).__name__
    return UserError(f"image {path} cannot be read ({words[:200]}): replace the file and start again")


def _read_header(image: PIL.Image.Image) -> Header:
    """Return the header of an image that is not yet decoded."""
    try:
        orientation: Any = _read_exif(image).get(ORIENTATION, 1)
    except Exception:  # EXIF is foreign bytes: images with damaged ones are shown as they are stored
        orientation = 1
    if not isinstance(orientation, int) or not 1 <= orientation <= 8:
        orientation = 1
    is_swapped = image.format == "TIFF" and orientation >= 5  # Pillow gives the size of TIFF as it will turn it
    return Header((image.height, image.width) if is_swapped else image.size, orientation)


def _forget_orientation(image: Any, header: Header) -> None:
    """Have Pillow decode a TIFF as it is stored. It turns it otherwise, and mixes up the rows of uncompressed ones."""
    for tags in (image.tag_v2, image.getexif()):
        if ORIENTATION in tags:
            del tags[ORIENTATION]
    image._size = header.stored_wh


def _read_exif(image: PIL.Image.Image) -> PIL.Image.Exif:
    is_undecoded_png = image.format == "PNG" and "exif" not in image.info
    if is_undecoded_png and not _has_late_text(image.fp):  # type: ignore[attr-defined]
        return PIL.Image.Image.getexif(image)  # PNG's own method decodes the image to look behind its pixels
    return image.getexif()


def _has_late_text(file: IO[bytes]) -> bool:
    """Tell whether a PNG file has EXIF or text, which can hold EXIF, behind its pixels. The place in the file stays."""
    place, found, is_behind = file.tell(), False, False
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        is_behind |= head[4:] == b"IDAT"
        if is_behind and head[4:] in (b"eXIf", b"iTXt", b"tEXt", b"zTXt"):
            found = True
            break
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    file.seek(place)
    return found
