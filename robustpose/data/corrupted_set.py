"""A corrupted set on disk: where each image of each cell lies, and how to read its manifest.

fog/2/000000000139.jpg   layout `release`: severity 3 is folder 2, as in the released benchmark
fog-3/000000000139.jpg   layout `plain`
manifest.json            what the images are, how and from what they were made; `complete` when all are there
files.sha256             SHA-256 and path of every image, in order, as ``sha256sum -c`` reads them
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from robustpose.config import check_settings
from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.reading import read_json
from robustpose.records import Record

LAYOUTS = ("release", "plain")
FORMATS = ("jpg75", "png")  # Pillow's default JPEG (quality 75, 4:2:0), as released; lossless
MANIFEST = "manifest.json"
HASHES = "files.sha256"


def place_image(file_name: str, cell: Cell, layout: str, image_format: str | None) -> str:
    """Return the path, relative to the set, of the image that a dataset calls `file_name`, in a corrupted `cell`.

    `layout` is one of `LAYOUTS`; `image_format`, one of `FORMATS`, decides the suffix; None keeps that of `file_name`.
    """
    assert cell.corruption is not None
    folder = cell.file_stem
    if layout == "release":
        name, _, severity = cell.file_stem.rpartition("-")
        folder = f"{name}/{int(severity) - 1}"
    path = PurePosixPath(file_name)
    if image_format == "png":
        path = path.with_suffix(".png")
    elif image_format == "jpg75" and path.suffix.lower() not in (".jpg", ".jpeg"):
        path = path.with_suffix(".jpg")
    return f"{folder}/{path}"


def check_choices(layout: str, image_format: str) -> None:
    """Raise UserError for a layout or a format that there is not."""
    if layout not in LAYOUTS:
        raise UserError(f"layout (--layout) must be release or plain, got '{layout}'")
    if image_format not in FORMATS:
        raise UserError(f"format (--format) must be jpg75 or png, got '{image_format}'")


class _Files(Record):
    """What a manifest says of the files of a complete set."""

    hashes_sha256: StrictStr


class _Manifest(Record):
    """What is read of a manifest. That of somebody else need not say how the images were made."""

    layout: Literal["release", "plain"]
    format: Literal["jpg75", "png"]
    complete: StrictBool
    files: _Files | None = None
    profile: StrictStr = ""
    seed: StrictInt | StrictStr = ""
    frost_textures: StrictStr = ""
    versions: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    dataset: dict[StrictStr, Any] = Field(default_factory=dict)
    people: dict[StrictStr, StrictStr] | None = None
    people_sha256: StrictStr | None = None


def read_manifest(root: Path) -> dict[str, Any] | None:
    """Return the manifest of the set in `root`, None where there is none; UserError where it is damaged."""
    path = root / MANIFEST
    if not os.path.lexists(path):
        return None
    try:
        manifest, _ = read_json(path, "manifest")
        check_settings(_Manifest, manifest, "")
    except UserError as error:
        raise UserError(f"{path} is not the manifest of a corrupted set ({error}): name another folder") from error
    return dict(manifest)


def find_corruptions(folder: Path) -> tuple[str, ...]:
    """Return the names of the corruptions that images in a folder are under, as far as a manifest tells.

    The folder is that of a corrupted set, of one of its cells, or in between; there are none in any other.
    """
    folder = folder.resolve()
    for root in (folder, *folder.parents[:3]):
        try:
            manifest = read_manifest(root)
        except UserError:  # of something else, which is none of our business
            continue
        if manifest is None:
            continue
        places: dict[str, Path] = {}
        for key in manifest.get("cells") or []:
            cell = Cell.from_key(str(key))
            if cell.corruption is not None:
                places[cell.key] = root / PurePosixPath(place_image("image", cell, manifest["layout"], None)).parent
        found = [key for key, place in places.items() if _holds(folder, place) or _holds(place, folder)]
        return tuple(dict.fromkeys(key.rpartition("/")[0] for key in found))
    return ()


def list_files(root: Path) -> dict[str, int]:
    """Return the size in bytes of each image file of a set by its path in `root`; hidden files at the top do not count.

    A set has 380,000 files and more: `os.scandir` asks the disk about each of them once.
    """
    sizes = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if not folder and (entry.name in (MANIFEST, HASHES) or entry.name.startswith(".")):
                    continue
                if entry.is_dir():
                    if entry.is_symlink() and _holds(Path(entry.path).resolve(), Path(root, folder).resolve()):
                        raise UserError(f"{entry.path} is a link to a folder that it lies in: remove it")
                    folders.append(f"{folder}{entry.name}/")
                elif entry.is_file():
                    sizes[f"{folder}{entry.name}"] = entry.stat().st_size
    return sizes


def _holds(folder: Path, other: Path) -> bool:
    return folder == other or folder in other.parents


def find_layout(root: Path) -> str:
    """Return the layout of a set without a manifest, from its folders; UserError if they are of neither, or of both."""
    names = [entry.name for entry in root.iterdir() if entry.is_dir()]
    nested = {f"{name}/{number}" for name in names for number in range(6) if (root / name / str(number)).is_dir()}
    joined = {name for name in names if re.fullmatch(r".+-[1-5]", name)}
    if bool(nested) == bool(joined):
        found = f"it has both {min(nested)} and {min(joined)}" if nested else "it has neither"
        raise UserError(f"{root} must hold folders such as fog/0 (severity 1) or else fog-1, {found}")
    beyond = sorted(name for name in nested if name.endswith("/5"))
    if beyond:
        raise UserError(f"{root} holds {beyond[0]}, but corruption/0 to corruption/4 are severities 1 to 5 there")
    return "release" if nested else "plain"
