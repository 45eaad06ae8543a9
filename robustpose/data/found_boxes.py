"""Found boxes: what a detector has found, as detection files keep it, so that a box is the same before and after."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.data.boxes import drop_boxes, put_boxes
from robustpose.data.detections import Boxes, read_entries
from robustpose.data.readers import SharedImage
from robustpose.errors import UserError, quote
from robustpose.files import open_whole
from robustpose.pose.box_poses import as_boxes, as_poses
from robustpose.pose.results_json import XY_DECIMALS, round_poses
from robustpose.pose.types import Floats, Frame, ImageId, Poses


def round_boxes(found: Poses, what: str = "the detector") -> Poses:
    """Return boxes, as poses of `BOX`, with the decimals of detection files: corners as they are read from one.

    UserError where a box ends before it begins; messages call who found it `what`.
    """
    rounded = round_poses(found)
    boxes = as_boxes(rounded)
    size = np.round(boxes[:, 2:] - boxes[:, :2], XY_DECIMALS)
    if (size < 0).any():
        wrong = boxes[(size < 0).any(1)][0].tolist()
        raise UserError(
            f"{what} found a box in image {quote(found.image_id)} that ends before it begins, {wrong}: expected x1 y1 "
            "x2 y2, px"
        )
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + size], axis=1)
    return replace(as_poses(found.image_id, corners, rounded.score), categories=found.categories)


def look_with(frame: Frame, found: Poses, min_score: float) -> Frame:
    """Return a frame with rounded boxes instead of its own, those below `min_score` left out; they share the image."""
    return drop_boxes(put_boxes(share_image(frame), Boxes(as_boxes(found), found.score, found.categories)), min_score)


def share_image(frame: Frame) -> Frame:
    """Return the same frame without boxes and people, whose image is decoded, or corrupted, once for both."""
    bare = {name: None for name in ("boxes", "box_scores", "truth_rows", "box_categories", "people")}
    return replace(frame, read=SharedImage(frame), boxes_end="edge", **bare)  # type: ignore[arg-type]


def write_detections(path: Path, all_found: Iterable[Poses], category_ids: Sequence[ImageId]) -> None:
    """Write rounded boxes of images as a detection file, atomically: it is whole or not there."""
    with open_whole(path) as file:
        file.write(b"[")
        separator = "\n"
        for entry in _list_entries(all_found, category_ids):
            file.write((separator + json.dumps(entry)).encode())
            separator = ",\n"
        file.write(b"\n]\n")


def _list_entries(all_found: Iterable[Poses], category_ids: Sequence[ImageId]) -> Iterator[dict[str, Any]]:
    for found in all_found:
        boxes = as_boxes(found)
        size = np.round(boxes[:, 2:] - boxes[:, :2], XY_DECIMALS)
        rows = np.concatenate([boxes[:, :2], size], axis=1).tolist()
        of = np.zeros(len(rows), int) if found.categories is None else found.categories
        for row, score, category in zip(rows, found.score.tolist(), of.tolist(), strict=True):
            yield {"image_id": found.image_id, "category_id": category_ids[category], "bbox": row, "score": score}


def read_found(path: Path, image_ids: Sequence[ImageId], category_ids: Sequence[ImageId]) -> list[Poses]:
    """Return the boxes of each image of a file that `write_detections` wrote."""
    rows: Mapping[ImageId, list[list[float]]] = {image_id: [] for image_id in image_ids}
    places = {category_id: place for place, category_id in enumerate(category_ids)}
    for entry in read_entries(path):
        if entry["image_id"] not in rows or entry["category_id"] not in places:
            raise UserError(
                f"{path} holds a box of image {quote(entry['image_id'])} and category {quote(entry['category_id'])}, "
                "which the data do not have: make it anew, with --fresh"
            )
        rows[entry["image_id"]].append([*entry["bbox"], entry["score"], places[entry["category_id"]]])
    return [_as_found(image_id, of_image, len(category_ids) > 1) for image_id, of_image in rows.items()]


def _as_found(image_id: ImageId, rows: list[list[float]], has_categories: bool) -> Poses:
    numbers: npt.NDArray[Any] = np.array(rows, float).reshape(-1, 6)
    corners: Floats = np.concatenate([numbers[:, :2], numbers[:, :2] + numbers[:, 2:4]], axis=1)
    return as_poses(image_id, corners, numbers[:, 4], numbers[:, 5].astype(int) if has_categories else None)
