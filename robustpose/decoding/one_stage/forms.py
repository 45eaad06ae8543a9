"""Forms of rows: how rows of people lie in the outputs of a network, told by the outputs' shapes, or asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from robustpose.decoding.one_stage.kinds import CELLS_TO_ROWS, KINDS, MOVENET_PEOPLE, RAW_KINDS, STRIDES, Kind

Shape = tuple[int, ...]
DETECTOR_COLUMNS = 84  # of a YOLO that finds no joints: a box and the scores of COCO's 80 classes
FEW_CLASSES = 2  # that are thought of where the number of rows tells nothing
MOST_COLUMNS = 100  # numbers of a row of few; with more they look like bins of SimCC
MOST_JOINTS = 500  # of a person, in messages
MOST_NAMED = 4  # forms in a message


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


def choose_form(
    shapes: Sequence[Shape],
    input_wh: tuple[int, int],
    n_joints: int,
    kind: Kind | None = None,
    n_classes: int | None = None,
    columns: Literal["first", "last"] | None = None,
) -> RowForm:
    """Return the form of outputs of these shapes; NoForm if there is none, or more than one.

    Shapes are those of one call on one image; `input_wh` is the network's input, px. What is not said is told: one
    class, and by the number of rows. Several classes have to be said, because their numbers cannot be told from those
    of joints. The message of NoForm is empty where outputs do not look like rows at all.

    >>> choose_form([(1, 56, 8400)], (640, 640), 17).kind
    'yolo'
    """
    found = [form for form in _list_forms(shapes, n_joints) if kind in (None, form.kind)]
    found = [form for form in found if columns is None or form.columns_first == (columns == "first")]
    fitting = []
    if n_classes in (None, 1):
        fitting = [form for form in found if not form.is_raw or form.n_classes == 1]
        fitting = _tell(found, fitting, input_wh) if kind is None else fitting
    if n_classes is not None and len(fitting) != 1:
        fitting = [form for form in found if form.is_raw and form.n_classes == n_classes]
        if found and not fitting:
            likely = [form for form in found if _has_row_per_cell(form, input_wh)] or found
            raise NoForm(f"classes={n_classes} does not fit these rows of people: say {_list_words(likely)}")
    if len(fitting) == 1:
        return fitting[0]
    raise NoForm(_ask(fitting) if fitting else _explain_none(shapes, found, input_wh, n_joints, kind))


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
                found.append(RowForm("yolo-obj", (i,), n_rows, first, rest - 5))
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
    if len(forms) == 1:
        return f"these fit rows of people with {forms[0].n_classes} classes alone: say {_list_words(forms)} if they are"
    return f"these are rows of people that can be read in several ways: say {_list_words(forms)}"


def _list_words(forms: Sequence[RowForm]) -> str:
    forms = sorted(forms, key=lambda form: (form.n_numbers != 3, form.n_classes))[:MOST_NAMED]
    both = len({form.columns_first for form in forms if form.is_raw}) > 1
    words = [form.write_options(both) for form in forms]
    return "--model-set " + ", or ".join(words)


def _explain_none(
    shapes: Sequence[Shape], found: Sequence[RowForm], input_wh: tuple[int, int], n_joints: int, kind: Kind | None
) -> str:
    """Return why no form fits, of those found with any number of classes; empty where nothing looks like rows."""
    likely = [form for form in found if _has_row_per_cell(form, input_wh)]
    if any(_list_sides(form, shapes) == (DETECTOR_COLUMNS, form.n_rows) for form in likely):
        return "these look like a detector's, 80 classes and no joints: name a model of poses"
    likely = likely if kind is None else list(found)
    few = [form for form in found if form.is_raw and form.n_numbers == 3 and form.n_classes <= FEW_CLASSES]
    rows = [shape for shape in shapes if len(shape) == 4 or n_joints not in shape[1:]]  # others have joints in order
    others = {count for shape in rows for count in _count_joints(shape, shapes, input_wh, kind)} - {n_joints}
    if others and (likely or not few):
        joints = " or ".join(map(str, sorted(others)))
        hint = f", or if it has several classes say {_list_words(likely)}" if likely else ""
        return (
            f"these are rows of people with {joints} joints, but the annotations have {n_joints}: use a model of that "
            f"skeleton{hint}"
        )
    if likely or few:
        return _ask(likely or few)
    return "" if kind is None else f"rows={kind} must be {KINDS[kind].form}, of K = {n_joints} joints"


def _list_sides(form: RowForm, shapes: Sequence[Shape]) -> Shape:
    """Return how many numbers a row has, and the number of rows."""
    _, second, third = shapes[form.outputs[0]][:3]
    return (second, third) if form.columns_first else (third, second)


def _count_joints(shape: Shape, shapes: Sequence[Shape], input_wh: tuple[int, int], kind: Kind | None) -> list[int]:
    """Return the numbers of joints that an output fits, as rows with one class."""
    if len(shape) == 4 and shape[0] == 1 and shape[3] == 3 and (1, shape[1], 5) in shapes:
        return [shape[2]]
    if len(shape) != 3 or shape[0] != 1:
        return []
    _, second, third = shape
    pairs = []  # of the numbers in a row, and those that are not of joints
    if kind is not None:
        rest = 5 if kind in ("yolo", "movenet") else 6
        pairs = [(columns, rest) for columns in ((second, third) if kind in RAW_KINDS else (third,))]
    elif second == MOVENET_PEOPLE:
        pairs = [(third, 5)]
    else:
        for columns, n_rows in ((second, third), (third, second)):
            pairs += [
                (columns, 5 if name == "yolo" else 6) for name in RAW_KINDS if n_rows in _count_rows(name, input_wh)
            ]
        if not pairs and len(shapes) == 1 and third < max(second, MOST_COLUMNS, *input_wh):
            pairs = [(third, 6)]
    counts = [(columns - rest) // 3 for columns, rest in pairs if (columns - rest) % 3 == 0]
    return [count for count in counts if 1 <= count <= MOST_JOINTS]
