"""The image folder of a dataset: every file looked at before anything starts, and whether EXIF turns them decided once.

Nothing outside the folder is read because an annotation file names it: names are relative and without `..`. A link that
lies in the folder is followed, since only its owner can have put it there.

EXIF can say that a photograph is to be shown turned or mirrored. The published programs read images as they are stored,
while most tools for annotating show them turned. So the sizes that annotations give decide, or else `exif`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.data.readers import FileReader
from robustpose.errors import UserError, first_few
from robustpose.image_files.opening import Exif, Header, read_header

Size = tuple[int, int]  # width and height, px


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images that have been looked at. Made by `open_image_folder`."""

    path: Path
    exif: Exif | None  # what is done about EXIF; None where it turns none of the images
    sizes_wh: Mapping[str, Size]  # of each image as it is read, by its name

    def reader(self, name: str) -> FileReader:
        """Return what reads the image of a name."""
        return FileReader(self.path / name, self.exif or "ignore", self.sizes_wh[name])


def open_image_folder(
    path: Path, names: Sequence[str], exif: Exif | None = None, annotated: Sequence[Size] | None = None
) -> ImageFolder:
    """Look at the images of these names in a folder, in their headers alone.

    `annotated` are their sizes as annotations have them, if any. Without `exif` these decide it. UserError for names
    that lead out of the folder, for files that are missing, unreadable or of other sizes, and where images are turned
    by EXIF and nothing decides whether annotations were made on them turned.
    """
    if not path.is_dir():
        raise UserError(f"the image folder {path} does not exist")
    outside = [repr(name) for name in names if leads_out(name)]
    if outside:
        raise UserError(f"these image file names lead out of the folder {path}: {first_few(outside, 'names')}")
    headers: dict[str, Header] = {}
    problems = []
    for name in names:
        try:
            if name not in headers:
                headers[name] = read_header(path / name)
        except UserError as error:
            is_missing = isinstance(error.__cause__, FileNotFoundError)
            problems.append(f"image file {path / name} is missing" if is_missing else str(error))
    _raise_problems(path, problems)
    turned = [name for name, header in headers.items() if header.orientation > 1]
    sizes = [] if annotated is None else list(zip(names, annotated, strict=True))
    decided = (exif or _decide(path, turned, headers, dict(sizes))) if turned else None
    folder = ImageFolder(path, decided, {name: header.size_wh(decided) for name, header in headers.items()})
    differing = ((name, size) for name, size in sizes if size != folder.sizes_wh[name])
    _raise_problems(path, [_explain_size(name, size, headers[name], decided) for name, size in differing])
    return folder


def leads_out(name: str) -> bool:
    """Tell whether a file name leads out of the folder that it is relative to, on this system or on another.

    >>> [leads_out(name) for name in ("val/1.jpg", "../1.jpg", "/1.jpg", "a\\\\..\\\\..\\\\1.jpg")]
    [False, True, True, True]
    """
    is_absolute = name.startswith(("/", "\\")) or bool(Path(name).drive)
    return not Path(name).name or "\0" in name or is_absolute or ".." in re.split(r"[/\\]", name)


def _decide(path: Path, turned: Sequence[str], headers: Mapping[str, Header], sizes: Mapping[str, Size]) -> Exif:
    """Return what the annotated sizes of images that EXIF turns say: quarter turns exchange width and height."""
    fitting: dict[Exif, list[str]] = {"apply": [], "ignore": []}
    for name in turned:
        fits = [exif for exif in fitting if headers[name].size_wh(exif) == sizes.get(name)]
        if len(fits) == 1:
            fitting[fits[0]].append(name)
    if fitting["apply"] and not fitting["ignore"]:
        return "apply"
    if fitting["ignore"] and not fitting["apply"]:
        return "ignore"
    why = "nothing tells whether annotations were made on them turned"
    if fitting["apply"]:
        why = f"annotations fit {fitting['apply'][0]} turned, but {fitting['ignore'][0]} as it is stored"
    few = first_few(list(turned), "images")
    raise UserError(
        f"EXIF turns or mirrors {len(turned):,} of {len(headers):,} images in {path} ({few}), "
        f"and {why}: say exif (--exif): apply, to turn them as viewers do, or ignore, to read them as they are stored"
    )


def _explain_size(name: str, annotated: Size, header: Header, exif: Exif | None) -> str:
    width, height = header.size_wh(exif)
    other: Exif = "ignore" if exif == "apply" else "apply"
    hint = "have the images been resized or rotated?"
    if exif is not None and header.size_wh(other) == annotated:
        hint = f"it would fit with exif (--exif) {other}"
    return f"image {name} is {width} x {height} px, but its annotations say {annotated[0]} x {annotated[1]}: {hint}"


def _raise_problems(path: Path, problems: Sequence[str]) -> None:
    if problems:
        raise UserError(f"images in {path}: {first_few(list(problems), 'problems')}")
