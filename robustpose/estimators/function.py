"""Any callable: f(image, boxes) -> (N, K, 3), or an object or class that is an estimator already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from robustpose import registry
from robustpose.blame import blaming
from robustpose.errors import UserError
from robustpose.pose.arrays import to_numbers
from robustpose.pose.cell import Cell
from robustpose.pose.joint_names import match_names
from robustpose.pose.protocols import Dataset, Estimator, adopt
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import Floats, Frame, Image, Poses, copy_frame, reorder_joints


class Function(Estimator):
    """Estimate poses with a callable, which messages call `name`.

    `find` takes an image (H, W, 3) uint8 RGB and boxes (N, 4) xyxy px, both its own to change, and gives (N, K, 3): x
    px, y px, confidence; an array, lists or a tensor; for one person also (K, 3). A person's score is the mean
    confidence of the joints times the box score.
    """

    needs_boxes = True

    def __init__(self, find: Callable[[Image, Floats], Any], skeleton: Skeleton, name: str) -> None:
        self.skeleton = skeleton
        self.provenance = {"kind": "function", "name": name}
        self.__wrapped__ = self._find = find
        self.warnings = _doubt_order(skeleton, name)
        self._name = name

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses in the boxes of each frame."""
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        boxes = np.zeros((0, 4)) if frame.boxes is None else frame.boxes
        box_scores = np.zeros(0) if frame.box_scores is None else frame.box_scores
        points = self._find_points(frame, boxes) if len(boxes) else np.zeros((0, self.skeleton.n_joints, 3))
        confidence = points[:, :, 2]
        scores = confidence.mean(-1) * box_scores
        return Poses(frame.image_id, points[:, :, :2], confidence, scores, frame.truth_rows)

    def _find_points(self, frame: Frame, boxes: Floats) -> Floats:
        """Return what the callable finds in boxes (N, 4), checked: (N, K, 3)."""
        image = frame.image.copy()
        with blaming(f"estimator '{self._name}'", "f(image, boxes)"):
            found = self._find(image, boxes.copy())
        expected = (len(boxes), self.skeleton.n_joints, 3)
        what = f"'{self._name}' must return {expected} (people, joints, x y confidence) for image {frame.image_id}"
        points = np.asarray(to_numbers(found, f"{what}: it"), np.float64)
        if len(boxes) == 1 and points.shape == expected[1:]:
            points = points[None]
        if points.shape != expected:
            raise UserError(f"{what}, got {points.shape}")
        if not np.isfinite(points).all():
            person, joint, _ = np.argwhere(~np.isfinite(points))[0].tolist()
            raise UserError(f"{what}, got {points[person, joint].tolist()} for joint {joint} of person {person}")
        return points


class InOrder(Estimator):
    """An estimator of others whose joints are put in the order of a skeleton that names the same ones."""

    def __init__(self, estimator: Estimator, skeleton: Skeleton, order: Sequence[int]) -> None:
        self.skeleton = skeleton
        self.needs_boxes = estimator.needs_boxes
        self.needs_images = estimator.needs_images
        self.warnings = estimator.warnings
        self.__wrapped__ = getattr(estimator, "__wrapped__", estimator)  # whose code results know
        self._estimator = estimator
        self._order = order

    @property
    def provenance(self) -> Mapping[str, object]:
        """Return what results say about the estimator."""
        return self._estimator.provenance

    def check_data(self, dataset: Dataset, cells: Sequence[Cell]) -> None:
        """Have the estimator check the data."""
        self._estimator.check_data(dataset, cells)

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses found in each frame."""
        found = self._estimator.predict([copy_frame(frame) for frame in frames])
        if not isinstance(found, Sequence) or not all(
            isinstance(poses, Poses) and poses.xy.shape[1] == len(self._order) for poses in found
        ):
            return found  # which is refused where estimators are called
        return [reorder_joints(poses, self._order) for poses in found]


def build(spec: str, skeleton: Skeleton) -> Estimator:
    """Return the estimator behind ``package.module:attr``.

    A callable f(image, boxes) is wrapped; an object with `predict` is taken as it is; a class with `predict` is made
    with the skeleton as its argument.
    """
    found = registry.load(spec, kind="model")
    if hasattr(found, "predict"):
        with blaming(f"estimator '{spec}'", "a class of the skeleton"):
            made = found(skeleton) if isinstance(found, type) else found
        return put_in_order(adopt(made, Estimator, f"estimator '{spec}'"), skeleton, f"estimator '{spec}'")
    if isinstance(found, type) and hasattr(found, "load_state_dict"):
        raise UserError(f"model '{spec}' is a torch network: name its weights, too, --model {spec}:FILE")
    if isinstance(found, type) or not callable(found):
        came = f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__
        raise UserError(f"model '{spec}' must be a callable f(image, boxes) or have predict(), got {came}")
    return Function(found, skeleton, spec)


def put_in_order(estimator: Estimator, skeleton: Skeleton, what: str) -> Estimator:
    """Return an estimator that gives the joints of a skeleton in its order; UserError if it finds other joints."""
    own = estimator.skeleton
    if own.joints == skeleton.joints:
        return estimator
    if own.n_joints != skeleton.n_joints:
        raise UserError(f"{what} finds {own.n_joints} joints, but the annotations have {skeleton.n_joints}")
    order = match_names(own.joints, skeleton.joints)
    if order is None:
        raise UserError(
            f"{what} finds the joints {', '.join(own.joints)}, but the annotations have "
            f"{', '.join(skeleton.joints)}: give it the skeleton of the annotations if these are the same"
        )
    return InOrder(estimator, skeleton, order)


def _doubt_order(skeleton: Skeleton, name: str) -> list[str]:
    """Return a warning where a callable could well have a published order of the joints in mind."""
    for published in (COCO, MPII):
        order = match_names(published.joints, skeleton.joints)
        if order not in (None, tuple(range(skeleton.n_joints))):
            return [
                f"the annotations have the joints of {published.name.upper()} in another order: '{name}' has to give "
                f"them as {', '.join(skeleton.joints)}"
            ]
    return []
