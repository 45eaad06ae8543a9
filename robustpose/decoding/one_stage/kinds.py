"""Kinds of rows that one-stage networks give, and how models of each kind are trained and evaluated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from robustpose.pose.letterbox import Place

Kind = Literal["yolo", "yolov7", "yolo-nms", "rtmo", "movenet"]
Units = Literal["px", "01"]
Shape = tuple[int, ...]
GREY = 114  # YOLO's, in all its programs


@dataclass(frozen=True)
class RowKind:
    """Describe a kind of rows; what options say takes the place of its fields."""

    name: Kind
    form: str  # for messages: K joints, N rows, n classes
    channels: Literal["rgb", "bgr"]
    is_raw: bool  # whether the network takes grey levels 0..255, not 0..1
    units: Units  # of positions: px of the input, or shares of its sides
    letterbox: Place
    fill: int  # grey level around the image
    cuts: bool  # sides of the resized image are cut off to whole pixels, not rounded
    threshold: float  # scores of people must be above it
    iou: float | None  # of boxes, above which the worse is dropped; None where the file has done that
    clips: bool  # whether joints are moved onto the image

    @property
    def std(self) -> tuple[float, float, float]:
        """Return what values in 0..1 are divided by."""
        return (1 / 255, 1 / 255, 1 / 255) if self.is_raw else (1.0, 1.0, 1.0)


# Thresholds are those with which AP is measured, far below those of demonstrations. YOLO: Ultralytics' validation
# (conf 0.001, IoU 0.7) and YOLOv7's test program (0.001, 0.65); both move joints onto the image. RTMO: Lu et al.,
# CVPR 2024; its files have suppressed people, and as run by rtmlib they take BGR from the top left corner. MoveNet
# MultiPose keeps all six people above 0.
KINDS: dict[str, RowKind] = {
    kind.name: kind
    for kind in (
        RowKind("yolo", "(1, 4 + n + 3·K, N)", "rgb", False, "px", "center", GREY, False, 0.001, 0.7, True),
        RowKind("yolov7", "(1, N, 5 + n + 3·K)", "rgb", False, "px", "center", GREY, False, 0.001, 0.65, True),
        RowKind("yolo-nms", "(1, N, 6 + 3·K)", "rgb", False, "px", "center", GREY, False, 0.001, None, True),
        RowKind("rtmo", "(1, N, 5) and (1, N, K, 3)", "bgr", True, "px", "corner", GREY, True, 0.0, None, False),
        RowKind("movenet", "(1, 6, 3·K + 5)", "rgb", True, "01", "corner", 0, False, 0.0, None, False),
    )
}
RAW_KINDS = ("yolo", "yolov7")  # everything the network looks at, nothing suppressed
MOVENET_PEOPLE = 6
DETECTOR_COLUMNS = 84  # of a YOLO that finds no joints: a box and the scores of COCO's 80 classes
FEW_CLASSES = 2  # that are thought of where the number of rows tells nothing
MOST_NAMED = 4  # forms in a message
# Strides of the maps that rows are read off, one row a cell; YOLOv7 has three anchors a cell.
STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
CELLS_TO_ROWS = {"yolo": 1, "yolov7": 3}


@dataclass(frozen=True)
class RowForm:
    """How rows lie in the outputs of one network."""

    kind: Kind
    outputs: tuple[int, ...]  # indices: of the rows; of boxes and of joints for RTMO
    n_rows: int
    columns_first: bool = False  # (1, numbers, rows), not (1, rows, numbers)
    n_classes: int = 1
    n_numbers: int = 3  # of a joint: x, y and a confidence, or 2 without

    @property
    def is_raw(self) -> bool:
        """Return whether people are still to be suppressed."""
        return self.kind in RAW_KINDS

    def write_options(self, with_columns: bool) -> str:
        """Return the options that choose this form among others, and what it is."""
        classes = f" classes={self.n_classes}" if self.is_raw else ""
        columns = f" columns={'first' if self.columns_first else 'last'}" if self.is_raw and with_columns else ""
        return f"rows={self.kind}{classes}{columns} ({'x y v' if self.n_numbers == 3 else 'x y'} of each joint)"


class NoForm(ValueError):
    """Outputs are no rows that can be told; the message says why, to go on after a file's name and its shapes."""


