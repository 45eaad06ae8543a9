"""Detectors of files: whatever opened it, a network of images in a letterbox that gives boxes in one of the forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from robustpose.decoding.boxes import Rows, choose_boxes
from robustpose.detectors.classes import group_classes, name_classes
from robustpose.detectors.finding import find_form
from robustpose.detectors.forms import FORMS, BoxForm, FormName, Units
from robustpose.detectors.options import DetectorOptions
from robustpose.errors import UserError
from robustpose.estimators.file_options import InputOptions, OutputNames, resolve_values
from robustpose.estimators.network_file import NetworkFile
from robustpose.estimators.one_stage import Grey, Share
from robustpose.estimators.options import write_size
from robustpose.estimators.running.batches import Array, is_raw
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.estimators.values import RAW, check_quantised, choose_quantised
from robustpose.files import name_in_text
from robustpose.models.input_spec import InputSpec
from robustpose.pose.box_poses import BOX, as_poses
from robustpose.pose.letterbox import Letterbox, Place
from robustpose.pose.types import Floats, Frame, Poses
from robustpose.sources import hash_once


class FileDetectorOptions(InputOptions, DetectorOptions):
    """Options of a file of a detector. What is not given is as models of the file's form are evaluated."""

    form: FormName | None = None
    """What the outputs are; by default what they look like."""
    output: OutputNames | None = None
    """Names of the outputs to take, with commas, for files with others beside them."""
    letterbox: Place | None = None
    """Where the resized image lies in the input: center, corner (top left), or stretch (both edges resized)."""
    fill: Grey | None = None
    """Grey level around it, 0 to 255."""
    units: Units | None = None
    """Of positions: px of the input, or 01, shares of its sides."""
    iou: Share | None = None
    """Of two boxes of a class that overlap more, the worse is dropped, 0..1; by default not if the file did it."""


MOST_SHARES = 4.0  # of the input's sides: so far beyond it is no box, but one in px
Network = Callable[[Array], list[Array]]  # an image (1, 3, h, w) -> the outputs of the form


class FileDetector(NetworkEstimator[Network]):
    """Find boxes with a network that sees one image a call, in a letterbox of its input's size."""

    needs_boxes = False

    def __init__(
        self,
        network: Network,
        input_spec: InputSpec,
        form: BoxForm,
        options: FileDetectorOptions,
        groups: Sequence[Sequence[int]],
        n_classes: int | None = None,
    ) -> None:
        super().__init__(network, input_spec, BOX)
        self._form, self._options, self._groups, self._n_classes = form, options, groups, n_classes
        kind = FORMS[form.name]
        self._clips = kind.clips
        self._units = options.units or form.units or kind.units
        self._iou = kind.iou if options.iou is None else options.iou
        fill = kind.fill if options.fill is None else options.fill
        self._letterbox = Letterbox(input_spec.input_wh, options.letterbox or kind.letterbox, fill, kind.rounding)

    @property
    def settings(self) -> Mapping[str, object]:
        """Return what determines the boxes beside the network and its input spec, as results say it."""
        return {
            "form": self._form.name,
            "units": self._units,
            "letterbox": self._letterbox.place,
            "fill": self._letterbox.fill,
            "class_numbers": [list(group) for group in self._groups],
            "min_score": self._options.min_score,
            "iou": self._iou,
            "max_boxes": self._options.max_boxes,
        }

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        image = frame.image
        image_wh = (image.shape[1], image.shape[0])
        x = self._normaliser.normalise_alone(self._letterbox.fit_image(image))
        rows = FORMS[self._form.name].read(self._network(x), self._form, self.input_spec.input_wh)
        options = self._options
        self._check_labels(rows)
        if self._units == "01":
            self._check_shares(rows)
            rows = rows._replace(boxes=rows.boxes * np.array([*self.input_spec.input_wh] * 2, float))
        if self._clips == "input":
            rows = rows._replace(boxes=_clip(rows.boxes, self.input_spec.input_wh))
        most = options.max_boxes
        while True:  # boxes beside the image do not count, but overlapping ones go before it is known which these are
            chosen = choose_boxes(rows, self._groups, options.min_score, self._iou, most)
            boxes = self._map_boxes(chosen.boxes, image_wh)
            kept = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(1))[: options.max_boxes]
            if len(kept) == options.max_boxes or len(boxes) < most:
                break
            most *= 2
        categories = chosen.categories[kept] if len(self._groups) > 1 else None
        return as_poses(frame.image_id, boxes[kept], chosen.scores[kept], categories)

    def _map_boxes(self, boxes: Floats, image_wh: tuple[int, int]) -> Floats:
        """Return boxes (N, 4) px of the input as px of the image, cut off at its edges where the form has it so."""
        corners = self._letterbox.map_xy(boxes.reshape(-1, 2, 2), image_wh, FORMS[self._form.name].one_factor)
        return _clip(corners.reshape(-1, 4), image_wh) if self._clips == "image" else corners.reshape(-1, 4)

    def _check_shares(self, rows: Rows) -> None:
        """Raise UserError where the place of a box is far beyond the input, as px taken for shares of its sides are."""
        best = rows.scores if rows.labels is not None else rows.scores.max(1)
        found = rows.boxes[best >= self._options.min_score]
        if len(found) and np.abs(found).max() > MOST_SHARES:
            raise UserError(
                f"detector {self.input_spec.name} gives positions up to {np.abs(found).max():.4g}, read as shares of "
                f"the input's sides (form={self._form.name}): say units=px, or another form="
            )

    def _check_labels(self, rows: Rows) -> None:
        """Raise UserError where a box is of a class beyond those that the file names."""
        if rows.labels is None or self._n_classes is None:
            return
        strange = rows.labels[(rows.scores >= self._options.min_score) & (rows.labels >= self._n_classes)]
        if len(strange):
            raise UserError(
                f"detector {self.input_spec.name} names {self._n_classes} classes in its metadata, counted from 0, and "
                f"gives a box of class {strange[0]}: export it again with a name for each of its classes"
            )


