"""Official data sets, checked: what is there, what is missing, and whether the counts are the known ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from robustpose.data.official import SETS, Place, check_root, find_place
from robustpose.errors import UserError, nearest

State = Literal["ok", "missing", "differs"]


@dataclass(frozen=True)
class Finding:
    """What was found of one official file or folder.

    Args:
        path: relative to the root; where it belongs if it is missing.
        state: ``differs`` for other counts, as a subset has, and for what is damaged.
        found: in words, such as ``5,000 images``; what is wrong if it is damaged.
        expected: in words.
        needed_for: what cannot be done without it.
        source: where to get it.
        is_optional: scores on the set can be had without it.
    """

    path: str
    state: State
    found: str
    expected: str
    needed_for: str
    source: str
    is_optional: bool


@dataclass(frozen=True)
class _Content:
    counts: dict[str, int]
    image_names: list[str]  # files that belong in the folder of images


def check(name: str, root: Path) -> list[Finding]:
    """Compare a folder with the official set `name`: coco, mpii or ochuman.

    A split that nobody needs for scores and that is not there at all is one finding, its annotation file.

    Raises:
        UserError: there is no such set, or `root` does not exist.
    """
    if name not in SETS:
        raise UserError(f"unknown official set '{name}'{nearest(name, SETS)}: expected one of {', '.join(SETS)}")
    check_root(name, root)
    return [finding for places in SETS[name].splits.values() for finding in _check_split(root, places)]


def _check_split(root: Path, places: Mapping[str, Place]) -> list[Finding]:
    findings = []
    content = None
    for what, place in places.items():  # annotations come first
        path = find_place(root, place)
        if path is None:
            findings.append(_missing(place))
            if what == "annotations" and place.is_optional:
                break
        elif place.kind == "folder":
            findings.append(_check_images(root, path, place, content))
        else:
            finding, read = _check_file(root, path, place)
            findings.append(finding)
            content = read if what == "annotations" else content
    return findings


def _missing(place: Place) -> Finding:
    others = "".join(f", nor at {path}" for path in place.paths[1:])
    return _finding(place, place.paths[0], "missing", f"not there{others}", _words_of(place.counts))


def _check_file(root: Path, path: Path, place: Place) -> tuple[Finding, _Content | None]:
    expected = _words_of(place.counts)
    relative = path.relative_to(root).as_posix()
    try:
        content = _READERS[place.kind](path)
    except (OSError, ValueError, RecursionError) as error:
        return _finding(place, relative, "differs", " ".join(f"damaged: {error}".split()), expected), None
    state: State = "ok" if place.counts.items() <= content.counts.items() else "differs"
    return _finding(place, relative, state, _words_of(content.counts), expected), content


def _check_images(root: Path, folder: Path, place: Place, content: _Content | None) -> Finding:
    relative = folder.relative_to(root).as_posix()
    expected = "every listed image"
    present = {entry.name for entry in folder.iterdir()}
    if content is None:
        found = f"{len(present):,} files, but no list to compare with"
        return _finding(place, relative, "differs", found, expected)
    names = sorted(set(content.image_names))
    missing = [name for name in names if name not in present and not ("/" in name and (folder / name).is_file())]
    if missing:
        found = f"{len(missing):,} of {len(names):,} images missing, such as {missing[0]}"
        return _finding(place, relative, "differs", found, expected)
    return _finding(place, relative, "ok", f"all {len(names):,} images", expected)


def _finding(place: Place, path: str, state: State, found: str, expected: str) -> Finding:
    return Finding(path, state, found, expected, place.needed_for, place.source, place.is_optional)


def _words_of(counts: Mapping[str, int]) -> str:
    """Return counts as ``5,000 images, 11,004 people``."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())


def _read_coco(path: Path) -> _Content:
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"must be an object with images and annotations, got {type(content).__name__}")
    images = _records(content.get("images"), "images", "file_name")
    people = _records(content.get("annotations"), "annotations", "num_keypoints")
    counts = {
        "images": len(images),
        "people": len(people),
        "with keypoints": sum(bool(person["num_keypoints"]) for person in people),
    }
    return _Content(counts, [str(image["file_name"]) for image in images])


def _read_mpii(path: Path) -> _Content:
    people = _records(json.loads(path.read_bytes()), "people", "image")
    return _Content({"people": len(people)}, [str(person["image"]) for person in people])


def _read_boxes(path: Path) -> _Content:
    return _Content({"boxes": len(_records(json.loads(path.read_bytes()), "boxes", "bbox"))}, [])


def _read_gt_mat(path: Path) -> _Content:
    from scipy.io import loadmat

    names = ("dataset_joints", "jnt_missing", "pos_gt_src", "headboxes_src")
    try:
        variables = loadmat(path, variable_names=names)
    except Exception as error:  # SciPy raises a dozen kinds for damaged files, some of them bare Exceptions
        raise ValueError(f"no MATLAB file that SciPy reads ({error})") from error
    for name in names:
        if name not in variables:
            raise ValueError(f"lacks '{name}'")
    xy = variables["pos_gt_src"]
    if xy.ndim != 3:
        raise ValueError(f"its 'pos_gt_src' must be (16, 2, N), got {xy.shape}")
    return _Content({"people": xy.shape[2]}, [])


def _records(content: Any, what: str, key: str) -> list[dict[str, Any]]:
    """Return `content` if it is a list of objects that have `key`."""
    if not isinstance(content, list):
        raise ValueError(f"{what} must be a list, got {type(content).__name__}")
    for number, record in enumerate(content):
        if not isinstance(record, dict) or key not in record:
            raise ValueError(f"entry {number} of {what} lacks '{key}'")
    return content


_READERS: dict[str, Callable[[Path], _Content]] = {
    "coco": _read_coco,
    "mpii": _read_mpii,
    "boxes": _read_boxes,
    "gt_mat": _read_gt_mat,
}
