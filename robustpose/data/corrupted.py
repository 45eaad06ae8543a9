"""Corrupted images: any clean frame with a worse image, which is made or read when it is first looked at."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from robustpose import registry
from robustpose.changes import BY_CORRUPTION
from robustpose.config import Settings, check_settings
from robustpose.contents import hash_some_files
from robustpose.corruptions import LEAST_SIDE, TABLE, check_size, corrupt, corrupt_all
from robustpose.corruptions.frost_textures import load_textures
from robustpose.corruptions.seeding import Seed
from robustpose.data.corrupted_set import FORMATS, MANIFEST, find_layout, list_files, place_image, read_manifest
from robustpose.data.images import read_in_place_of
from robustpose.errors import UserError, first_few
from robustpose.files import hash_file
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame, Image
from robustpose.states import know, tabulate

ORIGIN = ("profile", "seed", "frost_textures")  # what every provenance of pixels has


class CorruptedImages(Protocol):
    """Where corrupted images come from. Can be sent to another process."""

    def frame_in(self, frame: Frame, cell: Cell) -> Frame:
        """Return clean `frame` as it looks in `cell`. The clean image is decoded once for all its cells."""
        return frame if cell.corruption is None else replace(frame, cell=cell, read=partial(self.read, frame, cell))

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
        """Return what the code of somebody's own corruptions among `cells` is in, as far as it is known, by name."""
        return {}


@dataclass(frozen=True)
class MadeImages(CorruptedImages):
    """Corrupted images that are made here from the clean ones."""

    seed: str | int = "release"  # ``"release"``, or an integer for fields that differ from image to image
    frost: Path | None = None  # folder of frost textures; None for the installed ones

    def read(self, frame: Frame, cell: Cell) -> Image:
        assert cell.corruption is not None
        return corrupt(_read_clean(frame), cell.corruption, cell.severity, self._seed_for(frame), frost=self.frost)

    def images(self, frame: Frame, cells: Iterable[Cell]) -> Iterator[Image]:
        """Yield the image of clean `frame` in each of `cells`, none of them clean; what they share is done once."""
        pairs = [(str(cell.corruption), cell.severity) for cell in cells]
        return corrupt_all(_read_clean(frame), pairs, self._seed_for(frame), frost=self.frost)

    def load(self, corruption: str) -> None:
        """Load now what the first image under a corruption needs: compiled kernels, frost textures."""
        corrupt(np.zeros((64, 64, 3), np.uint8), corruption, 1, self.seed, frost=self.frost)

    def check(self, cells: Iterable[Cell], frames: Sequence[Frame] = ()) -> None:
        """Raise UserError where frost's textures are not there, or `frames` too small, or too large for the memory."""
        corruptions = sorted({cell.corruption for cell in cells if cell.corruption is not None})
        is_release = self.seed == "release"
        textures = load_textures(self.frost, original=is_release).images if "frost" in corruptions else ()
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
        names = dict.fromkeys(cell.corruption for cell in cells if cell.corruption not in (None, *TABLE))
        known = {str(name): know(registry.load(str(name)), str(name).partition(":")[0]) for name in names}
        return {name: tabulate(one, name) for name, one in known.items()}

    def _seed_for(self, frame: Frame) -> Seed:
        return self.seed if isinstance(self.seed, str) else (self.seed, frame.image_id)


