"""Clean poses: what the poses of every cell are held against by a metric that needs no annotations."""

from __future__ import annotations

from pathlib import Path

from robustpose.benchmark.job import OpenedData
from robustpose.errors import UserError
from robustpose.metrics.consistency import take_as_truth, weigh_people
from robustpose.pose.cell import CLEAN
from robustpose.pose.results_json import read_results
from robustpose.pose.types import no_poses
from robustpose.results.run_folder import RunFolder


def hold_against_clean(data: OpenedData, folder: Path) -> OpenedData:
    """Return data with the truth that poses are scored against: for some metrics the clean poses of a run folder.

    UserError where nobody was found on the clean images, or everybody with a score of 0 or below.
    """
    if not data.make_metric().against_clean:
        return data
    n_joints, path = data.dataset.skeleton.n_joints, RunFolder(folder).prediction_path(CLEAN)
    found = read_results(path, n_joints, category_ids=data.dataset.category_ids)
    poses = [found.get(truth.image_id) or no_poses(truth.image_id, n_joints) for truth in data.truths]
    if not any(len(of.score) for of in poses):
        raise UserError(
            f"nobody was found on the {len(poses):,} clean images ({path} holds no pose), so there is nothing that "
            "could stay the same under corruption: is it a model for such images, and are the boxes theirs?"
        )
    if not any(weigh_people(of).any() for of in poses):
        raise UserError(
            f"{path}: all poses on clean images have a score of 0 or below, and consistency weights poses by their "
            "scores: give scores above 0"
        )
    return OpenedData(data.dataset, [take_as_truth(of) for of in poses])