def _clip(boxes: Floats, size_wh: tuple[int, int]) -> Floats:
    """Return boxes (N, 4) xyxy px cut off at the edges of an image or input."""
    return np.clip(boxes, 0, np.array([*size_wh, *size_wh], float))


def build_detector(
    name: str,
    file: NetworkFile,
    categories: Sequence[str],
    options: FileDetectorOptions,
    run: Callable[[Sequence[str], int], Network],
    names: Sequence[str] = (),
) -> FileDetector:
    """Return the detector of a file, opened by a library that the model `name` stands for.

    `run` gives the network of some outputs and so many images a call; `names` are those that the file has for its
    classes. What the detector says in results leaves out what only that library knows.
    """
    if file.batch not in (None, 1):
        raise UserError(f"{file.path} takes {file.batch} images at a time: export the detector for one, or any number")
    form = find_form(file, options.form, options.output, len(names) or None)
    n_classes = form.n_classes or len(names) or None
    if names and n_classes != len(names):
        raise UserError(
            f"{file.path} names {len(names)} classes in its metadata, but its outputs, read as form={form.name}, have "
            f"{n_classes}: export it again with a name for each of its classes, or say another form="
        )
    detector_names = names or name_classes(form.n_classes or 0)
    groups = group_classes(f"detector {file.path}", detector_names, n_classes, categories, options.classes)
    input_spec = _make_input_spec(name, file, form, options)
    if name == "tflite" and form.name == "yolo-nms":  # Ultralytics divides by the input's sides in these files
        form = replace(form, units="01")
    detector = FileDetector(run(form.outputs, 1), input_spec, form, options, groups, n_classes)

    def describe() -> dict[str, object]:
        return {
            "kind": name,
            "name": name_in_text(file.path),
            "sha256": hash_once(file.path),
            "input": write_size(file.input_wh),
            **({"layout": file.layout} if file.layout_is_said else {}),
            "output": ",".join(form.outputs),
            "channels": input_spec.channels,
            "mean": list(input_spec.mean),
            "std": list(input_spec.std),
            **({"class_names": [[detector_names[i] for i in group] for group in groups]} if detector_names else {}),
            **detector.settings,
        }

    detector.describe = describe
    return detector


def _make_input_spec(name: str, file: NetworkFile, form: BoxForm, options: FileDetectorOptions) -> InputSpec:
    """Return what the file wants of images; UserError if that is not what its numbers can hold."""
    usual = FORMS[form.name].values
    usual = replace(RAW, channels=usual.channels) if file.takes_levels else choose_quantised(usual, file.least_most)
    values = resolve_values(options, usual, name)
    check_quantised(values, file.least_most, f"model '{name}': {file.path}")
    mean, std = values.of_unit_range()
    spec = InputSpec(name_in_text(file.path), file.input_wh, channels=values.channels, mean=mean, std=std)
    if file.takes_levels and not is_raw(spec):
        raise UserError(
            f"model '{name}': {file.path} takes {file.dtype}, which are grey levels as they are: leave out mean, std "
            "and scale"
        )
    return spec
