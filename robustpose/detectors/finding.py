"""Finding the form of a detector's outputs: by their shapes in one call on a black image, and by their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from robustpose.detectors.forms import FORMS, BoxForm, FormName
from robustpose.errors import UserError, nearest
from robustpose.estimators.network_file import NetworkFile, Outputs, list_shapes

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
ANCHORS = 3  # in a cell, of versions with objectness
N_BINS = 8  # of a side's distances in NanoDet-Plus
USUAL = (1, 80)  # numbers of classes: of people alone, and COCO's
OF_PAIR: dict[int, FormName] = {92: "detr", 91: "deformable-detr", 80: "rtdetr"}  # by the numbers of their logits
QUERIES = 50, 1000  # of an image, from and to, where only their number tells
ROOM = 1e-3  # beyond 0..1
SHARES = 2.0  # positions below it are shares of the sides of an input
NO_SCORES = (
    "; the numbers behind a box are no scores in 0..1: is it a network of poses or masks, or one that gives logits?"
)


def find_form(file: NetworkFile, said: FormName | None, taken: Sequence[str] | None, n_names: int | None) -> BoxForm:
    """Return the form of a file's outputs: the one that is said, or the one that they have; UserError if none.

    `taken` are the outputs that the user wants looked at; `n_names` is the number of classes, where the file has it.
    """
    outputs = file.look()
    unknown = next((name for name in taken or () if name not in outputs), None)
    if unknown is not None:
        hint = nearest(unknown, outputs)
        raise UserError(f"{file.path} has no output '{unknown}'{hint}: its outputs are {list_shapes(outputs)}")
    outputs = {name: outputs[name] for name in taken} if taken else outputs
    found = list(_list_forms(outputs, file.input_wh))
    if said is not None:
        forms = [form for form in found if form.name == said]
    else:
        forms = [form for form in _keep_likely(found, outputs, file.input_wh) if _has_shares(form, outputs)]
    forms = _keep_by_classes(forms, n_names)
    if len(forms) == 1:
        return _tell_units(forms[0], outputs)
    gives = f"{file.path} gives {list_shapes(outputs)}"
    if not forms and said is not None:
        raise UserError(f"{gives}: expected of form={said} {FORMS[said].shapes}")
    if not forms:
        hint = NO_SCORES if found and _keep_likely(found, outputs, file.input_wh) else _explain(outputs)
        raise UserError(f"{gives}: expected the outputs of a detector of one of the forms {', '.join(FORMS)}{hint}")
    options = " or ".join(dict.fromkeys(_write(form, forms) for form in forms))
    raise UserError(f"{gives}, which several forms have: say {options}")


def count_cells(input_wh: tuple[int, int], strides: Sequence[int]) -> int:
    """Return the number of cells of the maps of some strides.

    >>> count_cells((640, 640), (8, 16, 32))
    8400
    """
    return sum(math.prod(-(-side // stride) for side in input_wh) for stride in strides)


def _list_forms(outputs: Outputs, input_wh: tuple[int, int]) -> Iterator[BoxForm]:
    """Yield all ways to read outputs, likely or not."""
    shapes = {name: np.shape(array) for name, array in outputs.items()}
    yield from _list_nanodet(shapes, input_wh)
    for name, shape in shapes.items():
        if len(shape) == 3 and shape[0] == 1 and min(shape) > 0:
            yield from _list_rows(name, shape[1], shape[2], input_wh)
        elif len(shape) == 3 and shape[0] == 1 and shape[2] == 6:  # nothing found
            yield BoxForm("yolo-nms", (name,), None)
    yield from _list_parts(outputs)
    for logits, boxes in permutations(shapes, 2):
        if len(shapes[logits]) == 3 and shapes[boxes] == (1, shapes[logits][1], 4):
            n = shapes[logits][2]
            for form, n_classes in (("detr", n - 1), ("deformable-detr", n), ("rtdetr", n)):
                yield BoxForm(form, (logits, boxes), n_classes)  # type: ignore[arg-type]
        is_labelled = len(shapes[logits]) == 3 and shapes[logits][2] == 5 and shapes[boxes] == shapes[logits][:2]
        if is_labelled and np.asarray(outputs[boxes]).dtype.kind in "iu":
            yield BoxForm("mmdet-yolox", (logits, boxes), None)
            yield BoxForm("mmdet-rtmdet", (logits, boxes), None)


def _list_parts(outputs: Outputs) -> Iterator[BoxForm]:
    """Yield the ways to read outputs as boxes, whole numbers of classes, and scores.

    Those of TensorFlow are shares of the input's sides, those of RT-DETR's own programs px.
    """
    arrays = {name: np.asarray(array) for name, array in outputs.items()}
    for boxes, labels, scores in permutations(arrays, 3):
        shape = arrays[boxes].shape
        if len(shape) != 3 or shape[0] != 1 or shape[2] != 4 or min(shape) == 0:
            continue
        if arrays[labels].shape == arrays[scores].shape == shape[:2]:
            is_whole = (arrays[labels] == np.rint(arrays[labels])).all() and arrays[labels].min() >= 0
            if is_whole and arrays[scores].min() >= 0 and arrays[scores].max() <= 1:
                in_px = np.abs(arrays[boxes]).max() > SHARES
                yield BoxForm("rtdetr-px" if in_px else "ssd", (boxes, labels, scores), None)


def _list_nanodet(shapes: dict[str, tuple[int, ...]], input_wh: tuple[int, int]) -> Iterator[BoxForm]:
    """Yield the ways to read outputs as two of each map, in the order of strides: scores, and logits of distances."""
    for strides in STRIDES:
        counts = [count_cells(input_wh, [stride]) for stride in strides]
        of_maps = [[name for name, shape in shapes.items() if shape[:2] == (1, n) and len(shape) == 3] for n in counts]
        if len(set(counts)) < len(counts) or any(len(of_map) != 2 for of_map in of_maps):
            continue
        for scores, logits in ((0, 1), (1, 0)):
            sides = {(shapes[of_map[scores]][2], shapes[of_map[logits]][2]) for of_map in of_maps}
            n_classes, n_logits = next(iter(sides))
            if len(sides) == 1 and n_logits % 4 == 0 and n_logits >= 8:
                outputs = [*(of_map[scores] for of_map in of_maps), *(of_map[logits] for of_map in of_maps)]
                yield BoxForm("nanodet", tuple(outputs), n_classes, strides)


def _list_rows(name: str, second: int, third: int, input_wh: tuple[int, int]) -> Iterator[BoxForm]:
    """Yield the ways to read one output (1, second, third) as rows."""
    for n_numbers, n_rows, first in ((second, third, True), (third, second, False)):
        strides = next(
            (s for s in STRIDES if n_rows in (count_cells(input_wh, s), ANCHORS * count_cells(input_wh, s))), ()
        )
        if n_numbers > 4 and strides:
            yield BoxForm("yolo", (name,), n_numbers - 4, strides, first)
        if n_numbers > 5 and strides:
            yield BoxForm("yolo-obj", (name,), n_numbers - 5, strides, first)
        if n_numbers > 5 and strides and not first:
            yield BoxForm("yolox", (name,), n_numbers - 5, strides)
            yield BoxForm("yolox-px", (name,), n_numbers - 5, strides)
        if n_numbers > 4 * N_BINS and strides and not first:
            yield BoxForm("nanodet-plus", (name,), n_numbers - 4 * N_BINS, strides)
        if n_numbers == 6 and not first:
            yield BoxForm("yolo-nms", (name,), None)
        if n_numbers > 4 and not first:
            yield BoxForm("rtdetr-rows", (name,), n_numbers - 4)


def _keep_likely(forms: Sequence[BoxForm], outputs: Outputs, input_wh: tuple[int, int]) -> list[BoxForm]:
    """Return the forms that numbers of rows, names and other outputs speak for."""
    of_several = [form for form in forms if form.name in ("nanodet", "ssd", "rtdetr-px")]
    if of_several:
        return of_several
    pairs = [form for form in forms if len(form.outputs) == 2]
    named = [form for form in pairs if "logit" in form.outputs[0].lower() and "box" in form.outputs[1].lower()]
    if pairs:
        likely = [f for f in named or pairs if OF_PAIR.get(np.shape(outputs[f.outputs[0]])[2], f.name) == f.name]
        return likely or list(named or pairs)
    of_cells = [form for form in forms if form.strides and _has_row_per_cell(form, outputs, input_wh)]
    if of_cells:
        return of_cells
    finished = [form for form in forms if form.name == "yolo-nms"]
    if finished:
        return finished
    shapes = {name: np.shape(array) for name, array in outputs.items()}
    return [
        form
        for form in forms
        if form.name == "rtdetr-rows" and len(shapes) == 1 and QUERIES[0] <= shapes[form.outputs[0]][1] <= QUERIES[1]
    ]


def _has_row_per_cell(form: BoxForm, outputs: Outputs, input_wh: tuple[int, int]) -> bool:
    """Return whether a form has as many rows as its networks, and px or not as these."""
    rows = np.asarray(outputs[form.outputs[0]])[0]
    rows = rows.T if form.columns_first else rows
    n_cells = count_cells(input_wh, form.strides)
    if form.name == "yolo-obj":
        return len(rows) == ANCHORS * n_cells
    if form.name in ("yolox", "yolox-px"):  # offsets are some cells, positions reach over the whole input
        in_px = np.abs(rows[:, :2]).max() > max(input_wh) / 4
        return len(rows) == n_cells and in_px == (form.name == "yolox-px")
    return len(rows) == n_cells and (form.name != "nanodet-plus" or len(form.strides) == 4)


def _has_shares(form: BoxForm, outputs: Outputs) -> bool:
    """Return whether what a form takes for scores is in 0..1, and for shares of the sides not far from it."""
    rows = np.asarray(outputs[form.outputs[0]])[0]
    rows = rows.T if form.columns_first else rows
    if (len(form.outputs) > 1 and form.name != "nanodet") or form.n_classes is None or not rows.size:
        return True
    first = {"nanodet": 0, "nanodet-plus": 0, "yolo": 4, "rtdetr-rows": 4}.get(form.name, 5)
    scores = rows[:, first : first + form.n_classes] if form.name == "nanodet-plus" else rows[:, first:]
    if first == 5:
        scores = rows[:, 4:]
    if form.name == "rtdetr-rows" and np.abs(rows[:, :4]).max() > SHARES:
        return False
    return bool(scores.min() >= -ROOM and scores.max() <= 1 + ROOM)


def _tell_units(form: BoxForm, outputs: Outputs) -> BoxForm:
    """Return a form with the units that positions of rows over the whole input have by their size."""
    if form.name not in ("yolo", "yolo-obj"):
        return form
    rows = np.asarray(outputs[form.outputs[0]])[0]
    xy = rows[:2] if form.columns_first else rows[:, :2]
    return replace(form, units="px" if np.abs(xy).max() > SHARES else "01")


def _keep_by_classes(forms: list[BoxForm], n_names: int | None) -> list[BoxForm]:
    """Return the forms with the number of classes that a file names, or else a usual one, where some have that."""
    wanted = USUAL if n_names is None else (n_names,)
    fitting = [form for form in forms if form.n_classes in (None, *wanted)]
    return fitting if fitting and len(forms) > 1 else forms


def _write(form: BoxForm, forms: Sequence[BoxForm]) -> str:
    """Return the options that choose a form among others, and what it then is."""
    several = len({other.outputs for other in forms}) > 1
    output = f" output={','.join(form.outputs)}" if several else ""
    values = FORMS[form.name].values
    shown = "" if form.n_classes is None else f"{form.n_classes} classes, "
    ends = "grey levels minus a mean" if any(values.mean) else "grey levels 0..255" if values.scale == 255 else "0..1"
    return f"form={form.name}{output} ({shown}{values.channels}, {ends})"


def _explain(outputs: Outputs) -> str:
    """Return what outputs that no form has may be, for a message."""
    shapes = [np.shape(array) for array in outputs.values()]
    if any(len(shape) == 5 for shape in shapes):
        return "; maps of anchors (1, 3, h, w, 5 + C) are not read: export the network with its decoding"
    if any(len(shape) == 4 and shape[3] in (2, 3) for shape in shapes):
        return "; these look like the joints of a pose network"
    if any(len(shape) == 4 and min(shape[2:]) > 1 for shape in shapes):
        return "; maps are heatmaps or masks, or are still to be decoded: export the network with its decoding"
    if any(shape and shape[0] not in (1,) for shape in shapes):
        return "; export it for one image, with outputs (1, …)"
    return ""
