"""Any callable: f(image, boxes) -> (N, K, 3), or an object or class that is an estimator already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from robustpose import registry
from robustpose.errors import UserError
from robustpose.pose.protocols import Estimator, adopt
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Image, Poses


class Function(Estimator):
    """Estimate poses with a callable, which messages call `name`.

    `find` takes an image (H, W, 3) uint8 RGB and boxes (N, 4) xyxy px, and gives (N, K, 3): x px, y px, confidence.
    A person's score is the mean confidence of the joints times the box score.
    """

    needs_boxes = True

    def __init__(self, find: Callable[[Image, Floats], Floats], skeleton: Skeleton, name: str) -> None:
        self.skeleton = skeleton
        self.provenance = {"kind": "function", "name": name}
        self.__wrapped__ = self._find = find
        self._name = name

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses in the boxes of each frame."""
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        boxes = np.zeros((0, 4)) if frame.boxes is None else frame.boxes
        box_scores = np.zeros(0) if frame.box_scores is None else frame.box_scores
        expected = (len(boxes), self.skeleton.n_joints, 3)
        points = np.asarray(self._find(frame.image, boxes.copy()), np.float64) if len(boxes) else np.zeros(expected)
        if points.shape != expected:
            raise UserError(
                f"'{self._name}' must return {expected} (people, joints, x y confidence) for image {frame.image_id}, "
                f"got {points.shape}"
            )
        confidence = points[:, :, 2]
        scores = confidence.mean(-1) * box_scores
        return Poses(frame.image_id, points[:, :, :2], confidence, scores, frame.truth_rows)


def build(spec: str, skeleton: Skeleton) -> Estimator:
    """Return the estimator behind ``package.module:attr``.

    A callable f(image, boxes) is wrapped; an object with `predict` is taken as it is; a class with `predict` is made
    with the skeleton as its argument.
    """
    found = registry.load(spec, kind="model")
    if hasattr(found, "predict"):
        made = found(skeleton) if isinstance(found, type) else found
        estimator = adopt(made, Estimator, f"estimator '{spec}' has predict() but")
        if estimator.skeleton.n_joints != skeleton.n_joints:
            found_joints, joints = estimator.skeleton.n_joints, skeleton.n_joints
            raise UserError(f"estimator '{spec}' finds {found_joints} joints, but the annotations have {joints}")
        return estimator
    if isinstance(found, type) and hasattr(found, "load_state_dict"):
        raise UserError(f"model '{spec}' is a torch network: name its weights, too, --model {spec}:FILE")
    if callable(found):
        return Function(found, skeleton, spec)
    raise UserError(f"model '{spec}' must be a callable f(image, boxes) or have predict(), got {type(found).__name__}")
