"""Results already on disk: one COCO results file per cell, as bench writes them. No model, no pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from robustpose.errors import UserError
from robustpose.estimators.options import ModelOptions
from robustpose.files import name_in_text
from robustpose.pose.cell import Cell
from robustpose.pose.image_ids import ImageNames
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.results_json import check_truth_rows, group_poses, keep_category, read_people, read_results
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, ImageId, Poses, Truth, join_poses, no_poses
from robustpose.sources import hash_once

OF_PART = ("limit", "preview", "images_with_people")  # what the provenance of a part of a dataset has
MOST_EMPTY = 0.25  # of the images with people, in which an ordinary model may find nobody


class ResultsFolder(Estimator):
    """Look up poses by cell and image id, in `clean.json`, `fog-3.json`, … of a folder, or of its `predictions/`."""

    needs_boxes = False
    needs_images = False

    def __init__(self, folder: Path, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self._folder = folder / "predictions" if (folder / "predictions").is_dir() else folder
        if not self._folder.is_dir():
            raise UserError(
                f"results folder {folder.absolute()} does not exist: expected one with clean.json, fog-3.json, …"
            )
        files = sorted(file for file in self._folder.glob("*.json") if file.is_file())
        if not files:
            raise UserError(
                f"results folder {self._folder.absolute()} holds no .json file: expected clean.json, fog-3.json, …"
            )
        hashes = {file.name: hash_once(file) for file in files}
        digest = hashlib.sha256()
        for name, content in hashes.items():
            digest.update(name.encode() + bytes.fromhex(content))
        found = {"kind": "results", "name": name_in_text(folder.resolve()), "sha256": digest.hexdigest()}
        self.provenance = {**found, "files": hashes}
        self.warnings: list[str] = []
        self._cells: dict[Cell, dict[ImageId, Poses]] = {}

    def check_data(self, dataset: Dataset, cells: Sequence[Cell]) -> None:
        """Read the poses in cells, those of the dataset's categories in its images; UserError where there are none.

        Image ids are read in one way in all files, whoever is found in which of them.
        """
        found, n_left_out = {}, 0
        for cell in cells:
            path = self._find_file(cell)
            results = read_people(path, self.skeleton.n_joints)
            kept = keep_category(results, dataset.category_ids, f"results file {path}")
            n_left_out += len(results) - len(kept)
            found[cell] = group_poses(kept, self.skeleton.n_joints, dataset.category_ids)
        frames = [dataset.frame(index) for index in range(len(dataset))]
        names = ImageNames([(frame.image_id, frame.file_name) for frame in frames])
        ids = [image_id for of_cell in found.values() for image_id, poses in of_cell.items() for _ in poses.score]
        if not ids:
            raise UserError(f"the results in {self._folder} hold no pose for any of the {len(frames)} images")
        way = names.choose_way(ids, f"results in {self._folder}")
        meant = names.match(ids, way)
        truths = [dataset.truth(index) for index in range(len(dataset))]
        for cell, of_cell in found.items():
            path = self._find_file(cell)
            if of_cell and not meant.keys() & of_cell.keys():
                names.choose_way(of_cell, f"results file {path}")  # says what is wrong with its ids
                raise UserError(f"results file {path} names images in another way than other files do")
            self._cells[cell] = _rename_images(of_cell, meant)
            if not any(len(truth.xy) for truth in truths):  # images alone: whom a pose was of is annotated elsewhere
                self._cells[cell] = {i: replace(of, truth_rows=None) for i, of in self._cells[cell].items()}
            check_truth_rows(self._cells[cell], truths, path)
        self.warnings = [f"{n_left_out:,} poses of other categories are left out"] if n_left_out else []
        self.warnings += self._doubt_gaps(cells[0], truths)
        if not any(key in dataset.provenance for key in OF_PART):  # whose other images have results, too
            self.warnings += names.doubt_ids(ids, meant, "poses")

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return what the files say of each frame; an image without an entry has nobody in it."""
        return [
            self._cell(frame.cell).get(frame.image_id) or no_poses(frame.image_id, self.skeleton.n_joints)
            for frame in frames
        ]

    def _doubt_gaps(self, cell: Cell, truths: Sequence[Truth]) -> list[str]:
        """Return a doubt if so many images with people lack poses in a cell that a detector hardly saw them all."""
        found = self._cells[cell]
        with_people = [truth.image_id for truth in truths if truth.counted.any()]
        n_empty = sum(image_id not in found for image_id in with_people)
        if n_empty <= MOST_EMPTY * len(with_people):
            return []
        return [
            f"the results file {cell.file_stem}.json has no pose in {n_empty:,} of the {len(with_people):,} images "
            "with people, who all count as missed: if the model has not seen these images, add what it finds there, or "
            "bench those that it has seen"
        ]

    def _cell(self, cell: Cell) -> dict[ImageId, Poses]:
        if cell not in self._cells:
            self._cells[cell] = read_results(self._find_file(cell), self.skeleton.n_joints)
        return self._cells[cell]

    def _find_file(self, cell: Cell) -> Path:
        path = self._folder / f"{cell.file_stem}.json"
        if not path.is_file():
            raise UserError(
                f"cell '{cell.key}' needs the results file {path}, which does not exist: choose cells with "
                "--corruptions and --severities"
            )
        return path


def _rename_images(found: Mapping[ImageId, Poses], meant: Mapping[ImageId, ImageId]) -> dict[ImageId, Poses]:
    """Return poses by the ids of their images; those of other images are left out."""
    by_image: dict[ImageId, Poses] = {}
    for given, poses in found.items():
        if given in meant:
            before, poses = by_image.get(meant[given]), replace(poses, image_id=meant[given])
            by_image[meant[given]] = poses if before is None else join_poses([before, poses])
    return by_image


Options = ModelOptions  # none


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> ResultsFolder:
    """Return the estimator for the results in folder `target`."""
    if not target:
        raise UserError(f"name the folder of results: --model {name}:DIR")
    return ResultsFolder(Path(target), skeleton)
