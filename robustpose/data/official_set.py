"""What an official data set is: its splits, the files of each, how they are read. The sets are rows of `official`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.errors import UserError

if TYPE_CHECKING:  # the command line's help names the sets, and loads nothing for it
    from robustpose.pose.protocols import Dataset


@dataclass(frozen=True)
class Place:
    """A file or a folder of images of an official set."""

    # coco (keypoint JSON), mpii (the HRNet repository's JSON), boxes (COCO detections), gt_mat (MPII's truth) or folder
    kind: str
    paths: tuple[str, ...]  # relative to the set's root; the first that is there counts
    source: str  # where to get it
    counts: Mapping[str, int] = field(default_factory=dict)  # how many of what the official file holds
    # the part of the split's scores that needs it, such as `detected boxes`; empty if all of them do
    only_for: str = ""


@dataclass(frozen=True)
class Split:
    """A split of an official set."""

    needed_for: str  # what cannot be done without it
    places: Mapping[str, Place]  # by the names of `Files`; `annotations`, which come first, and `images` of every split
    is_optional: bool = False  # scores on the set can be had without it


@dataclass(frozen=True)
class Files:
    """Where the files of a split are. Not everybody has the truth of MPII's metric, or the detections of COCO."""

    annotations: Path
    images: Path
    truth: Path | None = None
    detections: Path | None = None


@dataclass(frozen=True)
class OfficialSet:
    """An official set."""

    title: str  # what it is, for lists
    splits: Mapping[str, Split]  # by name; the one that is scored comes first
    # makes a dataset of the files of a split, the choice of boxes that `parse_boxes` takes, and how they are read
    read: Callable[[Files, str, Mapping[str, Any]], Dataset]
    benched: str  # the split that is benched
    train: str | None = None  # the split that is learned from; None if there is none
    short_splits: Mapping[str, str] = field(default_factory=dict)  # full names of splits by short ones
    is_scored_by_heads: bool = False  # whether its own metric needs head sizes, which are in a split's `truth`
    # how its files are read: the name of a `skeleton`, and fields of `robustpose.data.coco_reading.Reading`
    reading: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()  # fields of `robustpose.data.spec.DataSpec` that it takes beside `root` and `split`


def read_coco_set(files: Files, boxes: str, reading: Mapping[str, Any]) -> Dataset:
    from robustpose.data.boxes import parse_boxes
    from robustpose.data.coco import read_coco
    from robustpose.data.coco_reading import Reading

    check_detections(files, boxes)
    how = dict(reading)
    skeleton = how.pop("skeleton", None)
    choice = parse_boxes(boxes, files.detections)
    # The published programs read images as they are stored.
    return read_coco(files.annotations, files.images, choice, skeleton, exif="ignore", reading=Reading(**how))


def read_mpii_set(files: Files, boxes: str, reading: Mapping[str, Any]) -> Dataset:
    from robustpose.data.mpii import read_mpii

    return read_mpii(files.annotations, files.images, files.truth)  # MPII is benched with its annotated boxes


def check_detections(files: Files, boxes: str) -> None:
    """Raise UserError where the choice of boxes is that of the official detections, and these are not there."""
    if boxes == "clean-det" and files.detections is None:
        raise UserError(
            f"there are no official detections for {files.annotations}: name a file, --boxes clean-det:FILE, "
            "or download COCO's: robustpose data check coco --root DIR says from where"
        )


def place_coco(
    purpose: str, source: str, annotations: tuple[str, ...], images: tuple[str, ...], n_images: int = 0
) -> Split:
    """Return a split of a keypoint file in COCO's format and a folder of images, which are got in one place."""
    places = {
        "annotations": Place("coco", annotations, source, {"images": n_images} if n_images else {}),
        "images": Place("folder", images, source),
    }
    return Split(purpose, places, is_optional="train" in purpose)
