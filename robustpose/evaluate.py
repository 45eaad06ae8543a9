"""The loop: frames -> estimator -> metric -> figures. Used by bench for every cell and by train after every epoch."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from robustpose import metrics, registry
from robustpose.errors import UserError
from robustpose.metrics.score_tables import ScoreTable
from robustpose.pose.cell import Cell
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Poses, Truth


class Dataset(Protocol):
    """Images to look at and the truth about them. `metric` is what `make_metric` takes."""

    @property
    def skeleton(self) -> Skeleton: ...
    @property
    def metric(self) -> str: ...
    def __len__(self) -> int: ...
    def frame(self, index: int) -> Frame: ...
    def truth(self, index: int) -> Truth: ...


class Estimator(Protocol):
    """Image in, poses out. `needs_boxes`: whether every frame must bring its people's boxes."""

    skeleton: Skeleton
    needs_boxes: bool

    def predict(self, frames: Sequence[Frame]) -> list[Poses]: ...


class Metric(Protocol):
    """Figures in 0..1 from poses and truth; `primary` names the one that summaries are made of.

    A metric with ``one_pose_per_box = True`` wants a pose for every annotated box, near-duplicates included. One with
    ``matches() -> Matches`` has intervals and slices.
    """

    primary: str

    def update(self, poses: Poses, truth: Truth) -> None: ...
    def compute(self) -> dict[str, float]: ...


class Matches(Protocol):
    """Poses and truth held against each other: what intervals and slices are computed from.

    `joint_figure` is what the tables of `joints_tables` are of.
    """

    joint_figure: str

    def table(self, kept: Sequence[npt.NDArray[np.bool_]] | None = None) -> ScoreTable: ...
    def joints_tables(self) -> Mapping[str, ScoreTable]: ...
    def quality(self) -> Floats: ...
    def confidences(self) -> tuple[Floats, Floats] | None: ...


def make_metric(name: str, skeleton: Skeleton) -> Metric:
    """Return a fresh metric.

    Args:
        name: a row of the table of metrics, if it likes with an argument, such as ``pck:head_size@0.5``; or
            ``package.module:attr``: a function of the skeleton.
        skeleton: of the dataset.

    Raises:
        UserError: there is no such metric, or it is not for this skeleton.
    """
    kind, colon, argument = name.partition(":")
    if kind not in metrics.TABLE:
        return registry.load(name, metrics.TABLE, kind="metric")(skeleton)
    make: Any = registry.load(kind, metrics.TABLE)
    if colon and len(inspect.signature(make).parameters) < 2:
        raise UserError(f"metric '{kind}' takes no '{argument}' after a colon")
    return make(skeleton, argument) if colon else make(skeleton)


def get_frames(dataset: Dataset, indices: Iterable[int]) -> list[Frame]:
    """Return clean frames of a dataset, with what its metric wants of estimators."""
    metric = make_metric(dataset.metric, dataset.skeleton)
    frames = [dataset.frame(index) for index in indices]
    if not getattr(metric, "one_pose_per_box", False):
        return frames
    return [replace(frame, one_pose_per_box=True) for frame in frames]


def place_boxes(dataset: Dataset, frame: Frame) -> Frame:
    """Return a view of a frame with the boxes of its cell, where a dataset has other ones than those of the clean."""
    boxes_in = getattr(dataset, "boxes_in", None)
    return frame if boxes_in is None else boxes_in(frame)


def check_cells(dataset: Dataset, cells: Sequence[Cell]) -> None:
    """Raise UserError if a dataset whose boxes come cell by cell lacks those of a cell."""
    check = getattr(dataset, "check_cells", None)
    if check is not None:
        check(cells)


def predict(frames: Sequence[Frame], estimator: Estimator) -> list[Poses]:
    """Return the estimator's poses for `frames`, checked: one Poses per frame, in order, with the skeleton's joints."""
    if estimator.needs_boxes and any(frame.boxes is None for frame in frames):
        raise UserError("this estimator needs person boxes, but the dataset gives none: pass --boxes")
    found = estimator.predict(frames)
    if [poses.image_id for poses in found] != [frame.image_id for frame in frames]:
        raise UserError(
            f"predict() must return one Poses per frame, in order: expected images {[f.image_id for f in frames]}, "
            f"got {[poses.image_id for poses in found]}"
        )
    for poses in found:
        if poses.xy.shape[1] != estimator.skeleton.n_joints:
            raise UserError(
                f"Poses.xy must be (N, {estimator.skeleton.n_joints}, 2) for skeleton '{estimator.skeleton.name}', "
                f"got {poses.xy.shape}"
            )
    return found


def score(all_poses: Iterable[Poses], truths: Iterable[Truth], metric: Metric) -> dict[str, float]:
    """Return the figures of poses against truth, image by image in the same order, with a fresh metric."""
    for poses, truth in zip(all_poses, truths, strict=True):
        metric.update(poses, truth)
    return metric.compute()


def evaluate(dataset: Dataset, estimator: Estimator, frames_per_call: int = 16) -> dict[str, float]:
    """Return the figures of `estimator` on `dataset`, with `frames_per_call` images handed over at a time."""
    truths = (dataset.truth(index) for index in range(len(dataset)))
    metric = make_metric(dataset.metric, dataset.skeleton)
    return score(predict_all(dataset, estimator, frames_per_call), truths, metric)


def predict_all(dataset: Dataset, estimator: Estimator, frames_per_call: int = 16) -> Iterator[Poses]:
    """Yield the estimator's poses for every image of `dataset`, in order."""
    for start in range(0, len(dataset), frames_per_call):
        indices = range(start, min(start + frames_per_call, len(dataset)))
        yield from predict(get_frames(dataset, indices), estimator)
