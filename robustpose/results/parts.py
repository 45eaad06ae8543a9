"""Parts: some of the images of runs, so that what is chosen on one part is reported on another.

Runs keep of every image what it takes to score any of them together: a part needs no bench of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError, first_few, quote
from robustpose.pose.types import ImageId
from robustpose.reading import read_json, read_text

PLACES = re.compile(r"([+-]?[0-9]{1,18})?:([+-]?[0-9]{1,18})?(?::([+-]?[0-9]{1,18})?)?")
EXPECTED = "a slice of the images in their order, as Python has it, such as 0::2, 1::2, :200 or -200:"
OR_FILE = "a file with the ids of images, one a line, or their COCO annotations"


@dataclass(frozen=True)
class Part:
    """Some of the images of a run, by their places in the order of the run.

    >>> Part("1::2").select(5).tolist()
    [False, True, False, True, False]
    >>> Part("-2:").name_images(5)
    '2 of 5 images (-2:)'
    >>> Part("half.txt", (0, 3), n_all=5).select(5).tolist()
    [True, False, False, True, False]
    """

    places: str  # a slice of Python, such as `0::2`; else the name of the file that says which images
    listed: tuple[int, ...] | None = None  # the places of the images of a file; None of a slice
    n_all: int | None = None  # how many images there are, with those that a file does not name
    sha256: str | None = None  # of the ids that a file names

    def select(self, n_images: int) -> npt.NDArray[np.bool_]:
        """Return which of N images are of the part, (N,); UserError where none is."""
        chosen = np.zeros(n_images, bool)
        if self.listed is None:
            chosen[_read_slice(self.places)] = True
        elif self.n_all != n_images:
            raise UserError(f"part {self.places} is of {self.n_all} images, and these are {n_images}")
        else:
            chosen[list(self.listed)] = True
        if not chosen.any():
            of = f"{n_images} image{'s' * (n_images != 1)}"
            raise UserError(f"part {self.places} has none of the {of}: expected {EXPECTED}")
        return chosen

    def name_images(self, n_images: int) -> str:
        """Return how many of N images are of the part, and which: `200 of 400 images (1::2)`."""
        n_chosen = int(self.select(n_images).sum())
        return f"{n_chosen} of {n_images} image{'s' * (n_images != 1)} ({self.places})"


def describe_part(part: Part | None) -> dict[str, str | None]:
    """Return what results hold of a part: how it was given, and the SHA-256 of the ids of a file."""
    return {"part": None if part is None else part.places, "part_sha256": None if part is None else part.sha256}


def read_part(given: str | Path, list_ids: Callable[[], Sequence[ImageId]]) -> Part:
    """Return the part that a slice, or a file of image ids, names.

    Args:
        given: such as ``0::2``; or the path of a file: JSON, a list of ids or COCO annotations, whose images they are;
            or text, an id a line, where empty lines and those that begin with # are left out.
        list_ids: returns the ids of all images in the order of the runs; called for a file alone.

    Raises:
        UserError: it is neither; the file has no id, one twice, or one that no image has.

    >>> read_part(" 0::2 ", list).places
    '0::2'
    """
    text = str(given).strip()
    if PLACES.fullmatch(text) is not None:
        _read_slice(text)
        return Part(text)
    path = expand_home(text)
    ids = read_ids(path)
    all_ids = list(list_ids())
    places = {str(one): place for place, one in enumerate(all_ids)}
    if len(places) < len(all_ids):
        raise UserError(f"{path} cannot say which images are of the part: there are images with the same id")
    if unknown := [one for one in ids if one not in places]:
        raise UserError(
            f"{path} names images that the runs do not have: {first_few(unknown, 'ids')}; expected ids such as "
            f"{first_few(list(places)[:3], 'ids')}"
        )
    digest = hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()
    name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
    return Part(name, tuple(sorted(places[one] for one in ids)), len(all_ids), digest)


def is_slice(given: str) -> bool:
    """Tell whether a part is a slice, and not a file; UserError where it can be neither, or the file names no image."""
    text = given.strip()
    if PLACES.fullmatch(text) is None:
        read_ids(expand_home(text))
        return False
    _read_slice(text)
    return True


def expand_home(text: str) -> Path:
    """Return the path of a text, whose ~ is the folder of the user, if there is such."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  # which takes names of users that are none


def read_ids(path: Path) -> list[str]:
    """Return the ids of images that a file names, as text, in its order; UserError where it names none."""
    if not os.path.isfile(path):  # noqa: PTH113  # which takes words that no file can be called
        means_file = bool(path.suffix) and ":" not in path.name
        before, after = (f"there is no file {path}: ", "") if means_file else ("", f"; got {quote(str(path))}")
        raise UserError(f"{before}a part of the images is {EXPECTED}; or {OR_FILE}{after}")
    what = "file of a part"
    if path.suffix.lower() == ".json":
        ids = [str(one) for one in _find_ids(read_json(path, what)[0], path)]
    else:
        lines = [line.strip() for line in read_text(path, what).splitlines()]
        ids = [line for line in lines if line and not line.startswith("#")]
    if not ids:
        raise UserError(f"the {what} {path} names no image: expected an id a line")
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise UserError(f"the {what} {path} names image {quote(twice)} twice")
    return ids


def _find_ids(content: Any, path: Path) -> list[int | str]:
    if isinstance(content, dict) and isinstance(images := content.get("images"), list):
        content = [one.get("id") if isinstance(one, dict) else None for one in images]
    if not isinstance(content, list) or not all(type(one) in (int, str) for one in content):
        raise UserError(
            f"the file of a part {path} must be a list of image ids, or hold images, each with its id, as COCO "
            "annotations do"
        )
    return content


def _read_slice(places: str) -> slice:
    found = PLACES.fullmatch(places)
    if found is None or ((step := found[3]) is not None and not int(step)):
        raise UserError(f"a part of the images is {EXPECTED}; got {quote(places)}")
    return slice(*(None if word is None else int(word) for word in found.groups()))