@dataclass(frozen=True)
class StoredImages(CorruptedImages):
    """Corrupted images that are read from a corrupted set on disk. Made by `open_stored_images`."""

    root: Path  # its folder
    layout: str  # of `corrupted_set.LAYOUTS`
    image_format: str | None  # of `corrupted_set.FORMATS`; None where no manifest names it, and any suffix will do
    origin: dict[str, Any] = field(compare=False)  # what `provenance` returns, and the code of corruptions
    exif: Any = None  # what was done about EXIF when the set was made, as its manifest says it; None for nothing

    def read(self, frame: Frame, cell: Cell) -> Image:
        path, _ = self._find(frame, cell)
        hint = "was the set made from other images?"
        return read_in_place_of(path, frame.image, "its clean image", hint, frame.exif)

    def check(self, cells: Iterable[Cell], frames: Sequence[Frame]) -> None:
        """Raise UserError if an image of a cell is missing, or if EXIF has turned clean and corrupted ones unlike."""
        corrupted = [cell for cell in cells if cell.corruption is not None]
        wanted = (self._find(frame, cell) for cell in corrupted for frame in frames)
        missing = [str(path.relative_to(self.root)) for path, is_there in wanted if not is_there]
        if missing:
            problems = first_few(missing, "missing images")
            raise UserError(f"the corrupted set {self.root} lacks images that this run needs: {problems}")
        if corrupted and self.exif is not None and any(frame.exif not in (None, self.exif) for frame in frames):
            raise UserError(
                f"the corrupted set {self.root} was made with exif (--exif) {self.exif}, and these images are read "
                "otherwise: say the same, or make the set again"
            )

    def provenance(self) -> dict[str, Any]:
        """Return profile, seed and frost textures of the set, and in `corrupted_images` which set it is."""
        return {key: value for key, value in self.origin.items() if key != BY_CORRUPTION}

    def code_of(self, cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
        noted = self.origin.get(BY_CORRUPTION) or {}
        return {name: noted[name] for name in dict.fromkeys(str(cell.corruption) for cell in cells) if name in noted}

    def _find(self, frame: Frame, cell: Cell) -> tuple[Path, bool]:
        """Return the path of an image, or the likeliest path if it is missing, and whether it is there."""
        if frame.file_name is None:
            raise UserError("a corrupted set stands for image files, but the images of this dataset have no file names")
        formats = (None, *FORMATS) if self.image_format is None else (self.image_format,)
        paths = [self.root / place_image(frame.file_name, cell, self.layout, one) for one in formats]
        found = next((path for path in paths if path.is_file()), None)
        return found or paths[0], found is not None


class CorruptedSpec(Settings):
    """Say where corrupted images come from: a corrupted set in `corrupted_root`, else `MadeImages` of the other two."""

    seed: Literal["release"] | int = "release"
    frost: Path | None = None
    corrupted_root: Path | None = None

    def open(self) -> MadeImages | StoredImages:
        """Return the corrupted images; UserError where `corrupted_root` is no corrupted set, or an unfinished one."""
        if self.corrupted_root is not None:
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


def open_stored_images(root: Path) -> StoredImages:
    """Return the images of a finished corrupted set, or of a folder in either layout without a manifest."""
    if not root.is_dir():
        raise UserError(f"the corrupted set {root} does not exist: name a folder that robustpose corrupt made")
    manifest = read_manifest(root)
    which: dict[str, Any]
    if manifest is None:
        manifest = {"layout": find_layout(root), "format": None}
        which = {"manifest": "none", "layout": manifest["layout"], **_hash_files(root)}
    elif manifest["complete"]:
        which = {"manifest_sha256": hash_file(root / MANIFEST)}
        which |= {key: manifest.get(key) for key in ("layout", "format", "versions")}
    else:
        raise UserError(f"the corrupted set {root} is unfinished: start the command again that made it")
    origin = {key: manifest.get(key, "unknown") for key in ORIGIN}
    origin |= {BY_CORRUPTION: manifest.get(BY_CORRUPTION, {}), "corrupted_images": which}
    made_from = manifest.get("dataset")
    exif = made_from.get("exif") if isinstance(made_from, dict) else None
    return StoredImages(root, manifest["layout"], manifest["format"], origin, exif)


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


def _hash_files(root: Path) -> dict[str, str]:
    """Return hashes of the names and sizes of all files, and of the bytes of some: they tell one set from another."""
    sizes = list_files(root)
    lines = sorted(f"{path}:{size}" for path, size in sizes.items())
    return {
        "names_and_sizes_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "contents_sha256": hash_some_files([root / path for path in sorted(sizes)]),
    }
