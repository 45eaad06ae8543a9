"""The job: what is benched, and the check of it before anything is written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from robustpose.benchmark.elsewhere import gather_states
from robustpose.benchmark.identity import choose_files, choose_provenance, identify_estimator
from robustpose.benchmark.joints import share_joints
from robustpose.changes import BY_CORRUPTION
from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.data.corrupted import CorruptedImages
from robustpose.data.identity import identify_dataset
from robustpose.data.people import frames_to_corrupt
from robustpose.errors import UserError
from robustpose.evaluation import score
from robustpose.metrics import make_metric
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.cuts import Cut, list_cuts
from robustpose.pose.protocols import Dataset, Estimator, Metric
from robustpose.pose.shared_joints import OtherJoints
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import ImageId, Truth, no_poses
from robustpose.results.cell_score import Slices, cut_people
from robustpose.results.clean_poses import read_clean_truths
from robustpose.results.gates import Gate, check_gates
from robustpose.results.inputs import Inputs
from robustpose.versions import decisive_versions


@dataclass(frozen=True)
class Job:
    """What a process needs to know to predict and score. Can be sent to another process."""

    make_dataset: Callable[[], Dataset]
    make_estimator: Callable[[Skeleton], Estimator]
    corrupted_images: CorruptedImages
    out: Path  # the run folder
    suite: Suite = COCO_C  # whose mean is taken if the run has all its cells
    inputs: Inputs | None = None  # what inputs.json says of the data; None: nothing is noted
    name: str | None = None  # what people call the run; None: as its model
    has_page: bool = True  # whether report.html is wanted
    finds_boxes: bool = False  # whether its boxes are found while it is run: its data need not have any
    gates: tuple[Gate, ...] = ()  # what scores must reach: a run that will have no such score is refused


def make_job(inputs: Inputs, make_estimator: Callable[[Skeleton], Estimator], out: Path, suite: Suite = COCO_C) -> Job:
    """Return the job of data that are described, so that its run folder says where they are."""
    return Job(inputs.data.open, make_estimator, inputs.corrupted_images.open(), out, suite, inputs)


def no_estimator(skeleton: Skeleton) -> Estimator:
    """Stand in for the estimator of jobs that have nothing to predict."""
    raise UserError(f"this job has no estimator for skeleton '{skeleton.name}': it only scores what was predicted")


@dataclass(frozen=True, eq=False)
class OpenedData:
    """A dataset, and the truth about every image of it, in order."""

    dataset: Dataset
    truths: Sequence[Truth]

    @cached_property
    def slices(self) -> Slices:
        """Return the people of each slice."""
        return cut_people(self.truths, self.dataset.skeleton.n_joints)

    @cached_property
    def cuts(self) -> list[Cut]:
        """Return what is scored by itself, too."""
        return list_cuts(self.dataset, self.truths)

    def make_metric(self) -> Metric:
        """Return a fresh metric of the dataset."""
        return make_metric(self.dataset.metric, self.dataset.skeleton)


def read_truths(dataset: Dataset) -> OpenedData:
    """Return a dataset with the truth about its images."""
    return OpenedData(dataset, [dataset.truth(index) for index in range(len(dataset))])


def hold_against_clean(data: OpenedData, folder: Path) -> OpenedData:
    """Return data with the truth that poses are scored against: for some metrics the clean poses of a run folder.

    UserError where these are nobody's.
    """
    if not data.make_metric().against_clean:
        return data
    ids = [truth.image_id for truth in data.truths]
    return OpenedData(data.dataset, read_clean_truths(folder, data.dataset, ids))


@dataclass(frozen=True, eq=False)
class Prepared:
    """A job that has been checked, with what it opened."""

    job: Job
    cells: Sequence[Cell]  # to be predicted, clean first
    data: OpenedData
    estimator: Estimator
    identity: dict[str, Any]  # what determines the predictions in any cell: noted in the run folder
    doubts: tuple[str, ...] = ()  # about that
    states: Mapping[str, str] = field(default_factory=dict)  # variables of somebody's own, which workers compare
    seconds: float = 0.0  # that opening the data and the estimator took

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return why the numbers could be wrong, as far as data and estimator know."""
        return (*self.data.dataset.warnings, *self.estimator.warnings, *self.doubts)

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what determines the results of these cells."""
        return choose_provenance(self.identity, self.cells)


def prepare(job: Job, cells: Sequence[Cell]) -> Prepared:
    """Open the data and the estimator of a job, and check them before anything is written."""
    pixels = job.corrupted_images.provenance()
    start = time.perf_counter()
    dataset = job.make_dataset()
    seconds = time.perf_counter() - start
    if len(dataset) == 0:
        raise UserError("the dataset has no images")
    frames = frames_to_corrupt(dataset, range(len(dataset)), cells)
    job.corrupted_images.check(cells, frames)
    dataset.check_cells(cells)
    image_ids = [frame.image_id for frame in frames]
    data = _read_checked(job, dataset, image_ids, cells)
    doubts: tuple[str, ...] = ()
    start = time.perf_counter()
    try:
        estimator = _open_estimator(job, dataset, cells)
    except OtherJoints as other:
        job, dataset, doubt = share_joints(job, dataset, other)
        doubts = (doubt,)
        data = _read_shared(job, dataset, image_ids, cells, doubt)
        estimator = _open_estimator(job, dataset, cells)
    seconds += time.perf_counter() - start
    if estimator.needs_boxes and not job.finds_boxes and any(frame.boxes is None for frame in frames):
        raise UserError(
            "this model looks into boxes, and nothing says where people are in these images: name a detector, --boxes "
            "detect:MODEL, or boxes that one found, --boxes clean-det:FILE or corrupt-det:DIR"
        )
    of_data, doubts_of_data = identify_dataset(dataset, data.truths, estimator.needs_images)
    of_estimator, doubts_of_estimator = identify_estimator(estimator)
    identity = {
        "versions": decisive_versions(),
        **pixels,
        "dataset": choose_files(of_data, cells),
        "box_protocol": _find_box_protocol(dataset, estimator),
        "estimator": choose_files(of_estimator, cells),
        # Poses that were found elsewhere do not tell by which code their images were made.
        BY_CORRUPTION: dict(sorted(job.corrupted_images.code_of(cells).items())) if estimator.needs_images else {},
    }
    of_images = job.corrupted_images.doubts(cells) if estimator.needs_images else ()
    doubts += (*doubts_of_data, *doubts_of_estimator, *of_images)
    states = gather_states(identity, dataset)
    return Prepared(job, cells, data, estimator, identity, doubts, states, seconds)


def _read_checked(job: Job, dataset: Dataset, image_ids: Sequence[ImageId], cells: Sequence[Cell]) -> OpenedData:
    """Return a dataset with its truth; UserError where that cannot be scored."""
    data = read_truths(dataset)
    check_ids(image_ids, [truth.image_id for truth in data.truths])
    metric = data.make_metric()
    if not metric.against_clean:
        nobody_found = (no_poses(truth.image_id, dataset.skeleton.n_joints) for truth in data.truths)
        if score(nobody_found, data.truths, metric)[metric.primary] < 0:  # before anything is predicted in vain
            raise UserError("nobody in the dataset has annotated keypoints: there is nothing to score against")
    elif CLEAN not in cells:
        raise UserError(f"{metric.primary} needs the clean images, which poses are held against: add clean")
    cuts = [(cut.kind, cut.name) for cut in data.cuts] if job.gates else ()
    check_gates(job.gates, job.suite, cells, metric.primary, cuts=cuts)
    return data


def _read_shared(
    job: Job, dataset: Dataset, image_ids: Sequence[ImageId], cells: Sequence[Cell], doubt: str
) -> OpenedData:
    """Return a dataset of shared joints with its truth; what cannot be scored without the others is said with them."""
    try:
        return _read_checked(job, dataset, image_ids, cells)
    except UserError as error:
        raise UserError(f"{error} ({doubt})") from error


def _open_estimator(job: Job, dataset: Dataset, cells: Sequence[Cell]) -> Estimator:
    """Return the estimator of a dataset, which has been checked to have poses for it."""
    estimator = job.make_estimator(dataset.skeleton)
    per_group: Any = estimator.images_per_group
    if type(per_group) is not int or per_group < 1:
        raise UserError(f"the estimator must have a whole number from 1 as its 'images_per_group', got {per_group!r}")
    estimator.check_data(dataset, cells)
    return estimator


def check_ids(of_frames: Sequence[ImageId], of_truths: Sequence[ImageId]) -> None:
    """Raise UserError unless each image has an id of its own, and its truth the same."""
    for index, (own, other) in enumerate(zip(of_frames, of_truths, strict=True)):
        if own != other:
            raise UserError(f"frame({index}) of the dataset is of image {own!r}, but truth({index}) of image {other!r}")
    repeated = [image_id for image_id, count in Counter(of_frames).items() if count > 1]
    if repeated:
        raise UserError(f"the dataset must have an id for each image, but {repeated[0]!r} is that of several")


def _find_box_protocol(dataset: Dataset, estimator: Estimator) -> str:
    """Return where the people were looked for: gt, clean-det, corrupt-det; none; unknown for results made elsewhere."""
    if not estimator.needs_images:
        return "unknown"
    return str(dataset.provenance.get("boxes", "gt")) if estimator.needs_boxes else "none"
