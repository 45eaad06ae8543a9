"""One-stage: the whole image in one letterbox, rows of people with boxes, scores and joints; no boxes are needed.

YOLO-pose, RTMO and MoveNet MultiPose, as they are trained and as their AP is measured: `decoding.one_stage.KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from robustpose.decoding.one_stage import KINDS, Kind, NoForm, RowForm, Units, choose_form, choose_people, read_people
from robustpose.errors import UserError
from robustpose.estimators.options import Count, ModelOptions, Switch, Whole, parse_numbers, write_size
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.limits import check_limit
from robustpose.models.input_spec import InputSpec
from robustpose.pose.letterbox import Letterbox, Place
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Poses

# A normalised image (1, 3, h, w) -> the file's outputs, rows of people among them.
RowNetwork = Callable[[Array], Sequence[Array] | Array]
SURE = 0.25  # a score of people who are there, in demonstrations of YOLO
NEAR = 1.2  # no person's joints are all this near to the corner of an input, px, and apart
APART = 0.02
FAR = 16.0  # nor as far outside, in sides of the input


def _parse_share(value: Any) -> float:
    numbers = parse_numbers(value)
    if len(numbers) != 1 or not 0 <= numbers[0] <= 1:
        raise ValueError("must be one number in 0..1")
    return numbers[0]


Share = Annotated[float, BeforeValidator(_parse_share)]
Grey = Annotated[Whole, Field(le=255)]
Category = Annotated[Whole, Field(le=10_000)]


class OneStageOptions(ModelOptions):
    """Options of one-stage networks. What is not set is as models of the kind of rows are trained and evaluated."""

    rows: Kind | None = None
    """What rows are: yolo, yolo-obj (with objectness), yolo-nms (suppressed), rtmo or movenet; told by their shapes."""
    classes: Annotated[Count, Field(le=10_000)] | None = None
    """Classes whose scores are in a row of yolo and yolo-obj; 1 is told."""
    category: Category = 0
    """The number of people's class among them, from 0."""
    columns: Literal["first", "last"] | None = None
    """Where a row's numbers lie: first, (1, 56, 8400), or last, (1, 8400, 56); told by their shapes."""
    units: Units | None = None
    """Of positions: px of the input, or 01, shares of its sides."""
    letterbox: Place | None = None
    """Where the resized image lies in the input: center, corner (top left), or stretch (both edges resized)."""
    fill: Grey | None = None
    """Grey level around it, 0 to 255."""
    threshold: Share | None = None
    """The score of a person must be above it, 0..1: by default that of AP evaluation, such as 0.001."""
    iou: Share | None = None
    """Of two boxes that overlap more, the worse is dropped, 0..1; by default not where the file has done so."""
    max_people: Annotated[Count, Field(le=100_000)] = 300
    """People of an image, at most."""
    flip_test: Switch = False
    """There is no mirror test of one-stage networks."""


DEFAULTS = OneStageOptions()


