"""Image ids: which image of a dataset is meant by an id in a file of somebody else.

Programs name images by COCO's id, by that id in quotes, by the file, by the file's stem, or by the number in it. All
ids of a file are read in one way: the one by which most of them are of an image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from robustpose.errors import UserError, quote
from robustpose.pose.types import ImageId

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def _find_stem(name: object) -> str | None:
    if not isinstance(name, str):
        return None
    path = PurePath(name)
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _find_number(text: object) -> int | None:
    if isinstance(text, str):
        return int(text) if text.isdecimal() and len(text) < 20 else None
    return int(text) if isinstance(text, int | float) else None


# How an id in a file, and an image's id and file name, are brought to the same key; in order of trust.
WAYS: dict[str, tuple[Callable[[Any], Any], Callable[[ImageId, Any], Any]]] = {
    "ids": (lambda given: given, lambda image_id, name: image_id),
    "ids in quotes": (_find_number, lambda image_id, name: _find_number(image_id)),
    "file names": (lambda given: given, lambda image_id, name: name),
    "stems of file names": (_find_stem, lambda image_id, name: _find_stem(name)),
    "numbers in file names": (
        lambda given: _find_number(_find_stem(given) or given),
        lambda image_id, name: _find_number(_find_stem(name)),
    ),
}


class ImageNames:
    """The ids of a dataset's images, and the files' names, None where images are no files."""

    def __init__(self, images: Sequence[tuple[ImageId, str | None]]) -> None:
        self._images = images
        self._by_id = {image_id: image_id for image_id, _ in images}

    def __len__(self) -> int:
        return len(self._images)

    def choose_way(self, given: Collection[Any], where: str) -> str:
        """Return how ids in a file are to be read, one of `WAYS`.

        Raises:
            UserError, which begins with `where`: none is of an image, or ids in quotes mean different images as ids and
            as names of files.
        """
        wanted = set(given)
        if wanted <= self._by_id.keys():
            return "ids"
        found = {way: self.match(wanted, way) for way in WAYS}
        most = max(map(len, found.values()))
        if most == 0:
            theirs, ours = sorted(wanted, key=str)[:2], self._images[:2]
            files = f" and files {_join([name for _, name in ours])}" if ours[0][1] is not None else ""
            raise UserError(
                f"{where}: none of its image ids, such as {_join(theirs)}, is of one of the {len(self)} images, whose "
                f"ids are such as {_join([image_id for image_id, _ in ours])}{files}"
            )
        best = [way for way, table in found.items() if len(table) == most]
        differing = [way for way in best if found[way] != found[best[0]]]
        if differing and not all(isinstance(one, int | float) for one in wanted):  # a number is an id first of all
            raise UserError(
                f"{where}: its image ids, such as {quote(min(wanted, key=str))}, mean other images as {best[0]} than "
                f"as {differing[0]}: give ids as numbers, or whole file names"
            )
        return best[0]

    def match(self, given: Collection[Any], way: str) -> dict[Any, ImageId]:
        """Return which image each of the ids means, read in one of the `WAYS`; ids of no image are left out."""
        of_given, of_image = WAYS[way]
        keys = [of_image(image_id, name) for image_id, name in self._images]
        counts = Counter(keys)  # a key of several images says nothing
        table = {key: i for key, (i, _) in zip(keys, self._images, strict=True) if key is not None and counts[key] == 1}
        return {one: table[key] for one in set(given) if (key := of_given(one)) is not None and key in table}

    def doubt_ids(self, given: Sequence[Any], meant: Mapping[Any, ImageId], what: str) -> list[str]:
        """Return the warning that ids of no image give rise to, where `meant` is what `match` gave."""
        strange = [one for one in given if one not in meant]
        if not strange:
            return []
        return [
            f"{len(strange):,} of {len(given):,} {what} are left out: they are of images that the data do not have, "
            f"such as {quote(strange[0])}"
        ]


def _join(examples: Sequence[object]) -> str:
    return " and ".join(map(quote, examples))
