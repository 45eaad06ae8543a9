"""Clean poses: what the poses of every cell are held against by a metric that needs no annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustpose.data.subset import DatasetAround
from robustpose.errors import UserError
from robustpose.metrics.consistency import take_as_truth, weigh_people
from robustpose.pose.cell import CLEAN
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import read_results
from robustpose.pose.types import ImageId, Truth, no_poses
from robustpose.results.run_folder import RunFolder


class CleanPosesAsTruth(DatasetAround):
    """Another dataset, with the poses on its clean images that a run folder holds as its truth."""

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        super().__init__(dataset)
        ids = [dataset.frame(index).image_id for index in range(len(dataset))]
        self._truths = read_clean_truths(folder, dataset, ids)

    def truth(self, index: int) -> Truth:
        return self._truths[index]


def read_clean_truths(folder: Path, dataset: Dataset, image_ids: Sequence[ImageId]) -> list[Truth]:
    """Return for each image the poses of a run folder on it, without corruption, as the truth.

    UserError where nobody was found on the clean images, or everybody with a score of 0 or below.
    """
    n_joints, path = dataset.skeleton.n_joints, RunFolder(folder).prediction_path(CLEAN)
    found = read_results(path, n_joints, category_ids=dataset.category_ids)
    poses = [found.get(image_id) or no_poses(image_id, n_joints) for image_id in image_ids]
    if not any(len(of.score) for of in poses):
        raise UserError(
            f"nobody was found on the {len(poses):,} clean images ({path} holds no pose of them), so there is nothing "
            "that could stay the same under corruption: is it a model for such images, and are the boxes theirs?"
        )
    if not any(weigh_people(of).any() for of in poses):
        raise UserError(
            f"{path}: all poses on clean images have a score of 0 or below, and consistency weights poses by their "
            "scores: give scores above 0"
        )
    return [take_as_truth(of) for of in poses]
