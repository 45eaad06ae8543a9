"""Refusals of outputs that are no rows of people, or can be read in several ways: what they are, and what to say."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.decoding.one_stage.forms import RowForm, Shape, count_rows, has_row_per_cell
from robustpose.decoding.one_stage.kinds import CELLS_TO_ROWS, KINDS, MOVENET_PEOPLE, RAW_KINDS, Kind

FEW_CLASSES = 2  # that are thought of where the number of rows tells nothing
MOST_CLASSES = 20  # that a network of poses is thought to have, unless it is said
MOST_COLUMNS = 100  # numbers of a row of few; with more they look like bins of SimCC
MOST_NAMED = 4  # forms in a message
BODY_JOINTS = 30  # at most, of bodies, hands and animals
WHOLE_JOINTS = (42, 68, 98, 106, 133, 136, 308)  # of two hands, faces and whole bodies
DETECTOR_COLUMNS = (84, 85)  # of YOLOs that find no joints: a box, maybe objectness, and COCO's 80 classes
BOX_COLUMNS = (4, 5, 6)  # a box, a score, a class
MANY = 100  # boxes, not joints
MASK_STRIDE = 4  # px of the input per px of the masks that a segmentation network mixes
NO_POSES = "and no joints: name a model of poses"


def ask(forms: Sequence[RowForm], is_said: bool = False) -> str:
    """Return the question which of several forms it is; `is_said` where what was said fits none."""
    if is_said:
        return f"say {_list_words(forms)}"
    if len({form.outputs for form in forms}) > 1:
        return "several of these can be the rows of people: say which with --model-set output=NAME"
    if len(forms) == 1:
        return f"these fit rows of people with {forms[0].n_classes} classes alone: say {_list_words(forms)} if they are"
    return f"these are rows of people that can be read in several ways: say {_list_words(forms)}"


def list_usual(forms: Sequence[RowForm]) -> list[RowForm]:
    """Return the forms that have no more classes than a network of poses is thought to have."""
    return [form for form in forms if not form.is_raw or form.n_classes <= MOST_CLASSES]


def refuse_classes(told: Sequence[RowForm], forms: Sequence[RowForm], n_classes: int | None) -> str:
    """Return why a number of classes is not taken for rows that have been suppressed."""
    kind = next(form.kind for form in told if not form.is_raw)
    others = sorted({form.kind for form in forms if form.is_raw and form.n_classes == n_classes})
    what, instead = "have no classes", ""
    if kind == "yolo-nms":
        what, instead = "name one class each", " (category= alone says which people are)"
    insist = f", or say {_list_kinds(others)} if nobody has been suppressed" if others else ""
    return f"these fit rows={kind}, which {what}: leave out classes={n_classes}{instead}{insist}"


def refuse_columns(told: Sequence[RowForm], columns: str) -> str:
    """Return why `columns` is not taken for rows that do not lie so, or cannot lie in two ways."""
    form = told[0]
    lie = f"have their numbers {'first' if form.columns_first else 'last'}" if form.is_raw else "lie in one way"
    return f"these fit rows={form.kind}, which {lie}: leave out columns={columns}"


def refuse_kind(kind: Kind, reason: str, fitting: Sequence[RowForm], n_joints: int) -> str:
    """Return why rows are not of the kind that is asked for, and of which they can be."""
    kinds = sorted({form.kind for form in list_usual(fitting)} - {kind})
    if reason and not kinds:
        return reason
    fits = f"; these fit {_list_kinds(kinds)}" if kinds else ""
    return f"rows={kind} must be {KINDS[kind].form}, of K = {n_joints} joints{fits}"


def explain_none(
    shapes: Sequence[Shape], forms: Sequence[RowForm], input_wh: tuple[int, int], n_joints: int, kind: Kind | None
) -> str:
    """Return why no form fits, of those with any number of classes; empty where nothing looks like rows."""
    parts = _find_joints_apart(shapes, n_joints) if kind in (None, "rtmo") else ""
    if parts:
        return parts
    numbers = _find_numbers(shapes, input_wh, n_joints)
    if kind is None and set(numbers) & set(DETECTOR_COLUMNS):
        return _name_detector(numbers)
    likely = [
        form for form in list_usual(forms) if kind or has_row_per_cell(form, input_wh) or _is_anchorless(form, input_wh)
    ]
    if kind:
        likely = likely or [form for form in forms if has_row_per_cell(form, input_wh)]
    few = [form for form in forms if form.is_raw and form.n_numbers == 3 and form.n_classes <= FEW_CLASSES]
    rows = [shape for shape in shapes if len(shape) == 4 or n_joints not in shape[1:]]  # others have joints in order
    others = {count for shape in rows for count in _count_joints(shape, shapes, input_wh, kind)} - {n_joints}
    if others and (likely or not few):
        joints = " or ".join(map(str, sorted(others)))
        hint = f", or if it has several classes say {_list_words(likely)}" if likely else ""
        return (
            f"these are rows of people with {joints} joints, but the annotations have {n_joints}: use a model of that "
            f"skeleton{hint}{' (or is this a detector?)' if numbers else ''}"
        )
    if likely or few:
        return ask(likely or few)
    if kind is not None:
        return ""
    if numbers:
        return _name_detector(numbers)
    boxes = [shape for shape in shapes if len(shape) == 3 and shape[0] == 1 and shape[1] != n_joints]
    is_detector = any(shape[2] in BOX_COLUMNS and (shape[1] >= MANY or not shape[1]) for shape in boxes)
    return f"these look like a detector's, boxes {NO_POSES}" if is_detector else ""


def find_masks(shapes: Sequence[Shape], input_wh: tuple[int, int], n_joints: int) -> str:
    """Return that outputs are those of a segmentation network; empty if they are not.

    It has rows of boxes, scores and coefficients, and maps that these mix to masks.
    """
    width, height = input_wh
    sides = (height // MASK_STRIDE, width // MASK_STRIDE)
    for shape in shapes:
        if len(shape) != 4 or shape[0] != 1 or sides not in (shape[2:], shape[1:3]):
            continue
        n_maps = shape[1] if shape[2:] == sides else shape[3]
        finished = [other[2] for other in shapes if len(other) == 3 and other[2] == 6 + n_maps]
        if finished or any(number > 4 + n_maps for number in _find_numbers(shapes, input_wh, n_joints)):
            return f"these look like a segmentation network's, boxes, classes and {n_maps} maps of masks, {NO_POSES}"
    return ""


def _find_numbers(shapes: Sequence[Shape], input_wh: tuple[int, int], n_joints: int) -> list[int]:
    """Return how many numbers a row has, of the outputs that have a row for each cell of an input, and no joints."""
    counts = {count for n_per_cell in CELLS_TO_ROWS.values() for count in count_rows(n_per_cell, input_wh)}
    found = [shape[1:] for shape in shapes if len(shape) == 3 and shape[0] == 1 and n_joints not in shape[1:]]
    pairs = [(a, b) for a, b in found] + [(b, a) for a, b in found]
    return [number for number, n_rows in pairs if n_rows in counts and number > 4]


def _is_anchorless(form: RowForm, input_wh: tuple[int, int]) -> bool:
    """Return whether rows can be those of a network that has objectness and one row a cell, as YOLOX has."""
    return form.kind == "yolo-obj" and form.n_classes <= FEW_CLASSES and form.n_rows in count_rows(1, input_wh)


def _name_detector(numbers: Sequence[int]) -> str:
    return f"these look like a detector's, {numbers[0]} numbers in a row, a box and scores of classes, {NO_POSES}"


def _find_joints_apart(shapes: Sequence[Shape], n_joints: int) -> str:
    """Return that people are in several outputs, with joints apart from boxes; empty if they are not."""
    for shape in shapes:
        is_joints = len(shape) == 4 and shape[0] == 1 and shape[2] == n_joints and shape[3] in (2, 3)
        if is_joints and any(len(other) == 3 and other[:2] == shape[:2] for other in shapes):
            return (
                f"these are boxes and joints {shape} apart, of which (1, N, 5) with x1 y1 x2 y2 score and (1, N, "
                f"{n_joints}, 3) with x y confidence are read, of suppressed people: export these two"
            )
    return ""


def _list_kinds(kinds: Sequence[str]) -> str:
    return " or ".join(f"rows={kind}" for kind in kinds)


def _list_words(forms: Sequence[RowForm]) -> str:
    forms = sorted(forms, key=lambda form: (form.n_numbers != 3, form.n_classes))
    both = len({form.columns_first for form in forms if form.is_raw}) > 1
    words = dict.fromkeys(form.write_options(both) for form in forms)
    return "--model-set " + ", or ".join(list(words)[:MOST_NAMED])


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
                (columns, 5 if name == "yolo" else 6)
                for name in RAW_KINDS
                if n_rows in count_rows(CELLS_TO_ROWS[name], input_wh)
            ]
        if not pairs and len(shapes) == 1 and third < max(second, MOST_COLUMNS, *input_wh):
            pairs = [(third, 6)]
    counts = [(columns - rest) // 3 for columns, rest in pairs if (columns - rest) % 3 == 0]
    return [count for count in counts if 1 <= count <= BODY_JOINTS or count in WHOLE_JOINTS]
