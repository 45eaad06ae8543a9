"""Readers: what gives a frame its image; each can be made one that brings what it reads to another machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from robustpose.data.images import read_in_place_of
from robustpose.errors import UserError
from robustpose.image_files.opening import Content, Exif, ImageFile, read_content, read_image
from robustpose.pose.types import Frame, Image


class Reader(ABC):
    """A function without arguments that gives an image. Can be sent to another process."""

    @abstractmethod
    def __call__(self) -> Image:
        """Return the (H, W, 3) uint8 RGB image."""

    def carry(self) -> Reader:
        """Return a reader of the same image that needs no file of this machine; UserError where there is none."""
        return self


@dataclass(frozen=True)
class FileReader(Reader):
    """Read an image file that has been looked at."""

    file: ImageFile
    exif: Exif
    size_wh: tuple[int, int]  # px, as it was looked at

    def __call__(self) -> Image:
        image = read_image(self.file, self.exif)
        if image.shape[1::-1] != self.size_wh:
            path = self.file.path if isinstance(self.file, Content) else self.file
            raise UserError(f"image {path} has been changed since it was looked at: start again")
        return image

    def carry(self) -> FileReader:
        """Return the reader of the file's content."""
        return replace(self, file=bring(self.file))


@dataclass(frozen=True, eq=False)
class ReaderInPlace(Reader):
    """Read an image file that stands for the image of a frame: see `read_in_place_of`."""

    file: ImageFile
    frame: Frame
    what: str
    hint: str

    def __call__(self) -> Image:
        return read_in_place_of(self.file, self.frame.image, self.what, self.hint, self.frame.exif)

    def carry(self) -> ReaderInPlace:
        """Return the reader of the file's content; the frame's own reader is carried with the frame."""
        return replace(self, file=bring(self.file))


@dataclass(frozen=True, eq=False)
class Pixels(Reader):
    """Give an image that somebody's own code made."""

    image: Image

    def __call__(self) -> Image:
        return self.image


@dataclass(frozen=True, eq=False)
class SharedImage(Reader):
    """Give the image of another frame, which is decoded, or corrupted, once for both."""

    frame: Frame

    def __call__(self) -> Image:
        return self.frame.image


@dataclass(frozen=True)
class Refused(Reader):
    """Stand for an image that cannot be read: whoever looks at it hears why, and nobody else."""

    reason: str

    def __call__(self) -> Image:
        raise UserError(self.reason)


def bring(file: ImageFile) -> Content:
    """Return the content of an image file."""
    return file if isinstance(file, Content) else read_content(file)
