"""Boxes: where a top-down estimator gets people from. A protocol names the source, and every result carries its name.

gt            the annotated boxes
clean-det     a COCO detection file made on the clean images, used in every cell, as the paper does
corrupt-det   a folder of such files, one per cell (`clean.json`, `fog-3.json`, …), each made on that cell's images
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from robustpose.data.detections import Boxes, BoxTable, Wanted, read_detections
from robustpose.errors import UserError, first_few, nearest
from robustpose.files import name_in_text
from robustpose.pose.cell import CLEAN, OF_CELL, Cell
from robustpose.pose.types import Frame
from robustpose.sources import hash_once

NOBODY = Boxes(np.zeros((0, 4)), np.zeros(0), None)
PROTOCOLS = ("gt", "clean-det", "corrupt-det")


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


def put_boxes(frame: Frame, found: Boxes) -> Frame:
    """Return a frame with detected boxes instead of its own."""
    return replace(
        frame,
        boxes=found.xyxy,
        box_scores=found.scores,
        box_categories=found.categories,
        truth_rows=None,
        boxes_end="edge",
    )


def drop_boxes(frame: Frame, least: float) -> Frame:
    """Return a frame without the boxes whose score is below `least`."""
    if frame.boxes is None or frame.box_scores is None:
        return frame
    kept = frame.box_scores >= least
    arrays = {name: vars(frame)[name] for name in ("boxes", "box_scores", "truth_rows", "box_categories")}
    return replace(frame, **{name: array[kept] for name, array in arrays.items() if array is not None})


class DetectedBoxes:
    """The boxes of a detection file, or of one file per cell, of the people who are wanted.

    `doubts` are why the boxes on clean images could be wrong, a line each.
    """

    def __init__(self, choice: BoxChoice, wanted: Wanted) -> None:
        assert choice.path is not None
        self._path = choice.path
        self._is_by_cell = choice.protocol == "corrupt-det"
        self._wanted = wanted
        self._tables: dict[Path, BoxTable] = {}
        self._way: str | None = None  # how image ids are read: as on clean images, where most people are found
        self.doubts: list[str] = []
        if not self._is_by_cell or self._file(CLEAN).is_file():
            clean = read_detections(self._file(CLEAN), wanted)
            self._tables[self._file(CLEAN)], self._way, self.doubts = clean.table, clean.way, clean.doubts

    def table(self, cell: Cell) -> BoxTable:
        """Return the boxes of all images in a cell; UserError where their file is missing or damaged."""
        path = self._file(cell)
        if path not in self._tables:
            self._tables[path] = read_detections(path, self._wanted, self._way or "ids").table
        return self._tables[path]

    def place(self, frame: Frame) -> Frame:
        """Return the frame with the boxes of its cell."""
        return put_boxes(frame, self.table(frame.cell).get(frame.image_id, NOBODY))

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
        """Return the SHA-256 of each cell's file in the folder by its name; nothing where there is one file."""
        paths = sorted(self._path.glob("*.json")) if self._is_by_cell else []
        of_cells = [path for path in paths if OF_CELL.fullmatch(path.stem) and path.is_file()]
        return {name_in_text(path): hash_once(path) for path in of_cells}

    def _file(self, cell: Cell) -> Path:
        return self._path / f"{cell.file_stem}.json" if self._is_by_cell else self._path
