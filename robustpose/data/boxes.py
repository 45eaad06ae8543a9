"""Boxes: where a top-down estimator gets people from. A protocol names the source, and every result carries its name.

gt            the annotated boxes
clean-det     a COCO detection file made on the clean images, used in every cell, as the paper does
corrupt-det   a folder of such files, one per cell (`clean.json`, `fog-3.json`, …), each made on that cell's images
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.errors import UserError, first_few, nearest
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Floats, Frame, ImageId
from robustpose.reading import read_json
from robustpose.sources import hash_once

PROTOCOLS = ("gt", "clean-det", "corrupt-det")
BoxTable = dict[ImageId, tuple[Floats, Floats]]  # (N, 4) xyxy px and (N,) scores


@dataclass(frozen=True)
class BoxChoice:
    """A protocol and, unless it is `gt`, its file or folder."""

    protocol: str
    path: Path | None = None


def parse_boxes(text: str | Path, official: Path | None = None) -> BoxChoice:
    """Return the choice of ``gt``, ``clean-det:FILE``, ``corrupt-det:DIR``, or a file or folder alone.

    ``clean-det`` alone stands for `official`, the detection file that belongs to the dataset.
    """
    given = str(text)
    if not given or given[0] == ":":
        raise UserError(f"--boxes must be gt, clean-det:FILE, corrupt-det:DIR or a path, got '{text}'")
    word, path = split_boxes(given)
    if word == "gt":
        return BoxChoice("gt")
    if word == "clean-det":
        path = path or official
    if path is None:
        raise UserError(f"--boxes {word} needs a path: {word}:{'DIR' if word == 'corrupt-det' else 'FILE'}")
    if not word and not path.exists():
        raise UserError(
            "--boxes must be gt, clean-det:FILE, corrupt-det:DIR or a path"
            f"{nearest(given.partition(':')[0], PROTOCOLS)}; there is no {path}"
        )
    if word == "corrupt-det" and not path.is_dir():
        raise UserError(f"corrupt-det needs a folder with one detection file per cell; {path} is none")
    return BoxChoice(word or ("corrupt-det" if path.is_dir() else "clean-det"), path)


def split_boxes(text: str) -> tuple[str, Path | None]:
    """Return the protocol in a choice of boxes, empty for a path alone; and the path, None for a protocol alone."""
    word, _, target = text.partition(":")
    if word in PROTOCOLS and not (word == "gt" and target):
        return word, Path(target) if target else None
    return "", Path(text)


class DetectedBoxes:
    """The boxes of a detection file, or of one file per cell: those of one category, in the images of a dataset."""

    def __init__(self, choice: BoxChoice, image_ids: Collection[ImageId], category_id: int) -> None:
        assert choice.path is not None
        self._path = choice.path
        self._is_by_cell = choice.protocol == "corrupt-det"
        self._image_ids = set(image_ids)
        self._category_id = category_id
        self._tables: dict[Path, BoxTable] = {}
        if not self._is_by_cell:
            self.table(CLEAN)

    def table(self, cell: Cell) -> BoxTable:
        """Return the boxes of all images in a cell; UserError where their file is missing or damaged."""
        path = self._file(cell)
        if path not in self._tables:
            # In a cell's own file there may be nobody: that is what was found under that corruption.
            self._tables[path] = read_detections(path, self._image_ids, self._category_id, self._is_by_cell)
        return self._tables[path]

    def place(self, frame: Frame) -> Frame:
        """Return the frame with the boxes of its cell."""
        boxes, scores = self.table(frame.cell).get(frame.image_id, (np.zeros((0, 4)), np.zeros(0)))
        return replace(frame, boxes=boxes, box_scores=scores, truth_rows=None)

    def check(self, cells: Sequence[Cell]) -> None:
        """Raise UserError if the file of a cell is missing."""
        missing = [str(self._file(cell)) for cell in cells if not self._file(cell).is_file()]
        if missing:
            raise UserError(f"{self._path} lacks the detections of cells: {first_few(missing, 'missing files')}")

    @property
    def sha256(self) -> str:
        """Return a digest of the file, or of all files of the folder."""
        if not self._is_by_cell:
            return hash_once(self._path)
        lines = [f"{digest} {name}" for name, digest in self.files.items()]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def files(self) -> dict[str, str]:
        """Return the SHA-256 of each file of the folder by its name; nothing where there is one file."""
        paths = sorted(self._path.glob("*.json")) if self._is_by_cell else []
        return {path.name: hash_once(path) for path in paths}

    def _file(self, cell: Cell) -> Path:
        return self._path / f"{cell.file_stem}.json" if self._is_by_cell else self._path


def read_detections(
    path: Path, image_ids: Collection[ImageId], category_id: int, may_be_empty: bool = False
) -> BoxTable:
    """Return all detected boxes of a category in some images, neither clipped nor thresholded.

    UserError for an incomplete detection, or where none is of these images, unless the file `may_be_empty`.
    """
    detections, _ = read_json(path, "detection file")
    if not isinstance(detections, list):
        raise UserError(f"detection file {path} must be a list of COCO results, got {type(detections).__name__}")
    rows: dict[ImageId, list[list[float]]] = defaultdict(list)
    problems = []
    for number, detection in enumerate(detections):
        if problem := _check_detection(detection):
            problems.append(f"detection {number} {problem}")
        elif detection["category_id"] == category_id and detection["image_id"] in image_ids:
            x, y, width, height = detection["bbox"]
            rows[detection["image_id"]].append([x, y, x + width, y + height, detection["score"]])
    if problems:
        raise UserError(f"{path}: {first_few(problems, 'problems')}")
    if not rows and not may_be_empty:
        raise UserError(
            f"detection file {path} holds no box of category {category_id} for any of the {len(image_ids)} images"
        )
    return {i: (np.array(row)[:, :4], np.array(row)[:, 4]) for i, row in rows.items()}


def _check_detection(detection: Any) -> str | None:
    """Return what is wrong with a detection, None for nothing."""
    if not isinstance(detection, dict):
        return f"must be an object, got {type(detection).__name__}"
    missing = {"image_id", "category_id", "bbox", "score"} - set(detection)
    if missing:
        return f"lacks {', '.join(sorted(missing))}"
    box = detection["bbox"]
    values = [*(box if isinstance(box, list) else [box]), detection["score"]]
    if len(values) != 5 or not all(isinstance(n, int | float) and math.isfinite(n) for n in values):
        return f"needs a bbox of 4 finite numbers and a score, got {values}"
    return None
