"""Forms of detectors: what the outputs of a file can be, how each is read, and how such models are evaluated.

`finding` tells them by the shapes in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from robustpose.decoding.boxes.detr import read_queries
from robustpose.decoding.boxes.nanodet import place_cells, read_maps
from robustpose.decoding.boxes.rows import Rows
from robustpose.decoding.boxes.yolo import place_rows, read_cells, read_finished
from robustpose.estimators.running.batches import Array
from robustpose.estimators.values import IMAGENET, RAW, SIGNED, UNIT, Values
from robustpose.pose.letterbox import Place, Rounding
from robustpose.pose.types import Floats

FormName = Literal[
    "nanodet", "nanodet-plus", "yolo", "yolo-obj", "yolox", "yolox-px", "yolo-nms", "rtdetr-rows", "detr",
    "deformable-detr", "rtdetr", "mmdet-yolox", "mmdet-rtmdet", "ssd", "rtdetr-px",
]  # fmt: skip
Units = Literal["px", "01"]
GREY = 114  # YOLO's, in all its programs


@dataclass(frozen=True)
class BoxForm:
    """What a file's outputs are."""

    name: FormName
    outputs: tuple[str, ...]  # names of those that are taken, in the order in which the form has them
    n_classes: int | None  # None where outputs do not tell
    strides: tuple[int, ...] = ()  # of the maps that rows are read off
    columns_first: bool = False  # (1, numbers, rows), not (1, rows, numbers)
    units: Units | None = None  # of positions, where their size tells; None for those of the kind


Read = Callable[[Sequence[Array], BoxForm, tuple[int, int]], Rows]


@dataclass(frozen=True)
class FormKind:
    """How models of a form are trained and evaluated; what options say takes the place of its fields."""

    shapes: str  # for messages: N rows, Q queries, C classes
    read: Read  # from the outputs of one image, the form, and width and height of the input
    values: Values
    letterbox: Place
    iou: float | None  # None where nothing overlaps any more
    fill: int = GREY  # grey level around the image
    rounding: Rounding = "factor"
    units: Units = "px"  # of positions: px of the input, or shares of its sides
    one_factor: bool = False  # boxes come back from the letterbox by one factor, not by one of each axis
    clips: Literal["input", "image"] = "image"  # at whose edges boxes are cut off: before overlapping ones go, or after


@lru_cache(maxsize=16)
def place_maps(input_wh: tuple[int, int], strides: tuple[int, ...], offset: float) -> list[Floats]:
    """Return the places of the cells of each map: see `place_cells`."""
    return [place_cells(input_wh, stride, offset) for stride in strides]


def _rows(outputs: Sequence[Array], form: BoxForm) -> Array:
    """Return the rows (N, numbers) of the first output."""
    return outputs[0][0].T if form.columns_first else outputs[0][0]


def _read_nanodet(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    n = len(form.strides)
    places = place_maps(input_wh, form.strides, 0.5)
    return read_maps([scores[0] for scores in outputs[:n]], [logits[0] for logits in outputs[n:]], places)


def _read_nanodet_plus(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    rows = outputs[0][0]
    places = np.concatenate(place_maps(input_wh, form.strides, 0.0))  # from a cell's corner, not from its middle
    return read_maps([rows[:, : form.n_classes]], [rows[:, form.n_classes :]], [places])


def _read_yolo(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    return read_cells(_rows(outputs, form), with_objectness=False)


def _read_yolo_obj(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    return read_cells(_rows(outputs, form), with_objectness=True)


def _read_yolox(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    places = np.concatenate(place_maps(input_wh, form.strides, 0.0))
    return read_cells(place_rows(_rows(outputs, form), places), with_objectness=True)


def _read_yolo_nms(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    return read_finished(outputs[0][0], "the detector")


def _read_detr(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    return read_queries(outputs[0][0], outputs[1][0], with_nothing=True)


def _read_sigmoid_detr(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    return read_queries(outputs[0][0], outputs[1][0], with_nothing=False)


def _read_labelled(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    boxes, labels = outputs[0][0], outputs[1][0]
    return Rows(boxes[:, :4], boxes[:, 4], np.rint(labels).astype(int))


def _read_parts(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    boxes, labels, scores = (output[0] for output in outputs)
    return Rows(boxes, scores, np.rint(labels).astype(int))


def _read_ssd(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    boxes, labels, scores = (output[0] for output in outputs)
    return Rows(boxes[:, [1, 0, 3, 2]], scores, np.rint(labels).astype(int))


# NanoDet's configurations, MMDetection's of RTMDet: in the order of the channels BGR.
IN_BGR = Values("bgr", 255, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395))
YOLOX = Values("bgr", 255, RAW.mean, RAW.std)
# Suppression as models are evaluated: NanoDet 0.6; Ultralytics 0.7, and of YOLOv5 and v7 0.65; YOLOX 0.65.
FORMS: dict[FormName, FormKind] = {
    "nanodet": FormKind(
        "(1, cells, C) and (1, cells, 4·n) of each map", _read_nanodet, IN_BGR, "corner", 0.6, fill=0, clips="input"
    ),
    "nanodet-plus": FormKind("(1, N, C + 32)", _read_nanodet_plus, IN_BGR, "stretch", 0.6, clips="input"),
    "yolo": FormKind("(1, 4 + C, N)", _read_yolo, UNIT, "center", 0.7, one_factor=True),
    "yolo-obj": FormKind("(1, 3·N, 5 + C)", _read_yolo_obj, UNIT, "center", 0.65, one_factor=True),
    "yolox": FormKind(
        "(1, N, 5 + C), as its network gives them", _read_yolox, YOLOX, "corner", 0.65, rounding="cut", one_factor=True
    ),
    "yolox-px": FormKind(
        "(1, N, 5 + C), in px", _read_yolo_obj, YOLOX, "corner", 0.65, rounding="cut", one_factor=True
    ),
    "yolo-nms": FormKind("(1, N, 6)", _read_yolo_nms, UNIT, "center", None, one_factor=True),
    "rtdetr-rows": FormKind("(1, Q, 4 + C)", _read_yolo, UNIT, "stretch", None, units="01"),
    "detr": FormKind("(1, Q, C + 1) and (1, Q, 4)", _read_detr, IMAGENET, "stretch", None, units="01"),
    "deformable-detr": FormKind("(1, Q, C) and (1, Q, 4)", _read_sigmoid_detr, IMAGENET, "stretch", None, units="01"),
    "rtdetr": FormKind("(1, Q, C) and (1, Q, 4)", _read_sigmoid_detr, UNIT, "stretch", None, units="01"),
    "rtdetr-px": FormKind("(1, Q, 4), (1, Q), (1, Q), in px", _read_parts, UNIT, "stretch", None),
    "mmdet-yolox": FormKind("(1, N, 5) and (1, N)", _read_labelled, YOLOX, "corner", None, rounding="cut"),
    "mmdet-rtmdet": FormKind("(1, N, 5) and (1, N)", _read_labelled, IN_BGR, "corner", None, rounding="cut"),
    "ssd": FormKind("(1, N, 4), (1, N), (1, N)", _read_ssd, SIGNED, "stretch", None, units="01"),
}  # fmt: skip
