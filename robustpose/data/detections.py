"""Detection files: boxes of people as COCO results, x y width height in px, found by any detector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from robustpose.data.box_checks import check_boxes, check_scores, count_found
from robustpose.errors import UserError, first_few, quote
from robustpose.pose.image_ids import ImageNames
from robustpose.pose.results_json import Result, find_categories, keep_category
from robustpose.pose.types import Floats, ImageId
from robustpose.reading import read_json
from robustpose.records import Must, Number, Record, RecordId, find_mistakes

FEW = 0.5  # of the annotated people: a detector that finds fewer is strange


class _Detection(Record):
    image_id: RecordId
    category_id: RecordId
    bbox: Annotated[list[Number], Field(min_length=4, max_length=4), Must("4 finite numbers: x, y, width and height")]
    score: Number


class Boxes(NamedTuple):
    """The boxes of one image."""

    xyxy: Floats  # (N, 4) px
    scores: Floats  # (N,)
    categories: npt.NDArray[np.integer] | None  # (N,) indices into the wanted `category_ids`; None where there is one


BoxTable = dict[ImageId, Boxes]


@dataclass(frozen=True)
class Wanted:
    """Who is looked for, in which images."""

    names: ImageNames
    sizes_wh: Mapping[ImageId, tuple[int, int]]  # px, of each image
    people: Mapping[ImageId, Floats]  # annotated boxes (N, 4) xyxy px of those who count, where there are any
    category_ids: Sequence[ImageId]


@dataclass(frozen=True)
class Detections:
    """The boxes of a file by image, how the file names images, and why the boxes could be wrong, a line each."""

    table: BoxTable
    way: str  # one of `robustpose.pose.image_ids.WAYS`
    doubts: list[str]


def read_detections(path: Path, wanted: Wanted, way: str | None = None) -> Detections:
    """Return all detected boxes of the wanted categories in the wanted images, neither clipped nor thresholded.

    `way` is how the file of a corrupted cell names images. In such a file there may be nobody: that is what was found
    under that corruption. None for boxes found on clean images.

    Raises:
        UserError: an incomplete detection, boxes in another form, scores below 0, or none of these categories and
            images.
    """
    detections = read_entries(path)
    if not detections and way is None:
        raise UserError(f"detection file {path} holds no box")
    kept = keep_category(detections, wanted.category_ids, f"detection file {path}")
    ids = [detection["image_id"] for detection in kept]
    is_of_clean, way = way is None, way or wanted.names.choose_way(ids, f"detection file {path}")
    meant = wanted.names.match(ids, way)
    categories = find_categories(kept, wanted.category_ids)
    rows: dict[ImageId, list[list[float]]] = defaultdict(list)
    for detection, image_id, category in zip(
        kept, ids, [0] * len(kept) if categories is None else categories, strict=True
    ):
        if image_id in meant:
            rows[meant[image_id]].append([*detection["bbox"], detection["score"], category])
    if kept and not rows:
        raise UserError(f"detection file {path} holds no box for any of the {len(wanted.names)} images")
    arrays = {image_id: np.array(row, float) for image_id, row in rows.items()}
    table = {
        image_id: Boxes(
            np.concatenate([row[:, :2], row[:, :2] + row[:, 2:4]], 1),
            row[:, 4],
            None if categories is None else row[:, 5].astype(int),
        )
        for image_id, row in arrays.items()
    }
    sizes = [wanted.sizes_wh[image_id] for image_id, row in rows.items() for _ in row]
    numbers = np.concatenate([np.zeros((0, 6)), *arrays.values()])
    doubts = check_boxes(numbers[:, :4], np.array(sizes, float), f"boxes of {path.name}")
    doubts += check_scores(numbers[:, 4], path.name)
    if is_of_clean:
        doubts += wanted.names.doubt_ids(ids, meant, f"boxes of {path.name}")
        doubts += _doubt_places(path.name, table, wanted)
    return Detections(table, way, doubts)


def read_entries(path: Path) -> list[Result]:
    """Return the detections of a file, each of them checked."""
    detections, _ = read_json(path, "detection file")
    if not isinstance(detections, list):
        raise UserError(f"detection file {path} must be a list of COCO results, got {type(detections).__name__}")
    problems = find_mistakes(_Detection, detections, "detection") or [
        f"detection {number}: bbox has a negative size, got {quote(detection['bbox'])}"
        for number, detection in enumerate(detections)
        if min(detection["bbox"][2:]) < 0
    ]
    if problems:
        raise UserError(f"{path}: {first_few(problems, 'problems')}")
    return detections


def _doubt_places(name: str, table: BoxTable, wanted: Wanted) -> list[str]:
    """Return the warning that boxes on clean images give rise to if they are not where people are."""
    people = {image_id: wanted.people[image_id] for image_id in table if image_id in wanted.people}
    n_people = sum(map(len, people.values()))
    n_found = sum(count_found(annotated, table[image_id].xyxy) for image_id, annotated in people.items())
    if n_found >= FEW * n_people:
        return []
    return [
        f"boxes of {name} overlap only {n_found} of {n_people} annotated people in their images: are they x y width "
        "height, in px, of these images?"
    ]
