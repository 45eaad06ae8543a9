"""Results already on disk: one COCO results file per cell, as bench writes them. No model, no pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from robustpose.errors import UserError
from robustpose.estimators.joint_order import JointOrder, choose_joints
from robustpose.estimators.options import ModelOptions
from robustpose.estimators.whole_body_results import doubt_part_scores, has_parts, is_of_body, join_parts, settle_scores
from robustpose.files import name_in_text
from robustpose.pose.cell import Cell
from robustpose.pose.image_ids import ImageNames
from robustpose.pose.joint_names import find_names
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.results_json import (
    Result,
    check_people,
    check_truth_rows,
    count_joints,
    group_poses,
    keep_category,
    parse_people,
    read_people,
)
from robustpose.pose.shared_joints import OtherJoints, respell
from robustpose.pose.skeleton_table import list_by_size
from robustpose.pose.skeletons import COCO, Skeleton, explain_other_joints
from robustpose.pose.types import Frame, ImageId, Poses, Truth, join_poses, no_poses, reorder_joints
from robustpose.pose.whole_body import WHOLE_BODY
from robustpose.reading import read_json
from robustpose.sources import hash_once

OF_PART = ("limit", "preview", "images_with_people")  # what the provenance of a part of a dataset has
MOST_EMPTY = 0.25  # of the images with people, in which an ordinary model may find nobody


class ResultsFolder(Estimator):
    """Look up poses by cell and image id, in `clean.json`, `fog-3.json`, … of a folder, or of its `predictions/`."""

    needs_boxes = False
    needs_images = False

    def __init__(self, folder: Path, skeleton: Skeleton, joints: str | None = None) -> None:
        """Look into a folder; `joints` says whose joints the poses have, as `choose_joints` takes it."""
        self.skeleton = skeleton
        self._joints, self._order, self._n_own = joints, list(range(skeleton.n_joints)), 0
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
        self.provenance = {**found, "files": hashes, **({} if joints is None else {"joints": joints})}
        self.warnings: list[str] = []
        self._doubts: list[str] = []
        self._cells: dict[Cell, dict[ImageId, Poses]] = {}

    def check_data(self, dataset: Dataset, cells: Sequence[Cell]) -> None:
        """Read the poses in cells, those of the dataset's categories in its images; UserError where there are none.

        Image ids are read in one way in all files, whoever is found in which of them.
        """
        found, n_left_out = {}, 0
        for cell in cells:
            path = self._find_file(cell)
            results = self._read(path)
            kept = keep_category(results, dataset.category_ids, f"results file {path}")
            n_left_out += len(results) - len(kept)
            found[cell] = self._group(kept, dataset.category_ids)
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
        self.warnings = [*self._doubts]
        self.warnings += [f"{n_left_out:,} poses of other categories are left out"] if n_left_out else []
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
            self._cells[cell] = self._group(self._read(self._find_file(cell)))
        return self._cells[cell]

    def _read(self, path: Path) -> list[Result]:
        """Return the results of a file, which have the skeleton's joints, or more; OtherJoints where they lack some.

        How many they have, the first file with results tells.
        """
        raw = settle_scores(parse_people(path), self.skeleton)
        has_fields = has_parts(raw)
        is_joined = has_fields and not is_of_body(self.skeleton)
        results = check_people(join_parts(raw, path) if is_joined else raw, path, self._n_own or None)
        if results and not self._n_own:
            n_joints = count_joints(results)
            known = (WHOLE_BODY if is_joined else COCO).joints if has_fields and self._joints is None else None
            own = respell(known or self._find_joints(n_joints, path), self.skeleton)
            order = find_names(own, self.skeleton.joints)
            if order is None:
                raise OtherJoints(f"results file {path} {explain_other_joints(own, self.skeleton)}", own)
            self._order, self._n_own = list(order), n_joints
        if is_joined:
            self._doubts += [doubt for doubt in doubt_part_scores(results) if doubt not in self._doubts]
        return results

    def _find_joints(self, n_joints: int, path: Path) -> tuple[str, ...]:
        """Return the joints of results with so many: as the option or the run says, or as the number tells."""
        whole = self.skeleton.whole
        if self._joints is None:
            for joints in (_read_noted_joints(self._folder.parent), self.skeleton.joints, whole.joints):
                if len(joints) == n_joints:
                    return joints
            if not list_by_size(n_joints):
                read_people(path, whole.n_joints)  # says what is wrong with them
        own = choose_joints(f"results file {path}", self.skeleton, self._joints, n_joints)
        self._doubts = own.warnings
        return own.joints or whole.joints

    def _group(self, results: Sequence[Result], category_ids: Sequence[ImageId] = (1,)) -> dict[ImageId, Poses]:
        """Return the poses of results by image id, with the joints of the skeleton."""
        found = group_poses(results, self._n_own or self.skeleton.n_joints, category_ids)
        if self._order == list(range(self._n_own)):
            return found
        return {image_id: reorder_joints(poses, self._order) for image_id, poses in found.items()}

    def _find_file(self, cell: Cell) -> Path:
        path = self._folder / f"{cell.file_stem}.json"
        if not path.is_file():
            raise UserError(
                f"cell '{cell.key}' needs the results file {path}, which does not exist: choose cells with "
                "--corruptions and --severities"
            )
        return path


def _read_noted_joints(folder: Path) -> tuple[str, ...]:
    """Return the joints that a run folder notes to be scored, if it notes some."""
    path = folder / "inputs.json"
    if not path.is_file():
        return ()
    data = read_json(path, "note of inputs", 1 << 20)[0]
    joints = data.get("data", {}).get("joints") if isinstance(data, dict) else None
    return tuple(map(str, joints)) if isinstance(joints, list) else ()


def _rename_images(found: Mapping[ImageId, Poses], meant: Mapping[ImageId, ImageId]) -> dict[ImageId, Poses]:
    """Return poses by the ids of their images; those of other images are left out."""
    by_image: dict[ImageId, Poses] = {}
    for given, poses in found.items():
        if given in meant:
            before, poses = by_image.get(meant[given]), replace(poses, image_id=meant[given])
            by_image[meant[given]] = poses if before is None else join_poses([before, poses])
    return by_image


class Options(ModelOptions):
    """Options of results."""

    joints: JointOrder | None = None
    """Whose joints the poses have: data's, or of a skeleton such as coco (robustpose list skeletons)."""


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> ResultsFolder:
    """Return the estimator for the results in folder `target`."""
    if not target:
        raise UserError(f"name the folder of results: --model {name}:DIR")
    return ResultsFolder(Path(target), skeleton, options.joints)
