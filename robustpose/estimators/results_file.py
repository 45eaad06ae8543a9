"""Results already on disk: one COCO results file per cell, as bench writes them. No model, no pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from robustpose.errors import UserError
from robustpose.estimators.options import ModelOptions
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Estimator
from robustpose.pose.results_json import read_results
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, ImageId, Poses, no_poses
from robustpose.sources import hash_once


class ResultsFolder(Estimator):
    """Look up poses by cell and image id, in `clean.json`, `fog-3.json`, … of a folder, or of its `predictions/`."""

    needs_boxes = False
    needs_images = False

    def __init__(self, folder: Path, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self._folder = folder / "predictions" if (folder / "predictions").is_dir() else folder
        if not self._folder.is_dir():
            raise UserError(f"results folder {folder} does not exist")
        files = sorted(self._folder.glob("*.json"))
        if not files:
            raise UserError(f"results folder {self._folder} holds no .json file: expected clean.json, fog-3.json, …")
        hashes = {file.name: hash_once(file) for file in files}
        digest = hashlib.sha256()
        for name, content in hashes.items():
            digest.update(name.encode() + bytes.fromhex(content))
        found = {"kind": "results", "name": folder.resolve().name, "sha256": digest.hexdigest()}
        self.provenance = {**found, "files": hashes}
        self._cells: dict[Cell, dict[ImageId, Poses]] = {}

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return what the files say of each frame; an image without an entry has nobody in it."""
        return [
            self._cell(frame.cell).get(frame.image_id) or no_poses(frame.image_id, self.skeleton.n_joints)
            for frame in frames
        ]

    def _cell(self, cell: Cell) -> dict[ImageId, Poses]:
        if cell not in self._cells:
            path = self._folder / f"{cell.file_stem}.json"
            if not path.is_file():
                raise UserError(
                    f"cell '{cell.key}' needs the results file {path}, which does not exist: choose cells with "
                    "--corruptions and --severities"
                )
            self._cells[cell] = read_results(path, self.skeleton.n_joints)
        return self._cells[cell]


Options = ModelOptions  # none


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> ResultsFolder:
    """Return the estimator for the results in folder `target`."""
    if not target:
        raise UserError(f"name the folder of results: --model {name}:DIR")
    return ResultsFolder(Path(target), skeleton)
