"""Top-down: everybody's box is cropped and looked at, in batches across people and images; near-duplicates go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.decoding.heatmaps import score_people, suppress_duplicates
from robustpose.estimators.options import CropOptions
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import N, NetworkEstimator
from robustpose.limits import check_limit
from robustpose.models.input_spec import InputSpec
from robustpose.pose.cell import Cell
from robustpose.pose.crop import boxes_to_center_scale
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Image, Poses, no_poses

DEFAULTS = CropOptions()
Person = tuple[Frame, Floats]  # a frame, and a box (4,) in it


class TopDownEstimator(NetworkEstimator[N]):
    """Estimate poses in given boxes. What is found in a crop must not depend on the crops beside it."""

    needs_boxes = True
    drops_duplicates = True  # unless the metric wants a pose for every box
    # Whether boxes end at edges, as in annotation files; HRNet's program takes the last pixel of annotated ones.
    takes_edges = False

    def __init__(self, network: N, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions = DEFAULTS) -> None:
        super().__init__(network, input_spec, skeleton)
        if self.own_skeleton.n_joints > skeleton.n_joints:  # people are scored by the joints that are taken
            self.found_skeleton = skeleton
        if options.flip_test:
            self.own_skeleton.check_sides("flip_test", "flip_test=false (--model-set)")
        width, height = input_spec.input_wh
        n_crops = options.batch_size * (2 if options.flip_test else 1)
        check_limit("MEMORY_MB", n_crops * width * height * 12 / 2**20, f"batch_size={options.batch_size}", "MB")
        self._batch_size, self._flip_test = options.batch_size, options.flip_test

    def check_data(self, dataset: Dataset, cells: Sequence[Cell]) -> None:
        """Raise UserError if the network adapts to groups of images with more people than memory has room for."""
        if not self._adapts:
            return
        counts = [len(_boxes(dataset.frame(index))) for index in range(len(dataset))]
        per_group = [
            counts[start : start + self.images_per_group] for start in range(0, len(counts), self.images_per_group)
        ]
        doubts = self._checked.check_group(max(map(sum, per_group), default=0), self.input_spec.input_wh)
        self.warnings = tuple(dict.fromkeys((*self.warnings, *doubts)))

    def _crop(self, images: Sequence[Image], boxes: Floats) -> Sequence[Image]:
        """Return a crop (h, w, 3) of the input's size for each of N people: an image, and a box (4,) xyxy px."""
        raise NotImplementedError  # needed by those who leave `_make_inputs` as it is

    @abstractmethod
    def _find_joints(self, images: Sequence[Image], boxes: Floats) -> tuple[Floats, Floats]:
        """Return joints (N, K, 2) px of the images, and confidences (N, K), of the people in boxes (N, 4) xyxy px.

        Each of the N people has an image; joints are in the network's order. N is at most the batch size.
        """

    def _score(self, confidence: Floats, box_scores: Floats) -> Floats:
        """Return the scores (N,) of people with confidences (N, K) in boxes with scores (N,)."""
        return score_people(confidence, box_scores)

    def _make_inputs(self, images: Sequence[Image], boxes: Floats) -> Array:
        """Return the network's input (N, 3, h, w) for each of N people."""
        crops = self._crop(images, boxes)
        width, height = self.input_spec.input_wh
        x: Array = np.empty((len(crops), 3, height, width), np.float32)
        for i, crop in enumerate(crops):
            self._normaliser.normalise(crop, x[i])
        return x

    def _look(self, inputs: Array) -> Any:
        """Return what the network gives for inputs (N, 3, h, w), followed by their mirror images if there is a test."""
        if self._flip_test:  # the mirrored ones go through in the same call
            inputs = np.concatenate([inputs, inputs[..., ::-1]])
        return self._network(inputs)

    def _list_people(self, frames: Sequence[Frame]) -> list[Person]:
        """Return everybody in the boxes of frames."""
        boxes_of = [frame.edge_boxes if self.takes_edges else _boxes(frame) for frame in frames]
        return [(frame, box) for frame, boxes in zip(frames, boxes_of, strict=True) for box in boxes]

    def _list_batches(self, frames: Sequence[Frame], size: int) -> list[Callable[[], Array]]:
        people = self._list_people(frames)
        return [partial(self._make_batch, part) for part in _cut(people, size)]

    def _make_batch(self, people: Sequence[Person]) -> Array:
        return self._make_inputs(*_look_at(people))

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        people = self._list_people(frames)
        if not people:
            return [no_poses(frame.image_id, self.found_skeleton.n_joints) for frame in frames]
        found = [self._find_joints(*_look_at(part)) for part in _cut(people, self._batch_size)]
        xy, confidence = map(np.concatenate, zip(*found, strict=True))  # (N, K, 2), (N, K)
        if self.found_skeleton is self.skeleton:
            xy, confidence = xy[:, list(self._order)], confidence[:, list(self._order)]
        _, scales = boxes_to_center_scale(np.stack([box for _, box in people]), self.input_spec.input_wh)
        return self._gather(frames, xy, confidence, scales)

    def _gather(self, frames: Sequence[Frame], xy: Floats, confidence: Floats, scales: Floats) -> list[Poses]:
        all_poses, start = [], 0
        for frame in frames:
            part = slice(start, start + len(_boxes(frame)))
            start = part.stop
            box_scores = np.ones(0) if frame.box_scores is None else frame.box_scores
            scores = self._score(confidence[part], box_scores)
            kept = list(range(len(scores)))
            if self.drops_duplicates and not frame.one_pose_per_box:
                kept = self._suppress(xy[part], scores, scales[part], frame.box_categories)
            rows, categories = (None if of is None else of[kept] for of in (frame.truth_rows, frame.box_categories))
            found = xy[part][kept], confidence[part][kept], scores[kept]
            all_poses.append(Poses(frame.image_id, *found, rows, categories))
        return all_poses

    def _suppress(
        self, xy: Floats, scores: Floats, scales: Floats, categories: npt.NDArray[np.integer] | None
    ) -> list[int]:
        """Return which poses stay: each category by itself, so that it is as if only its boxes were given."""
        sigmas = self.found_skeleton.sigmas
        if categories is None:
            return suppress_duplicates(xy, scores, scales, sigmas)
        groups = [np.flatnonzero(categories == category) for category in np.unique(categories)]
        return [int(i) for of in groups for i in of[suppress_duplicates(xy[of], scores[of], scales[of], sigmas)]]


def _cut(people: Sequence[Person], size: int) -> list[Sequence[Person]]:
    """Return people in parts of a size, the last one with the rest."""
    return [people[start : start + size] for start in range(0, len(people), size)]


def _look_at(people: Sequence[Person]) -> tuple[list[Image], Floats]:
    """Return the image of each of N people, and their boxes (N, 4)."""
    return [frame.image for frame, _ in people], np.stack([box for _, box in people])


def _boxes(frame: Frame) -> Floats:
    return np.zeros((0, 4)) if frame.boxes is None else frame.boxes