def find_rows(shapes: Sequence[Shape], input_wh: tuple[int, int], n_joints: int) -> Kind | None:
    """Return the kind of rows that outputs of these shapes are, or None: see `explain_rows` for why not.

    Shapes are those of one call on one image; `input_wh` is the network's input, px.

    >>> find_rows([(1, 56, 8400)], (640, 640), 17)
    'yolo'
    """
    try:
        return choose_form(shapes, input_wh, n_joints).kind
    except NoForm:
        return None


def explain_rows(shapes: Sequence[Shape], input_wh: tuple[int, int], n_joints: int) -> str:
    """Return why outputs of these shapes are no rows that can be told; empty if they do not look like rows at all."""
    try:
        choose_form(shapes, input_wh, n_joints)
    except NoForm as error:
        return str(error)
    return ""


def choose_form(
    shapes: Sequence[Shape],
    input_wh: tuple[int, int],
    n_joints: int,
    kind: Kind | None = None,
    n_classes: int | None = None,
    columns: Literal["first", "last"] | None = None,
) -> RowForm:
    """Return the form of outputs of these shapes; NoForm if there is none, or more than one.

    What is not said is told: one class, and by the number of rows. Several classes have to be said, because their
    numbers cannot be told from those of joints.
    """
    found = [form for form in _list_forms(shapes, n_joints) if kind in (None, form.kind)]
    if kind is not None and not found:
        raise NoForm(f"rows={kind} must be {KINDS[kind].form} with K = {n_joints} joints as the annotations have")
    found = [form for form in found if columns is None or form.columns_first == (columns == "first")]
    if n_classes is None:
        fitting = [form for form in found if not form.is_raw or form.n_classes == 1]
        fitting = _tell(found, fitting, input_wh) if kind is None else fitting
    else:
        fitting = [form for form in found if form.is_raw and form.n_classes == n_classes]
    if len(fitting) == 1:
        return fitting[0]
    raise NoForm(_ask(fitting) if fitting else _explain_none(shapes, found, input_wh, n_joints))


def _list_forms(shapes: Sequence[Shape], n_joints: int) -> list[RowForm]:
    """Return all ways to read outputs as rows of that many joints."""
    found = []
    for i, shape in enumerate(shapes):
        if len(shape) == 3 and shape[0] == 1:
            found += _list_of_one(i, shape[1], shape[2], n_joints)
        pairs = (j for j, other in enumerate(shapes) if shape == (1, *other[1:2], 5) and len(other) == 4)
        found += [RowForm("rtmo", (i, j), shape[1]) for j in pairs if shapes[j] == (1, shape[1], n_joints, 3)]
    return found


def _list_of_one(i: int, second: int, third: int, n_joints: int) -> list[RowForm]:
    found = []
    for columns, n_rows, first in ((second, third, True), (third, second, False)):
        for n_numbers in (3, 2):
            rest = columns - n_numbers * n_joints
            if rest > 4:
                found.append(RowForm("yolo", (i,), n_rows, first, rest - 4, n_numbers))
            if rest > 5 and n_numbers == 3:
                found.append(RowForm("yolov7", (i,), n_rows, first, rest - 5))
            if rest == 6 and not first:
                found.append(RowForm("yolo-nms", (i,), n_rows, n_numbers=n_numbers))
            if rest == 5 and n_numbers == 3 and not first:
                found.append(RowForm("movenet", (i,), n_rows))
    return found


