"""Stored images: corrupted images that were made before, read from a corrupted set on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustpose.changes import BY_CORRUPTION
from robustpose.contents import hash_some_files
from robustpose.data.corrupted import CONVENTION, ORIGIN, CorruptedImages, CorruptedReader
from robustpose.data.corrupted_set import FORMATS, MANIFEST, find_layout, list_files, place_image, read_manifest
from robustpose.data.people import PEOPLE, are_told_of_people, hash_people
from robustpose.data.readers import Reader, ReaderInPlace
from robustpose.errors import UserError, first_few, spell_list
from robustpose.files import hash_file
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame, Image


@dataclass(frozen=True)
class StoredImages(CorruptedImages):
    """Corrupted images that are read from a corrupted set on disk. Made by `open_stored_images`."""

    root: Path  # its folder
    layout: str  # of `corrupted_set.LAYOUTS`
    image_format: str | None  # of `corrupted_set.FORMATS`; None where no manifest names it, and any suffix will do
    origin: dict[str, Any] = field(compare=False)  # what `provenance` returns, and the code of corruptions
    # The hash of the people of each image, by its file name; None where nobody says for whom it was made.
    people: dict[str, str] | None = field(default=None, compare=False)
    exif: Any = None  # what was done about EXIF when the set was made, as its manifest says it; None for nothing

    def read(self, frame: Frame, cell: Cell) -> Image:
        return self._find_reader(frame, cell)()

    def carry_reader(self, reader: CorruptedReader) -> Reader:
        return self._find_reader(reader.frame, reader.cell).carry()

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
        if self.people is not None and are_told_of_people(corrupted):
            self._check_people(self.people, frames)

    def doubts(self, cells: Iterable[Cell]) -> tuple[str, ...]:
        told = dict.fromkeys(str(cell.corruption) for cell in cells if are_told_of_people([cell]))
        if self.people is not None or not told:
            return ()
        names = spell_list(told)
        return (f"nobody knows for which people the images of {names} in the corrupted set were made",)

    def _check_people(self, people: dict[str, str], frames: Sequence[Frame]) -> None:
        """Raise UserError if images of cells that are told of people were made for others than those of `frames`."""
        of_known = [frame for frame in frames if frame.people is not None]
        others = [str(frame.file_name) for frame in of_known if people.get(str(frame.file_name)) != hash_people(frame)]
        if others:
            raise UserError(
                f"the corrupted set {self.root} was made for other people than those of these data, or for none, "
                f"which decides pixels: {first_few(others, 'images')}; make it again with these data"
            )

    def provenance(self) -> dict[str, Any]:
        """Return profile, seed and frost textures of the set, and in `corrupted_images` which set it is."""
        return {key: value for key, value in self.origin.items() if key != BY_CORRUPTION}

    def code_of(self, cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
        noted = self.origin.get(BY_CORRUPTION) or {}
        return {name: noted[name] for name in dict.fromkeys(str(cell.corruption) for cell in cells) if name in noted}

    def _find_reader(self, frame: Frame, cell: Cell) -> ReaderInPlace:
        path, _ = self._find(frame, cell)
        return ReaderInPlace(path, frame, "its clean image", "was the set made from other images?")

    def _find(self, frame: Frame, cell: Cell) -> tuple[Path, bool]:
        """Return the path of an image, or the likeliest path if it is missing, and whether it is there."""
        if frame.file_name is None:
            raise UserError("a corrupted set stands for image files, but the images of this dataset have no file names")
        formats = (None, *FORMATS) if self.image_format is None else (self.image_format,)
        paths = [self.root / place_image(frame.file_name, cell, self.layout, one) for one in formats]
        found = next((path for path in paths if path.is_file()), None)
        return found or paths[0], found is not None


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
        which |= {key: manifest[key] for key in ("people_sha256",) if key in manifest}
    else:
        raise UserError(f"the corrupted set {root} is unfinished: start the command again that made it")
    origin = {key: manifest.get(key, "unknown") for key in ORIGIN}
    origin |= {key: manifest[key] for key in (CONVENTION,) if key in manifest}
    origin |= {BY_CORRUPTION: manifest.get(BY_CORRUPTION, {}), "corrupted_images": which}
    made_from = manifest.get("dataset")
    exif = made_from.get("exif") if isinstance(made_from, dict) else None
    return StoredImages(root, manifest["layout"], manifest["format"], origin, manifest.get(PEOPLE), exif)


def _hash_files(root: Path) -> dict[str, str]:
    """Return hashes of the names and sizes of all files, and of the bytes of some: they tell one set from another."""
    sizes = list_files(root)
    lines = sorted(f"{path}:{size}" for path, size in sizes.items())
    return {
        "names_and_sizes_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "contents_sha256": hash_some_files([root / path for path in sorted(sizes)]),
    }
