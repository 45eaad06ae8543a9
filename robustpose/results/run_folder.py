"""The run folder of a bench: whose results it holds, and reading and writing them.

run.json                  what determines the results; another setup is refused
units/fog-3/00007.npz     poses of one slice of images in one cell, while the cell is unfinished
predictions/fog-3.json    COCO results of a finished cell
matches/fog-3.npz         what of them is right: for intervals and comparisons
inputs.json               where the images come from
results.jsonl, summary.json, slices.json, table.*, report.html
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.errors import UserError
from robustpose.files import LOCK_NAME, list_differences, open_whole, write_text
from robustpose.pose.cell import Cell
from robustpose.pose.results_json import round_poses
from robustpose.pose.types import ImageId, Poses
from robustpose.results.arrays import read_arrays


class RunFolder:
    """Paths of one run, and reading and writing them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prediction_path(self, cell: Cell) -> Path:
        """Return where the COCO results of `cell` are."""
        return self.path / "predictions" / f"{cell.file_stem}.json"

    def matches_path(self, cell: Cell) -> Path:
        """Return where the matches of `cell` are: see `results.matches`."""
        return self.path / "matches" / f"{cell.file_stem}.npz"

    def unit_path(self, cell: Cell, number: int) -> Path:
        """Return where the poses of slice `number` in `cell` are."""
        return self.path / "units" / cell.file_stem / f"{number:05d}.npz"

    def claim(self, identity: Mapping[str, Any]) -> None:
        """Note what determines the results, or check that it is what the folder was made with.

        Raises:
            UserError: the folder holds results of another setup; what differs is named.
        """
        path = self.path / "run.json"
        new = json.loads(json.dumps(identity))
        if path.is_file():
            try:
                old = json.loads(path.read_text())
            except ValueError as error:
                raise UserError(f"{path} is damaged: choose another --out") from error
            if old != new:
                raise UserError(
                    f"{self.path} holds results of another setup ({'; '.join(list_differences(old, new)[:3])}): "
                    "choose another --out, or delete that folder"
                )
            return
        others = [entry.name for entry in self.path.iterdir() if entry.name != LOCK_NAME]
        if others:
            raise UserError(f"{self.path} is not empty ({others[0]}, …) and no run folder: choose another --out")
        write_text(path, json.dumps(new, indent=2) + "\n")

    def write_unit(self, cell: Cell, number: int, all_poses: Sequence[Poses]) -> None:
        """Write the poses of one slice of images, rounded as results files are."""
        rounded = [round_poses(poses) for poses in all_poses]
        path = self.unit_path(cell, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [poses.truth_rows for poses in rounded]
        matched = [row for row in rows if row is not None]
        with open_whole(path, sync=True) as file:
            np.savez(
                file,
                is_matched=np.array([row is not None for row in rows]),
                truth_rows=np.concatenate(matched) if matched else np.zeros(0, int),
                n_people=np.array([len(poses.score) for poses in rounded]),
                xy=np.concatenate([poses.xy for poses in rounded]),
                confidence=np.concatenate([poses.confidence for poses in rounded]),
                score=np.concatenate([poses.score for poses in rounded]),
            )

    def read_unit(self, cell: Cell, number: int, image_ids: Sequence[ImageId]) -> list[Poses]:
        """Return the poses of one slice of images."""
        path = self.unit_path(cell, number)
        try:
            arrays = read_arrays(path)
            n_people, is_matched = arrays["n_people"], arrays["is_matched"]
            xy, confidence, score = (
                np.split(arrays[name], np.cumsum(n_people)[:-1]) for name in ("xy", "confidence", "score")
            )
            rows = iter(np.split(arrays["truth_rows"], np.cumsum(n_people[is_matched])[:-1]))
            truth_rows = [next(rows) if matched else None for matched in is_matched]
        except (OSError, ValueError, KeyError) as error:
            path.unlink(missing_ok=True)
            raise UserError(f"{path} was damaged and has been removed: start the same command again") from error
        return [Poses(*parts) for parts in zip(image_ids, xy, confidence, score, truth_rows, strict=True)]

    def drop_units(self, cell: Cell) -> None:
        """Remove the units of a cell whose predictions are written, and their folder after the last one."""
        shutil.rmtree(self.path / "units" / cell.file_stem, ignore_errors=True)
        with suppress(OSError):  # not empty: other cells are unfinished
            (self.path / "units").rmdir()
