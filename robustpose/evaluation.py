"""The loop: frames -> estimator -> metric -> figures. Used by bench for every cell and by train after every epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np

from robustpose.blame import is_of_others
from robustpose.data.joints import choose_shared, take_joints
from robustpose.data.people import frames_to_corrupt
from robustpose.errors import UserError, show_doubts
from robustpose.estimators.in_order import put_in_order
from robustpose.metrics import make_metric
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset, Estimator, Metric, adopt
from robustpose.pose.results_json import check_categories
from robustpose.pose.shared_joints import OtherJoints
from robustpose.pose.types import Frame, Poses, Truth, copy_frame

ROUNDING = 1e-6


def evaluate(dataset: Dataset, estimator: Estimator, frames_per_call: int = 16) -> dict[str, float]:
    """Return the figures (0..1) of `estimator` on the clean images of `dataset`, `frames_per_call` at a time.

    Neither need be of this package. Of other joints, those are scored that both have. Warns of why the figures could be
    wrong.
    """
    dataset, estimator = adopt(dataset, Dataset, "the dataset"), adopt(estimator, Estimator, "the estimator")
    doubts: tuple[str, ...] = ()
    try:
        ordered = put_in_order(estimator, dataset.skeleton, "the estimator")
    except OtherJoints as other:
        shared = choose_shared(dataset.skeleton.joints, other)
        dataset, doubts = take_joints(dataset, shared.joints), (shared.doubt,)
        ordered = put_in_order(estimator, dataset.skeleton, "the estimator")
    ordered.check_data(dataset, [CLEAN])
    show_doubts([*doubts, *dataset.warnings, *ordered.warnings])
    metric = make_metric(dataset.metric, dataset.skeleton)
    figures = measure(dataset, ordered, frames_per_call, metric)
    show_doubts(metric.warnings)
    return figures


def measure(
    dataset: Dataset, estimator: Estimator, frames_per_call: int = 16, metric: Metric | None = None
) -> dict[str, float]:
    """Return the figures (0..1) of `estimator` on the clean images of `dataset`, both checked; see `evaluate`.

    `metric` is a fresh one, by default the dataset's.
    """
    truths = (dataset.truth(index) for index in range(len(dataset)))
    metric = metric or make_metric(dataset.metric, dataset.skeleton)
    check_clean_images(metric)
    return score(predict_all(dataset, estimator, frames_per_call), truths, metric)


def predict_all(dataset: Dataset, estimator: Estimator, frames_per_call: int = 16) -> Iterator[Poses]:
    """Yield the estimator's poses for every image of `dataset`, in order, whole groups of them at a time."""
    frames_per_call = -(-frames_per_call // estimator.images_per_group) * estimator.images_per_group
    for start in range(0, len(dataset), frames_per_call):
        indices = range(start, min(start + frames_per_call, len(dataset)))
        yield from predict(get_frames(dataset, indices), estimator, len(dataset.category_ids))


def get_frames(dataset: Dataset, indices: Iterable[int], cells: Iterable[Cell] = ()) -> list[Frame]:
    """Return the clean frames of some images; they say whether the dataset's metric wants one pose per box.

    They say where people are if a corruption of `cells`, in which they will be, is told of it.
    """
    metric = make_metric(dataset.metric, dataset.skeleton)
    frames = frames_to_corrupt(dataset, indices, cells)
    return [replace(frame, one_pose_per_box=True) for frame in frames] if metric.one_pose_per_box else frames


def predict(frames: Sequence[Frame], estimator: Estimator, n_categories: int | None = None) -> list[Poses]:
    """Return the estimator's poses for `frames`, checked: one Poses per frame, in order, with the skeleton's joints.

    Poses that answer people of the frames' boxes are of these people's categories. `n_categories` is how many the
    dataset has, None where nobody asks.

    UserError where it needs boxes that the frames do not bring, or gives something else than such poses.
    """
    if estimator.needs_boxes and any(frame.boxes is None for frame in frames):
        raise UserError("this estimator needs person boxes, but the dataset gives none: pass --boxes")
    found = estimator.predict([copy_frame(frame) for frame in frames] if is_of_others(estimator) else frames)
    if not isinstance(found, Sequence) or not all(isinstance(poses, Poses) for poses in found):
        raise UserError(f"predict() must return a list of Poses, one per frame, got {type(found).__name__}")
    if [poses.image_id for poses in found] != [frame.image_id for frame in frames]:
        raise UserError(
            f"predict() must return one Poses per frame, in order: expected images {[f.image_id for f in frames]}, "
            f"got {[poses.image_id for poses in found]}"
        )
    for frame, poses in zip(frames, found, strict=True):
        if poses.xy.shape[1] != estimator.skeleton.n_joints:
            raise UserError(
                f"Poses.xy must be (N, {estimator.skeleton.n_joints}, 2) for skeleton '{estimator.skeleton.name}', "
                f"got {poses.xy.shape}"
            )
        if poses.truth_rows is not None and (frame.truth_rows is not None or estimator.needs_images):
            known = [] if frame.truth_rows is None else frame.truth_rows.tolist()
            if not set(poses.truth_rows.tolist()) <= set(known):
                raise UserError(
                    f"Poses.truth_rows of image {frame.image_id} must be copied from the rows of its boxes, "
                    f"{known or None}, got {poses.truth_rows.tolist()}"
                )
        if n_categories is not None:
            check_categories(poses, n_categories)
    return [_copy_categories(poses, frame) for frame, poses in zip(frames, found, strict=True)]


def _copy_categories(poses: Poses, frame: Frame) -> Poses:
    """Return poses that answer people of the frame's boxes with the categories of these, unless they say theirs."""
    if poses.categories is not None or poses.truth_rows is None:
        return poses
    if frame.truth_rows is None or frame.box_categories is None:
        return poses
    category_of = dict(zip(frame.truth_rows.tolist(), frame.box_categories.tolist(), strict=True))
    return replace(poses, categories=np.array([category_of[row] for row in poses.truth_rows.tolist()], int))


def check_clean_images(metric: Metric) -> None:
    """Raise UserError for a metric that clean images alone have no score by."""
    if metric.against_clean:
        raise UserError(
            f"{metric.primary} compares poses under corruption with those on clean images, where it is 1 by "
            "definition: bench measures it (here, name annotations, or another metric)"
        )


def score(all_poses: Iterable[Poses], truths: Iterable[Truth], metric: Metric) -> dict[str, float]:
    """Return the figures (0..1) of poses against truth, image by image in the same order, by a fresh metric."""
    for poses, truth in zip(all_poses, truths, strict=True):
        if truth.clean_poses is None:
            check_clean_images(metric)
        # Poses and truth are scored again, in other cells too: nobody changes them.
        metric.update(*(deepcopy((poses, truth)) if is_of_others(metric) else (poses, truth)))
    found = metric.compute()
    figures = {name: value.item() if isinstance(value, np.generic) else value for name, value in found.items()}
    value = figures.get(metric.primary)
    if isinstance(value, int | float) and not (0 <= value <= 1 + ROUNDING or value == -1 or math.isnan(value)):
        raise UserError(
            f"compute() of {type(metric).__name__} must give '{metric.primary}' in 0..1, or -1 where there is nobody, "
            f"got {value:g}: is it in percent?"
        )
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(
            f"compute() of {type(metric).__name__} must give a finite number for '{metric.primary}', also where nobody "
            f"is found, got {value}"
        )
    for name, value in figures.items():
        if not isinstance(name, str) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UserError(
                f"compute() of {type(metric).__name__} must give finite numbers by their names, got {name!r}: {value!r}"
            )
    return figures
