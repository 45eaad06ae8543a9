"""COCO's keypoint file: a JSON object with lists of images, annotations and categories, each entry of a known type.

What entries say of each other, and of the images on disk, is checked in `robustpose.data.coco_checks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt

from robustpose.errors import UserError, first_few, quote
from robustpose.limits import check_limit
from robustpose.reading import read_json
from robustpose.records import Must, Number, Record, RecordId, find_mistakes

Entry = dict[str, Any]  # as it is in the file, once it is checked


# That it stays inside the image folder is for `robustpose.data.image_folder` to check.
FileName = Annotated[str, Field(strict=True, max_length=4000), Must("the path of a file in the image folder")]
Side = Annotated[float, Field(strict=True, ge=1, multiple_of=1, lt=2**31), Must("a whole number of pixels above 0")]
CrowdIndex = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), Must("a number from 0 to 1")]
JointNumbers = list[Number]  # x, y and visibility of each joint


class ImageEntry(Record):
    """An entry of `images`."""

    id: RecordId
    file_name: FileName
    width: Side
    height: Side
    crowdIndex: CrowdIndex | None = None  # as CrowdPose's files have it


class AnyAnnotation(Record):
    """An entry of `annotations`, of whatever category."""

    category_id: RecordId


class PersonEntry(Record):
    """An entry of `annotations` of a category that is looked for."""

    id: RecordId
    image_id: RecordId
    bbox: Annotated[list[Number], Field(min_length=4, max_length=4), Must("4 numbers: x, y, width and height, px")]
    area: Number | None = None
    keypoints: JointNumbers | None = None  # none, or an empty list: a person nobody has marked
    iscrowd: Annotated[StrictBool | Annotated[StrictInt, Field(ge=0, le=1)] | None, Must("0 or 1")] = 0
    head_size: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False), Must("a number of 0 or more")] = 0.0


class CategoryEntry(Record):
    """An entry of `categories`."""

    id: RecordId
    name: Annotated[str, Field(strict=True), Must("text")] = ""
    keypoints: list[Annotated[str, Field(strict=True, min_length=1), Must("the name of a joint")]] | None = None
    skeleton: Any = None  # limbs, for drawings: what cannot be read is left out


@dataclass(frozen=True)
class CocoFile:
    """The entries of a file, of the types above; of annotations, only the category is checked."""

    path: Path
    sha256: str
    images: list[Entry]
    annotations: list[Entry]
    categories: list[Entry]


def read_coco_file(path: Path) -> CocoFile:
    """Read a COCO keypoint file; UserError, which names the file and the entry, for what is not of its type."""
    content, digest = read_json(path, "annotation file")
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            came = f", got {quote(content.get(key))}" if isinstance(content, dict) and key in content else ""
            raise UserError(f"annotation file {path} must be a COCO object with a list '{key}'{came}")
    images, annotations, categories = (content[key] for key in ("images", "annotations", "categories"))
    if not images:
        raise UserError(f"annotation file {path} lists no images")
    stop_at(path, find_mistakes(CategoryEntry, categories, "category", "id"))
    stop_at(path, [f"category id {quote(i)} occurs twice" for i in find_repeated(c["id"] for c in categories)])
    stop_at(path, find_mistakes(ImageEntry, images, "image", "id"))
    stop_at(path, [f"image id {quote(i)} occurs twice" for i in find_repeated(image["id"] for image in images)])
    stop_at(path, find_mistakes(AnyAnnotation, annotations, "annotation", "id"))
    for image in images:  # 640.0 is what some programs write for 640
        image["width"], image["height"] = int(image["width"]), int(image["height"])
        image["id"] = int(image["id"]) if isinstance(image["id"], float) else image["id"]
    largest = max(images, key=lambda image: int(image["width"] * image["height"]))
    size = largest["width"] * largest["height"] / 1e6
    check_limit("MEGAPIXELS", size, f"{path}: image {quote(largest['id'])}", "megapixels")
    return CocoFile(path, digest, images, annotations, categories)


def stop_at(path: Path, problems: Sequence[str]) -> None:
    """Raise UserError with the first few problems of a file, if there are any."""
    if problems:
        raise UserError(f"{path}: {first_few(list(problems), 'problems')}")


def find_repeated(ids: Iterable[Any]) -> list[Any]:
    """Return the ids that occur more than once."""
    return [i for i, count in Counter(ids).items() if count > 1]
