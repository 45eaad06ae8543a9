"""Coordinates: crop every person in context, one position per joint, as MoveNet or a regression head gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from robustpose.decoding.coordinates import decode_coordinates, score_all_joints, unmirror_coordinates
from robustpose.errors import UserError
from robustpose.estimators.options import CropOptions, Switch, parse_number
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.top_down import TopDownEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.context_crop import crop_context, place_rectangles
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Image

# Normalised crops (B, 3, h, w) -> points (B, K, 2), (B, K, 3) with confidences, or MoveNet's (B, 1, K, 3); or a list of
# such points and confidences (B, K) or (B, K, 1).
CoordinateNetwork = Callable[[Array], Any]
Points = Literal["xy-01", "yx-01", "xy-px", "yx-px"]
FARTHEST = 10.0  # of 0..1: no joint is that far outside of its crop
NEAREST = 1.2  # px: joints of a person that are all nearer to the first corner, and apart, are fractions
APART = 0.02
TOLERANCE = 0.05  # of confidences, which quantised networks round


def _parse_grey(value: Any) -> int:
    word = str(value).strip()
    if not (word.isascii() and word.isdecimal()) or int(word[:4]) > 255:
        raise ValueError("must be a grey level, 0 to 255")
    return int(word)


class CoordinateOptions(CropOptions):
    """Options of a network that gives coordinates."""

    flip_test: Switch = False
    """Average with what the network finds in the mirrored crop."""
    points: Points | None = None
    """Coordinates as the network gives them: xy-01, yx-01, xy-px, yx-px, 01 from edge to edge; MoveNet's are yx-01."""
    margin: Annotated[float, BeforeValidator(parse_number), Field(ge=0.1, le=10)] = 1.1
    """The factor that a box is grown by before it is cropped to coordinates."""
    mask: Annotated[int, BeforeValidator(_parse_grey)] | None = None
    """A grey level, 0 to 255, that paints what is outside the grown box; on corrupted images that is a clean frame."""


class CoordinateEstimator(TopDownEstimator[CoordinateNetwork]):
    """Estimate poses in given boxes with a network that gives coordinates.

    A person's score is the mean of all joints' confidences times the box score: coordinates are given for every joint,
    also for those that are not there. Every box keeps its pose, as where MoveNet is evaluated. Where a network gives no
    confidences, each is 1.
    """

    drops_duplicates = False
    takes_edges = True

    def __init__(
        self, network: CoordinateNetwork, input_spec: InputSpec, skeleton: Skeleton, options: CoordinateOptions
    ) -> None:
        super().__init__(network, input_spec, skeleton, options)
        self._margin, self._mask = options.margin, options.mask
        if options.points is None:
            raise UserError(
                f"model '{input_spec.name}' gives coordinates, and does not say which: points=xy-01 if they are in "
                "0..1 of the input, or points=xy-px if they are its px; yx-01 or yx-px if y comes first (--model-set)"
            )
        self._y_first, self._in_px = options.points.startswith("yx"), options.points.endswith("px")

    def _score(self, confidence: Floats, box_scores: Floats) -> Floats:
        return score_all_joints(confidence, box_scores)

    def _crop(self, images: Sequence[Image], boxes: Floats) -> Sequence[Image]:
        input_wh = self.input_spec.input_wh
        rectangles = place_rectangles(boxes, input_wh, self._margin)
        return [crop_context(image, rectangles, row, input_wh, self._mask) for row, image in enumerate(images)]

    def _find_joints(self, images: Sequence[Image], boxes: Floats) -> tuple[Floats, Floats]:
        rectangles = place_rectangles(boxes, self.input_spec.input_wh, self._margin)
        n = len(images)
        n_crops = n * (2 if self._flip_test else 1)
        fractions, confidence = self._decode(self._look(self._make_inputs(images, boxes)), n_crops)
        if self._flip_test:
            order = tuple(self.own_skeleton.flip_order)
            fractions = (fractions[:n] + unmirror_coordinates(fractions[n:], order)) / 2
            confidence = (confidence[:n] + confidence[n:][:, list(order)]) / 2
        return rectangles.to_xy(fractions), confidence

    def _decode(self, outputs: Any, n_crops: int) -> tuple[Floats, Floats]:
        """Return positions (N, K, 2) in 0..1 of the crops, and confidences (N, K), checked to be what they must be."""
        points, *others = outputs if isinstance(outputs, list | tuple) else (outputs,)
        n_joints, name = self.own_skeleton.n_joints, self.input_spec.name
        if points.ndim == 4 and points.shape[1] == 1:
            points = points[:, 0]
        if points.ndim != 3 or points.shape[1] != n_joints or points.shape[2] not in (2, 3):
            raise UserError(
                f"model '{name}' must give coordinates (batch, {n_joints}, 2 or 3) for skeleton "
                f"'{self.own_skeleton.name}', got {points.shape}: is this a model of another skeleton?"
            )
        if len(points) != n_crops:
            raise UserError(
                f"model '{name}' must give a row of coordinates for each of {n_crops} crops, got {len(points)}"
            )
        units_wh = self.input_spec.input_wh if self._in_px else (1, 1)
        fractions = decode_coordinates(points, self._y_first, units_wh)
        self._check_units(np.abs(points[:, :, :2]), fractions)
        if others:
            return fractions, self._check_confidence(self._take_confidence(others[0], points.shape[:2]))
        if points.shape[2] == 3:
            return fractions, self._check_confidence(points[:, :, 2])
        return fractions, np.ones(points.shape[:2])

    def _check_units(self, given: Floats, fractions: Floats) -> None:
        # Of each person alone: what is refused must not depend on the batch. A network that sees nothing may well give
        # one corner for all joints.
        name, most = self.input_spec.name, given.max()
        are_fractions = (given.max((1, 2)) < NEAREST) & (np.ptp(given, axis=1).min(1) > APART)
        if not self._in_px and np.abs(fractions).max() > FARTHEST:
            raise UserError(
                f"model '{name}' gives coordinates up to {most:.6g}, which are no fractions of a crop: are they px? "
                "points=xy-px, or points=yx-px if y comes first (--model-set)"
            )
        if self._in_px and are_fractions.any():
            most = given[are_fractions].max()
            raise UserError(
                f"model '{name}' gives coordinates of at most {most:.6g}, which are no px of a crop: are they in 0..1? "
                "points=xy-01, or points=yx-01 if y comes first (--model-set)"
            )

    def _take_confidence(self, given: Floats, shape: tuple[int, ...]) -> Floats:
        if given.shape not in (shape, (*shape, 1)):
            raise UserError(
                f"model '{self.input_spec.name}' must give confidences {shape} for its coordinates, got {given.shape}"
            )
        return given.reshape(shape)

    def _check_confidence(self, confidence: Floats) -> Floats:
        low, high = confidence.min(), confidence.max()
        if low < -TOLERANCE or high > 1 + TOLERANCE:
            raise UserError(
                f"model '{self.input_spec.name}' gives confidences from {low:.6g} to {high:.6g}: expected 0 to 1; "
                "export it with its last sigmoid, or with x and y alone if the third number is no confidence"
            )
        return np.asarray(confidence, np.float64)
