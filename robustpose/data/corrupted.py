"""Corrupted images: any clean frame with a worse image, which is made or read when it is first looked at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from robustpose import registry
from robustpose.carried import Bundle, Files, bundle_files
from robustpose.changes import BY_CORRUPTION
from robustpose.config import Settings, check_settings
from robustpose.corruptions import LEAST_SIDE, TABLE, check_size, corrupt, corrupt_all, h264
from robustpose.corruptions.frost_textures import GENERATED, list_textures, load_textures
from robustpose.corruptions.seeding import Seed
from robustpose.data.people import are_told_of_people, without_people
from robustpose.data.readers import Reader
from robustpose.errors import UserError, first_few
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame, Image
from robustpose.states import know, tabulate

ORIGIN = ("profile", "seed", "frost_textures")  # what every provenance of pixels has
# And what it has where an image takes part in corruptions that are defined for squares: how it becomes one.
CONVENTION, CANVAS = "shape_convention", "canvas"


class CorruptedImages(Protocol):
    """Where corrupted images come from. Can be sent to another process."""

    def frame_in(self, frame: Frame, cell: Cell) -> Frame:
        """Return clean `frame` as it looks in `cell`, for estimators: it does not say where people are.

        The clean image is decoded once for all its cells.
        """
        if cell.corruption is None:
            return without_people(frame)
        return replace(frame, cell=cell, read=CorruptedReader(self, frame, cell), people=None)

    @abstractmethod
    def read(self, frame: Frame, cell: Cell) -> Image:
        """Return the image of clean `frame` in `cell`, which is not clean."""

    @abstractmethod
    def check(self, cells: Iterable[Cell], frames: Sequence[Frame]) -> None:
        """Raise UserError unless each of the clean `frames` can be had in each of `cells`."""

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Return what determines the pixels: at least what `ORIGIN` names."""

    def code_of(self, cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
        """Return what decides the pixels of corruptions among `cells` beside this package, by name, as far as known.

        Of somebody's own that is their code; of those of H.264, the versions of the codec.
        """
        return {}

    def doubts(self, cells: Iterable[Cell]) -> tuple[str, ...]:
        """Return why the pixels in some cells could be wrong, a line each."""
        return ()

    def carry(self, cells: Iterable[Cell]) -> tuple[CorruptedImages, Files]:
        """Return the same for machines that see no file of this one, in these cells, and the files that it takes."""
        return self, {}

    def carry_reader(self, reader: CorruptedReader) -> Reader:
        """Return the same reader for such machines."""
        return reader


@dataclass(frozen=True, eq=False)
class CorruptedReader(Reader):
    """Read the image of a clean frame in a cell."""

    images: CorruptedImages
    frame: Frame
    cell: Cell

    def __call__(self) -> Image:
        return self.images.read(self.frame, self.cell)

    def carry(self) -> Reader:
        """Return what brings the image, or makes it from the clean one, which is carried with its frame."""
        return self.images.carry_reader(self)


@dataclass(frozen=True)
class MadeImages(CorruptedImages):
    """Corrupted images that are made here from the clean ones."""

    seed: str | int = "release"  # ``"release"``, or an integer for fields that differ from image to image
    frost: Path | None = None  # folder of frost textures; None for the installed ones

    def read(self, frame: Frame, cell: Cell) -> Image:
        (image,) = self.images(frame, [cell])
        return image

    def images(self, frame: Frame, cells: Iterable[Cell]) -> Iterator[Image]:
        """Yield the image of clean `frame` in each of `cells`, none of them clean; what they share is done once."""
        cells = list(cells)
        pairs = [(str(cell.corruption), cell.severity) for cell in cells]
        people = frame.people
        if people is None:
            people = ()
            assert not are_told_of_people(cells), f"image {frame.image_id} comes without its people: see tell_people"
        return corrupt_all(_read_clean(frame), pairs, self._seed_for(frame), frost=self.frost, people=people)

    def load(self, corruption: str) -> None:
        """Load now what the first image under a corruption needs: compiled kernels, frost textures."""
        corrupt(np.zeros((64, 64, 3), np.uint8), corruption, 1, self.seed, frost=self.frost)

    def check(self, cells: Iterable[Cell], frames: Sequence[Frame] = ()) -> None:
        """Raise UserError where frost's textures are not there, or `frames` too small, or too large for the memory."""
        corruptions = sorted({cell.corruption for cell in cells if cell.corruption is not None})
        is_release = self.seed == "release"
        textures = load_textures(self.frost, original=is_release).images if "frost" in corruptions else ()
        h264.check_codec(corruptions)
        if not corruptions:
            return
        _check_least_side(frames)
        shapes = [texture.shape for texture in textures]
        for (width, height), frame in {frame.size_wh: frame for frame in frames if frame.size_wh is not None}.items():
            for corruption in corruptions:
                check_size(corruption, (height, width), is_release, shapes, _name_of(frame))

    def provenance(self) -> dict[str, Any]:
        """Return profile, seed and source of the frost textures."""
        is_release = self.seed == "release"
        return {
            "profile": "release" if is_release else "independent",
            "seed": self.seed,
            "frost_textures": "original" if is_release else load_textures(self.frost).source,
        }

    def code_of(self, cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
        names = [str(name) for name in dict.fromkeys(cell.corruption for cell in cells) if name is not None]
        known = {name: know(registry.load(name), name.partition(":")[0]) for name in names if name not in TABLE}
        codec = {name: h264.list_versions() for name in names if name in h264.CORRUPTIONS}
        return {**{name: tabulate(one, name) for name, one in known.items()}, **codec}

    def carry(self, cells: Iterable[Cell]) -> tuple[BroughtImages, Files]:
        """Return the same with frost's textures, of a folder or installed, as files to be brought."""
        if not any(cell.corruption == "frost" for cell in cells):
            return BroughtImages(self, None), {}
        bundle, files = bundle_files(*list_textures(self.frost))
        return BroughtImages(self, bundle), files

    def _seed_for(self, frame: Frame) -> Seed:
        return self.seed if isinstance(self.seed, str) else (self.seed, frame.image_id)


@dataclass(frozen=True)
class BroughtImages(CorruptedImages):
    """Corrupted images that are made on another machine, with the frost textures of the one that has sent them."""

    made: MadeImages
    textures: Bundle | None  # without files where they are generated; None where no cell has frost

    def open(self) -> MadeImages:
        """Return what makes the images on this machine."""
        if self.textures is None:
            return replace(self.made, frost=None)
        return replace(self.made, frost=self.textures.lay_out() if self.textures.hashes else Path(GENERATED))

    def read(self, frame: Frame, cell: Cell) -> Image:
        return self.open().read(frame, cell)

    def images(self, frame: Frame, cells: Iterable[Cell]) -> Iterator[Image]:
        """Yield the image of clean `frame` in each of `cells`, none of them clean."""
        return self.open().images(frame, cells)

    def check(self, cells: Iterable[Cell], frames: Sequence[Frame] = ()) -> None:
        self.open().check(cells, frames)

    def provenance(self) -> dict[str, Any]:
        """Return what determines the pixels."""
        return self.open().provenance()

    def code_of(self, cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
        return self.made.code_of(cells)


def describe_images(images: CorruptedImages, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what decides the pixels in some cells beside the clean images and the versions of libraries."""
    textures = images.provenance()["frost_textures"] if any(cell.corruption == "frost" for cell in cells) else None
    return {BY_CORRUPTION: images.code_of(cells), "frost_textures": textures}


class CorruptedSpec(Settings):
    """Say where corrupted images come from: a corrupted set in `corrupted_root`, else `MadeImages` of the other two."""

    seed: Literal["release"] | int = "release"
    frost: Path | None = None
    corrupted_root: Path | None = None

    def open(self) -> CorruptedImages:
        """Return the corrupted images; UserError where `corrupted_root` is no corrupted set, or an unfinished one."""
        if self.corrupted_root is not None:
            from robustpose.data.stored import open_stored_images

            return open_stored_images(self.corrupted_root)
        return MadeImages(self.seed, self.frost)


def describe_corrupted_images(seed: str | int | None, frost: Path | None, corrupted_root: Path | None) -> CorruptedSpec:
    """Return the description of corrupted images; None for what is not said, the seed as the release has it.

    What is said of images that were made before is an error.
    """
    if corrupted_root is not None and (seed is not None or frost is not None):
        raise UserError("--corrupted-root reads images that were made before: leave out --seed and --frost")
    values = {"seed": "release" if seed is None else seed, "frost": frost, "corrupted_root": corrupted_root}
    return check_settings(CorruptedSpec, values, "")


def _read_clean(frame: Frame) -> Image:
    """Return the image of a clean frame, which must be large enough to be corrupted."""
    height, width = frame.image.shape[:2]
    _check_least_side([replace(frame, size_wh=(width, height))])
    return frame.image


def _check_least_side(frames: Sequence[Frame]) -> None:
    """Raise UserError for images, of those whose size is known, that are too small to be corrupted."""
    sizes = [(frame, frame.size_wh) for frame in frames if frame.size_wh is not None]
    small = [f"{_name_of(frame)} is {size[0]} x {size[1]} px" for frame, size in sizes if min(size) < LEAST_SIDE]
    if small:
        which = "it" if len(small) == 1 else "them"
        raise UserError(
            f"{first_few(small, 'images')}, but corruptions are defined from {LEAST_SIDE} x {LEAST_SIDE} px on: "
            f"leave {which} out"
        )


def _name_of(frame: Frame) -> str:
    return frame.file_name or f"image {frame.image_id}"
