"""Whether the files and folders that a description of data names are there: without opening any, which takes time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from robustpose.data.boxes import split_boxes
from robustpose.data.official import SETS, find_files
from robustpose.data.official_set import check_detections
from robustpose.errors import UserError, nearest
from robustpose.pose.skeleton_table import TABLE

if TYPE_CHECKING:  # which uses this module
    from robustpose.data.spec import DataSpec

# What the fields with paths are called in messages, and what has to be there; of `root` and `boxes` others say it.
PLACES: dict[str, tuple[str, Callable[[Path], bool]]] = {
    "annotations": ("annotation file", Path.is_file),
    "images": ("image folder", Path.is_dir),
    "skeleton": ("skeleton file", Path.is_file),
    "style_images": ("folder of stylised images", Path.is_dir),
}


def check_places(spec: DataSpec) -> None:
    """Raise UserError where a file or a folder is not there: without opening any, which takes time."""
    for field, path in spec:
        if isinstance(path, Path) and field in PLACES:
            word, exists = PLACES[field]
            if not exists(path):
                meant = nearest(str(path), TABLE) if field == "skeleton" else ""
                raise UserError(f"there is no {word} {path}{meant}: name another, --{field.replace('_', '-')}")
    images = spec.images
    if spec.name in SETS and spec.root is not None:
        files = find_files(spec.name, spec.root, spec.split or SETS[spec.name].benched)
        check_detections(files, spec.boxes)
        images = files.images
    if images is not None and _is_empty(images):
        raise UserError(f"the image folder {images} is empty")
    boxes = split_boxes(spec.boxes)[1]
    if spec.boxes != "gt" and boxes is not None and not boxes.exists():
        raise UserError(f"there are no boxes at {boxes}")


def _is_empty(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is None
    except OSError:  # said when it is opened
        return False
