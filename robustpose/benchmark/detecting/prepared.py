"""A detector's job, checked before anything is written: data, images, detector, and what determines its boxes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from robustpose.benchmark.detecting.makers import MakeDetector, categories_of
from robustpose.benchmark.detecting.work import detect
from robustpose.benchmark.elsewhere import States, gather_states, states_of
from robustpose.benchmark.identity import choose_provenance, identify_estimator
from robustpose.benchmark.job import Job, OpenedData, check_ids, read_truths
from robustpose.benchmark.trial import spread_evenly
from robustpose.changes import BY_CORRUPTION
from robustpose.data.box_checks import check_boxes
from robustpose.data.identity import identify_dataset
from robustpose.data.people import frames_to_corrupt
from robustpose.errors import UserError
from robustpose.pose.box_poses import as_boxes
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.types import ImageId
from robustpose.random_state import same_random_numbers
from robustpose.versions import decisive_versions

TRIED = 8  # images, until there is a box in one
# What results say of a dataset, and boxes do not depend on.
NOT_OF_BOXES = (
    "boxes", "min_box_score", "metric", "metric_code", "skeleton", "skeleton_sha256", "sigmas_from", "parts", "joints",
    "area", "visibility",
)  # fmt: skip


@dataclass(frozen=True)
class DetectJob:
    """Which detector looks at the images of a job, whose estimator is made only where poses are wanted, too."""

    job: Job  # its `out` is the folder of the detections, or of both runs
    make_detector: MakeDetector


@dataclass(frozen=True, eq=False)
class PreparedDetector:
    """A detector's job that has been checked, with what it opened."""

    job: DetectJob
    cells: Sequence[Cell]  # clean first
    data: OpenedData
    detector: Estimator
    identity: dict[str, Any]  # what determines the boxes in any cell
    doubts: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)  # variables of somebody's own, which workers compare
    seconds: float = 0.0  # that opening took

    @property
    def dataset(self) -> Dataset:
        """Return the dataset."""
        return self.data.dataset

    @property
    def image_ids(self) -> list[ImageId]:
        """Return the ids of the images, in order."""
        return [truth.image_id for truth in self.data.truths]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return why the boxes could be wrong, as far as data and detector know."""
        return (*self.detector.warnings, *self.doubts)

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what determines the boxes in these cells."""
        return choose_provenance(self.identity, self.cells)

    @property
    def detector_states(self) -> States:
        """Return the variables of the detector."""
        return states_of(self.detector)


def try_detector(detector: Estimator, data: OpenedData) -> list[str]:
    """Look at a few clean images, before anything is written, and return the doubts that the boxes raise.

    UserError for boxes that cannot be right, such as fractions of the image. It ends where somebody is found.
    """
    tried = spread_evenly(len(data.truths))[:TRIED]
    with same_random_numbers():
        for index in tried:
            frame = data.dataset.frame(index)
            (found,) = detect([frame], detector, len(data.dataset.category_ids))
            if len(found.score):
                boxes = as_boxes(found)
                height, width = frame.image.shape[:2]
                xywh = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
                sizes_wh = np.array([[width, height]] * len(xywh), float)
                return check_boxes(xywh, sizes_wh, "boxes of the detector", "x1 y1 x2 y2")
    return [f"the detector finds nothing in {len(tried)} clean images: {ask_why_nobody(detector.provenance)}"]


def ask_why_nobody(about: Mapping[str, Any]) -> str:
    """Return the question that a detector which finds nobody gives rise to, by what results say of it."""
    form = ", in another form (form=)" if about.get("kind") in ("onnx", "tflite") else ""
    least = f" ({about['min_score']:g})" if isinstance(about.get("min_score"), int | float) else ""
    return f"is it of other classes (classes=){form}, or its min_score{least} too high?"


def prepare_detector(wanted: DetectJob, cells: Sequence[Cell]) -> PreparedDetector:
    """Open the data and the detector of a job, and check them before anything is written."""
    job, start = wanted.job, time.perf_counter()
    pixels = job.corrupted_images.provenance()
    dataset = job.make_dataset()
    if len(dataset) == 0:
        raise UserError("the dataset has no images")
    frames = frames_to_corrupt(dataset, range(len(dataset)), cells)
    job.corrupted_images.check(cells, frames)
    data = read_truths(dataset)
    check_ids([frame.image_id for frame in frames], [truth.image_id for truth in data.truths])
    detector = wanted.make_detector(categories_of(dataset))
    if detector.needs_boxes or not detector.needs_images:
        raise UserError("a detector looks at images, and needs no boxes: see robustpose list detectors")
    of_data, doubts_of_data = identify_dataset(dataset, data.truths)
    of_detector, doubts_of_detector = identify_estimator(detector)
    identity = {
        "versions": decisive_versions(),
        **pixels,
        "dataset": {key: value for key, value in of_data.items() if key not in NOT_OF_BOXES},
        "estimator": of_detector,
        BY_CORRUPTION: dict(sorted(job.corrupted_images.code_of(cells).items())),
    }
    states = gather_states(identity, dataset)
    doubts = (*doubts_of_data, *doubts_of_detector, *job.corrupted_images.doubts(cells), *try_detector(detector, data))
    return PreparedDetector(wanted, cells, data, detector, identity, doubts, states, time.perf_counter() - start)