def _tell(found: Sequence[RowForm], fitting: Sequence[RowForm], input_wh: tuple[int, int]) -> list[RowForm]:
    """Return the forms that are left by what the numbers of rows say, of those with one class."""
    if any(_has_row_per_cell(form, input_wh) for form in found):  # more than a coincidence
        return [form for form in fitting if _has_row_per_cell(form, input_wh)]
    finished = [
        form for form in fitting if not form.is_raw and (form.kind != "movenet" or form.n_rows == MOVENET_PEOPLE)
    ]
    if any(form.kind == "movenet" for form in finished):  # six rows are too few for anything else
        return finished
    return finished + [form for form in fitting if form.kind == "yolo"]


def _has_row_per_cell(form: RowForm, input_wh: tuple[int, int]) -> bool:
    return form.kind in CELLS_TO_ROWS and form.n_rows in _count_rows(form.kind, input_wh)


def _count_rows(kind: str, input_wh: tuple[int, int]) -> list[int]:
    """Return the numbers of rows that a kind has for an input, one for each choice of strides."""
    cells = (sum(math.prod(-(-side // stride) for side in input_wh) for stride in strides) for strides in STRIDES)
    return [CELLS_TO_ROWS[kind] * count for count in cells]


def _ask(forms: Sequence[RowForm]) -> str:
    """Return the question which of several forms it is."""
    if len({form.outputs for form in forms}) > 1:
        return "several of these can be the rows of people: say which with --model-set output=NAME"
    return f"these are rows of people that can be read in several ways: say {_list_words(forms)}"


def _list_words(forms: Sequence[RowForm]) -> str:
    forms = sorted(forms, key=lambda form: (form.n_numbers != 3, form.n_classes))[:MOST_NAMED]
    both = len({form.columns_first for form in forms if form.is_raw}) > 1
    words = [form.write_options(both) for form in forms]
    return "--model-set " + ", or ".join(words)


def _explain_none(shapes: Sequence[Shape], found: Sequence[RowForm], input_wh: tuple[int, int], n_joints: int) -> str:
    """Return why no form fits, of those found with any number of classes; empty where nothing looks like rows."""
    likely = [form for form in found if _has_row_per_cell(form, input_wh)]
    if likely and DETECTOR_COLUMNS in shapes[likely[0].outputs[0]]:
        return "these look like a detector's, 80 classes and no joints: name a model of poses"
    likely = likely or [form for form in found if form.is_raw and form.n_numbers == 3 and form.n_classes <= FEW_CLASSES]
    others = sorted({count for shape in shapes for count in _count_joints(shape, shapes, input_wh)} - {n_joints})
    if not others:
        return _ask(likely) if likely else ""
    hint = f", or if it has several classes say {_list_words(likely)}" if likely else ""
    return (
        f"these are rows of people with {' or '.join(map(str, others))} joints, but the annotations have {n_joints}: "
        f"use a model of that skeleton{hint}"
    )


def _count_joints(shape: Shape, shapes: Sequence[Shape], input_wh: tuple[int, int]) -> list[int]:
    """Return the numbers of joints that an output fits, as rows with one class."""
    if len(shape) == 4 and shape[0] == 1 and shape[3] == 3 and (1, shape[1], 5) in shapes:
        return [shape[2]]
    if len(shape) != 3 or shape[0] != 1:
        return []
    _, second, third = shape
    pairs = []  # of the numbers in a row, and those that are not of joints
    for columns, n_rows in ((second, third), (third, second)):
        pairs += [(columns, 5)] if n_rows in _count_rows("yolo", input_wh) else []
        pairs += [(columns, 6)] if n_rows in _count_rows("yolov7", input_wh) else []
    if second == MOVENET_PEOPLE:
        pairs.append((third, 5))
    elif not pairs and len(shapes) == 1 and third < second:
        pairs.append((third, 6))
    return [(columns - rest) // 3 for columns, rest in pairs if columns > rest and (columns - rest) % 3 == 0]