class OneStageEstimator(NetworkEstimator[RowNetwork]):
    """Estimate the poses of everybody in an image with a network that gives rows of people.

    The network sees one image a call, in a letterbox of the input spec's size. A person's score is the row's; joints
    have its confidences, or 1. Joints outside the image stay where they are, but for YOLO's, which its published
    programs move onto the image before they measure AP.
    """

    needs_boxes = False

    def __init__(
        self,
        network: RowNetwork,
        input_spec: InputSpec,
        skeleton: Skeleton,
        options: OneStageOptions = DEFAULTS,
        rows: Kind | None = None,
    ) -> None:
        super().__init__(network, input_spec, skeleton)
        name = rows or options.rows
        if name not in KINDS:
            raise UserError(f"rows of model '{input_spec.name}' must be one of {', '.join(KINDS)}, got {name}")
        if options.flip_test:
            raise UserError("one-stage networks have no mirror test: leave out flip_test=true")
        if options.classes is not None and options.category >= options.classes:
            raise UserError(f"category={options.category} is none of {options.classes} classes, counted from 0")
        if options.category and name in ("rtmo", "movenet"):
            raise UserError(f"rows={name} have no classes: leave out category={options.category}")
        kind = KINDS[name]
        width, height = input_spec.input_wh
        check_limit("MEMORY_MB", width * height * 12 / 2**20, f"an input of {width}x{height} px", "MB")
        self.kind = kind
        self._options = options
        self._units = options.units or kind.units
        self._threshold = kind.threshold if options.threshold is None else options.threshold
        self._iou = kind.iou if options.iou is None else options.iou
        fill = kind.fill if options.fill is None else options.fill
        self._letterbox = Letterbox(input_spec.input_wh, options.letterbox or kind.letterbox, fill, kind.rounding)
        self.describe = lambda: {"kind": "one-stage", "name": input_spec.name, **self.settings}

    @property
    def settings(self) -> Mapping[str, object]:
        """Return what determines the poses beside the network and its input spec, as results say it."""
        options = self._options
        return {
            "rows": self.kind.name,
            **({"classes": options.classes} if options.classes not in (None, 1) else {}),
            **({"category": options.category} if options.category else {}),
            **({"columns": options.columns} if options.columns else {}),
            "units": self._units,
            "letterbox": self._letterbox.place,
            "fill": self._letterbox.fill,
            "threshold": self._threshold,
            "iou": self._iou,
            "max_people": options.max_people,
        }

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        image = frame.image
        image_wh = (image.shape[1], image.shape[0])
        outputs = self._network(self._normaliser.normalise_alone(self._letterbox.fit_image(image)))
        found = [outputs] if isinstance(outputs, np.ndarray) else list(outputs)
        people = read_people(found, self._find_form(found), self._threshold, self._options.category)
        self._check_units(people.joints, people.scores)
        kept = choose_people(people.boxes, people.scores, self._iou, self._options.max_people)
        joints = people.joints[kept]
        factors = np.array(self.input_spec.input_wh if self._units == "01" else (1, 1), float)
        xy = self._letterbox.map_xy(joints[:, :, :2] * factors, image_wh)
        if self.kind.clips:
            xy = np.clip(xy, 0, np.array(image_wh, float))
        return Poses(frame.image_id, xy, joints[:, :, 2], people.scores[kept])

    def _find_form(self, outputs: Sequence[Array]) -> RowForm:
        shapes = [tuple(output.shape) for output in outputs]
        options, n_joints = self._options, self.own_skeleton.n_joints
        try:
            form = choose_form(
                shapes, self.input_spec.input_wh, n_joints, self.kind.name, options.classes, options.columns
            )
        except NoForm as error:
            given = " and ".join(map(str, shapes))
            raise UserError(f"model '{self.input_spec.name}' gives {given}: {error}") from error
        if form.is_raw and options.category >= form.n_classes:
            raise UserError(f"category={options.category} is none of the {form.n_classes} classes, counted from 0")
        return form

    def _check_units(self, joints: Floats, scores: Floats) -> None:
        """Raise UserError if positions are certainly in other units: all poses would be in a corner, or far away."""
        xy = np.abs(joints[scores > SURE, :, :2])
        if not xy.size or min(self.input_spec.input_wh) < FAR:
            return
        is_in_corner = xy.max() <= NEAR and np.ptp(xy, axis=1).min() > APART
        other = "01" if self._units == "px" and is_in_corner else None
        other = "px" if self._units == "01" and xy.max(axis=(1, 2)).min() > FAR else other
        if other:
            what = "px" if other == "px" else "shares of its sides"
            raise UserError(
                f"model '{self.input_spec.name}' gives joints at {xy.max():.3g} at most, which are no positions in "
                f"units={self._units} of an input of {write_size(self.input_spec.input_wh)} px: say with --model-set "
                f"units={other} that they are {what}, or with rows= that the rows are not those of {self.kind.name}"
            )
