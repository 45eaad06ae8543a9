"""Official data sets, checked: what is there, what is missing, and whether the counts are the known ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from robustpose.data.image_folder import leads_out
from robustpose.data.mpii import read_truth_file
from robustpose.data.official import SETS, check_root, find_place, name_folder_beside
from robustpose.data.official_set import Place, Split
from robustpose.errors import UserError, nearest
from robustpose.limits import read_limit
from robustpose.reading import parse_json, read_bytes

State = Literal["ok", "missing", "differs"]


@dataclass(frozen=True)
class Finding:
    """What was found of one official file or folder."""

    path: str  # relative to the root; where it belongs if it is missing
    state: State  # ``differs`` for other counts, as a subset has, and for what is damaged
    found: str  # in words, such as ``5,000 images``; what is wrong if it is damaged
    expected: str  # in words
    needed_for: str  # what cannot be done without it
    source: str  # where to get it
    is_optional: bool  # scores on the set can be had without it


def check(name: str, root: Path) -> list[Finding]:
    """Compare a folder with an official set, such as coco, by its name.

    An optional split that is not there at all is one finding, its annotation file. Of a folder that does not exist,
    all files are missing: whoever has nothing yet is to see what belongs there.
    """
    if name not in SETS:
        raise UserError(f"unknown official set '{name}'{nearest(name, SETS)}: expected one of {', '.join(SETS)}")
    if root.exists() or name_folder_beside(root):
        check_root(name, root)
    return [finding for split in SETS[name].splits.values() for finding in _check_split(root, split)]


def _check_split(root: Path, split: Split) -> list[Finding]:
    findings = []
    listed = None  # the images that the annotations list
    for what, place in split.places.items():  # annotations come first
        path = find_place(root, place)
        state: State
        if path is None:
            state, found = "missing", "not there" + "".join(f", nor at {other}" for other in place.paths[1:])
        elif place.kind == "folder":
            state, found = _check_images(path, listed)
        else:
            state, found, names = _check_file(path, place)
            listed = names if what == "annotations" else listed
        findings.append(
            Finding(
                path=place.paths[0] if path is None else path.relative_to(root).as_posix(),
                state=state,
                found=found,
                expected="every listed image" if place.kind == "folder" else _words_of(place.counts),
                needed_for=f"{split.needed_for} with {place.only_for}" if place.only_for else split.needed_for,
                source=place.source,
                is_optional=split.is_optional or bool(place.only_for),
            )
        )
        if path is None and what == "annotations" and split.is_optional:
            break
    return findings


def _check_images(folder: Path, listed: set[str] | None) -> tuple[State, str]:
    """Compare a folder with the names of the images that belong there; None where nobody knows them."""
    present = {entry.name for entry in folder.iterdir()}
    if listed is None:
        return "differs", f"{len(present):,} files, but no list to compare with"
    missing = [name for name in listed if name not in present and (leads_out(name) or not (folder / name).is_file())]
    if missing:
        return "differs", f"{len(missing):,} of {len(listed):,} images missing, such as {min(missing)}"
    return "ok", f"all {len(listed):,} images"


def _check_file(path: Path, place: Place) -> tuple[State, str, set[str] | None]:
    """Compare a file with its known counts; return the names of the images that it lists, too."""
    try:
        counts, listed = _count(path, place.kind)
    except (OSError, ValueError, UserError) as error:
        return "differs", " ".join(f"damaged: {error}".split()), None
    return "ok" if place.counts.items() <= counts.items() else "differs", _words_of(counts), listed


def _words_of(counts: Mapping[str, int]) -> str:
    """Return counts as ``5,000 images, 11,004 people``."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())


def _count(path: Path, kind: str) -> tuple[dict[str, int], set[str]]:
    """Return how many of what a file holds, and the names of the images that it lists.

    Only what is counted is looked at: whoever asks what is missing needs no complete file. Opening the set checks more.
    """
    if kind == "gt_mat":
        xy, _, _ = read_truth_file(path)
        return {"people": len(xy)}, set()
    content = parse_json(read_bytes(path, "file", read_limit("JSON_MB") << 20), "it")
    if kind == "boxes":
        return {"boxes": len(_records(content, "boxes", "bbox"))}, set()
    if kind == "mpii":
        people = _records(content, "people", "image")
        return {"people": len(people)}, {str(person["image"]) for person in people}
    if not isinstance(content, dict):
        raise ValueError(f"must be an object with images and annotations, got {type(content).__name__}")
    images = _records(content.get("images"), "images", "file_name")
    people = _records(content.get("annotations"), "annotations", "image_id")
    n_marked = sum(bool(person.get("num_keypoints", person.get("keypoints"))) for person in people)
    counts = {"images": len(images), "people": len(people), "with keypoints": n_marked}
    return counts, {str(image["file_name"]) for image in images}


def _records(content: Any, what: str, key: str) -> list[dict[str, Any]]:
    """Return `content` if it is a list of objects that have `key`."""
    if not isinstance(content, list):
        raise ValueError(f"{what} must be a list, got {type(content).__name__}")
    for number, record in enumerate(content):
        if not isinstance(record, dict) or key not in record:
            raise ValueError(f"entry {number} of {what} lacks '{key}'")
    return content
