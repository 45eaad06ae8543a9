"""The job: what is benched, and the check of it before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.evaluate import score
from robustpose.metrics import make_metric
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Truth, no_poses
from robustpose.results.inputs import Inputs
from robustpose.results.summary import decisive_versions


@dataclass(frozen=True)
class Job:
    """What a process needs to know to predict and score. Can be sent to another process.

    Attributes:
        make_dataset: opens the dataset.
        make_estimator: makes the estimator for a skeleton.
        corrupted_images: where the corrupted images come from.
        out: the run folder.
        suite: whose mean the cells of the run make if they are all of its.
        inputs: where the images come from, for those who come back to the run; None: not noted.
    """

    make_dataset: Callable[[], Dataset]
    make_estimator: Callable[[Skeleton], Estimator]
    corrupted_images: CorruptedImages
    out: Path
    suite: Suite = COCO_C
    inputs: Inputs | None = None


def no_estimator(skeleton: Skeleton) -> Estimator:
    """Stand in for the estimator of jobs that have nothing to predict."""
    raise UserError(f"this job has no estimator for skeleton '{skeleton.name}': it only scores what was predicted")


@dataclass(frozen=True, eq=False)
class OpenedData:
    """A dataset, and the truth about every image of it, in order."""

    dataset: Dataset
    truths: Sequence[Truth]


def read_truths(dataset: Dataset) -> OpenedData:
    """Return a dataset with the truth about its images."""
    return OpenedData(dataset, [dataset.truth(index) for index in range(len(dataset))])


@dataclass(frozen=True, eq=False)
class Prepared:
    """A job that has been checked, with what it opened.

    Attributes:
        job: which.
        cells: to be predicted, clean first.
        data: the images and the truth about them.
        estimator: who looks at them.
        identity: what determines the predictions in any cell: noted in the run folder.
    """

    job: Job
    cells: Sequence[Cell]
    data: OpenedData
    estimator: Estimator
    identity: dict[str, Any]

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what determines the results of these cells."""
        if any(cell.corruption == "frost" for cell in self.cells):
            return self.identity
        return {**self.identity, "frost_textures": "unused"}


def prepare(job: Job, cells: Sequence[Cell]) -> Prepared:
    """Open what a job names, and check it before anything is written.

    Raises:
        UserError: a mistake in what was given.
    """
    pixels = job.corrupted_images.provenance()
    dataset = job.make_dataset()
    if len(dataset) == 0:
        raise UserError("the dataset has no images")
    job.corrupted_images.check(cells, [dataset.frame(index) for index in range(len(dataset))])
    dataset.check_cells(cells)
    data = read_truths(dataset)
    _check_metric(data)
    estimator = job.make_estimator(dataset.skeleton)
    identity = {
        "versions": decisive_versions(),
        **pixels,
        "dataset": {**dataset.provenance, "metric": dataset.metric},
        "box_protocol": _find_box_protocol(dataset, estimator),
        "estimator": dict(estimator.provenance),
    }
    return Prepared(job, cells, data, estimator, identity)


def _check_metric(data: OpenedData) -> None:
    """Raise UserError, before anything is predicted, if the truth cannot be scored against."""
    dataset = data.dataset
    metric = make_metric(dataset.metric, dataset.skeleton)
    nobody = (no_poses(truth.image_id, dataset.skeleton.n_joints) for truth in data.truths)
    if score(nobody, data.truths, metric)[metric.primary] < 0:
        raise UserError("nobody in the dataset has annotated keypoints: there is nothing to score against")


def _find_box_protocol(dataset: Dataset, estimator: Estimator) -> str:
    """Return where the people were looked for: gt, clean-det, corrupt-det; none; unknown for results made elsewhere."""
    if not estimator.needs_images:
        return "unknown"
    return str(dataset.provenance.get("boxes", "gt")) if estimator.needs_boxes else "none"
