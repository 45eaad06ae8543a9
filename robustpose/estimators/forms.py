"""Forms of networks: what the outputs of a file are, told by their shapes in one call and by their names.

heatmaps     (B, K, h/s, w/s), or with the joints last; floating-point numbers
simcc        (B, K, r·w) and (B, K, r·h)
coordinates  (B, 1, K, 3) as MoveNet gives them, (B, K, 3), or (B, K, 2) alone or with confidences (B, K)
one-stage    rows of people of the whole image: `decoding.one_stage` tells them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from robustpose.decoding.one_stage import NoForm, RowForm, choose_form
from robustpose.errors import UserError, nearest
from robustpose.estimators.file_options import FileOptions, FormName
from robustpose.estimators.network_file import NetworkFile, Outputs, list_shapes
from robustpose.pose.skeletons import Skeleton

MOST_STRIDE = 64
MOST_JOINTS = 150  # that maps are taken for heatmaps of: whole bodies have 133


@dataclass(frozen=True)
class Form:
    """What a file's outputs are.

    Attributes:
        name: of the form.
        outputs: names of the outputs that are taken, in the order in which the form has them.
        kind: of heatmaps "joints last" or empty; of coordinates "movenet" or "regression"; of one-stage its rows.
        stride: px of the input per px of a heatmap.
        split_ratio: SimCC's bins per px of the input.
    """

    name: FormName
    outputs: tuple[str, ...]
    kind: str = ""
    stride: int = 0
    split_ratio: float = 0.0


@dataclass(frozen=True)
class Seen:
    """Outputs of a call on `n_crops` crops of `input_wh` px, to be looked through for `n_joints` joints."""

    outputs: Outputs
    n_crops: int
    input_wh: tuple[int, int]
    n_joints: int
    options: FileOptions

    def floats(self, n_sides: int) -> Outputs:
        """Return the outputs of floating-point numbers that have so many sides, the first of which are the crops."""
        return {name: a for name, a in self.outputs.items() if is_float(a, n_sides) and len(a) == self.n_crops}


def find_form(file: NetworkFile, skeleton: Skeleton, options: FileOptions) -> Form:
    """Return the form of a file: the one that is asked for, or the one that its outputs have; UserError if none."""
    outputs = _choose_outputs(file, options.output)
    seen = Seen(outputs, file.batch or 1, file.input_wh, skeleton.n_joints, options)
    found = {name: find(seen) for name, find in FINDERS.items()}
    fitting = next((name for name in FINDERS if found[name]), None)
    asked = options.form
    if asked is not None and not found[asked]:
        raise UserError(f"{file.path} {_refuse_asked(asked, fitting, seen, skeleton)}")
    if asked is None and fitting is None:
        raise UserError(f"{file.path} {_explain(seen, skeleton)}")
    forms = found[asked or fitting]  # type: ignore[index]  # one of them is a name
    if len(forms) > 1:
        last = forms[-1].outputs
        raise UserError(
            f"{file.path} has {len(forms)} outputs that can be {_name_outputs(forms[0])}: "
            f"{list_shapes({name: outputs[name] for form in forms for name in form.outputs})}; say which with "
            f"--model-set output={','.join(last)}, or another name"
        )
    return forms[0]


def _name_outputs(form: Form) -> str:
    return "the heatmaps" if form.name == "heatmaps" else f"those of form {form.name}"


def _choose_outputs(file: NetworkFile, said: Sequence[str] | None) -> Outputs:
    for name in said or ():
        if name not in file.names:
            raise UserError(
                f"{file.path} has no output '{name}'{nearest(name, file.names)}: it has {', '.join(file.names)}"
            )
    outputs = file.look()
    return outputs if said is None else {name: outputs[name] for name in said}


def _find_heatmaps(seen: Seen) -> list[Form]:
    width, height = seen.input_wh
    forms = []
    for name, array in seen.floats(4).items():
        _, first, second, last = array.shape
        stride = divide((second, last), (height, width)) if first == seen.n_joints else 0
        if stride:
            forms.append(Form("heatmaps", (name,), "", stride))
        elif last == seen.n_joints and divide((first, second), (height, width)):
            forms.append(Form("heatmaps", (name,), "joints last", divide((first, second), (height, width))))
    return forms


def _find_simcc(seen: Seen) -> list[Form]:
    width, height = seen.input_wh
    axes = {name: a.shape[2] for name, a in seen.floats(3).items() if a.shape[1] == seen.n_joints}
    pairs = [(x, y) for x, y in permutations(axes, 2) if axes[x] * height == axes[y] * width and axes[x] >= width]
    if width == height and len(pairs) == 2:  # each order of the same two
        pairs = [
            pair for pair in pairs if (pair == tuple(axes) if seen.options.output else _names_axes(*pair))
        ] or pairs
    return [Form("simcc", pair, split_ratio=axes[pair[0]] / width) for pair in pairs]


def _names_axes(x: str, y: str) -> bool:
    """Return whether two names differ in a letter x of the first where the second has a y."""
    return any(re.fullmatch(x[:i] + "[yY]" + x[i + 1 :], y) for i, letter in enumerate(x) if letter in "xX")


def _find_coordinates(seen: Seen) -> list[Form]:
    n_joints = seen.n_joints
    movenet = [name for name, a in seen.floats(4).items() if a.shape[1:] == (1, n_joints, 3)]
    if movenet:
        return [Form("coordinates", (name,), "movenet") for name in movenet]
    points = {name: a for name, a in seen.floats(3).items() if a.shape[1:] in ((n_joints, 2), (n_joints, 3))}
    scores = [name for name, a in seen.floats(2).items() if a.shape[1] == n_joints]
    scores += [name for name, a in seen.floats(3).items() if a.shape[1:] == (n_joints, 1)]
    forms = []
    for name, array in points.items():
        beside = tuple(scores) if array.shape[2] == 2 and len(scores) == 1 else ()
        forms.append(Form("coordinates", (name, *beside), "regression"))
    return forms


def _find_one_stage(seen: Seen) -> list[Form]:
    try:
        rows = _choose_rows(seen)
    except NoForm:
        return []
    names = list(seen.outputs)
    return [Form("one-stage", tuple(names[place] for place in rows.outputs), rows.kind)]


def _choose_rows(seen: Seen) -> RowForm:
    """Return how the outputs are rows of people; NoForm, whose message is empty where they do not look like it."""
    # As of one image: a file that takes several at once gives as many.
    shapes = [
        (1, *array.shape[1:]) if is_float(array, array.ndim) and len(array) == seen.n_crops else array.shape
        for array in map(np.asarray, seen.outputs.values())
    ]
    options = seen.options
    return choose_form(shapes, seen.input_wh, seen.n_joints, options.rows, options.classes, options.columns)


# In the order in which they are looked for: a file with heatmaps may give what is read off them beside.
FINDERS: dict[FormName, Callable[[Seen], list[Form]]] = {
    "heatmaps": _find_heatmaps,
    "simcc": _find_simcc,
    "one-stage": _find_one_stage,
    "coordinates": _find_coordinates,
}


def _expect(name: FormName, seen: Seen) -> str:
    """Return the outputs that a form has, for messages."""
    (width, height), k = seen.input_wh, seen.n_joints
    return {
        "heatmaps": f"heatmaps (batch, {k}, height/s, width/s) for {height}x{width} input",
        "simcc": f"two outputs (batch, {k}, r·{width}) and (batch, {k}, r·{height})",
        "coordinates": f"coordinates (batch, {k}, 2 or 3) or (batch, 1, {k}, 3)",
        "one-stage": f"people of the whole image, such as (1, {5 + 3 * k}, N)",
    }[name]


def _refuse_asked(asked: FormName, fitting: FormName | None, seen: Seen, skeleton: Skeleton) -> str:
    """Return why the form that is asked for is not taken, and which one fits, without the file's name."""
    said = f"does not fit form={asked}, which is {_expect(asked, seen)}: it gives {list_shapes(seen.outputs)}; "
    if fitting is not None:
        return said + f"that is form={fitting} (--model-set form={fitting}, or leave form out)"
    return said + _hint(seen)


def _explain(seen: Seen, skeleton: Skeleton) -> str:
    """Return why no form fits, without the file's name."""
    rows = _explain_rows(seen)
    if rows:
        return f"gives {list_shapes(seen.outputs)}: {rows}"
    others = _recognise(seen)
    if others is not None:
        what, joints = others
        return (
            f"finds {joints} joints{what}, but skeleton '{skeleton.name}' of the annotations has {seen.n_joints}: use "
            "a model of that skeleton"
        )
    return (
        f"must give {_expect('heatmaps', seen)}, or what another form has (form=simcc, coordinates or one-stage), it "
        f"gives {list_shapes(seen.outputs)}: {_hint(seen)}"
    )


def _recognise(seen: Seen) -> tuple[str, int] | None:
    """Return in which form outputs are of other joints, for messages, and how many; None if they are of none."""
    width, height = seen.input_wh
    maps = [a for a in seen.floats(4).values() if a.shape[1] > 1 and divide(a.shape[2:], (height, width))]
    if len(maps) == 1 and maps[0].shape[1] <= MOST_JOINTS:
        return "", maps[0].shape[1]
    points = [a.shape[-2] for n in (3, 4) for a in seen.floats(n).values() if a.shape[-1] in (2, 3)]
    points = [n_joints for n_joints in points if n_joints > 3]
    if len(points) == 1 and not maps:
        return " (as coordinates)", points[0]
    rows = list(seen.floats(3).values())
    if len(rows) == 2 and rows[0].shape[1] == rows[1].shape[1] and not maps:
        lengths = [a.shape[2] for a in rows]
        if any(x * height == y * width and x >= width for x, y in permutations(lengths, 2)):
            return " (as SimCC)", rows[0].shape[1]
    return None


def _hint(seen: Seen) -> str:
    """Return what the outputs look like that are of no form, and what to do."""
    rows = _explain_rows(seen)
    if rows:
        return rows
    hints = [hint for hint in (_name_kind(array, seen) for array in seen.outputs.values()) if hint]
    return hints[0] if hints else "is this a top-down heatmap network?"


def _explain_rows(seen: Seen) -> str:
    """Return why the outputs are no rows of people, empty where they do not look like it."""
    try:
        _choose_rows(seen)
    except NoForm as error:
        return str(error)
    return ""


def _name_kind(array: Any, seen: Seen) -> str:
    """Return what an output looks like that is of no form, and what to do; empty if nobody knows."""
    if not isinstance(array, np.ndarray) or not array.ndim or len(array) != seen.n_crops:
        return ""
    sides, n_joints, (width, height) = array.shape[1:], seen.n_joints, seen.input_wh
    if array.ndim == 4 and sides[0] == n_joints and divide(sides[1:], (height, width)):
        return f"these are of {array.dtype}, export them in float32"
    if array.ndim == 4 and sides[0] == n_joints and min(sides[1:]) > 1:
        return "the sides do not divide by one stride"
    if array.ndim == 5 and n_joints in sides[:2]:
        return "these are heatmaps of several stages in one, export those of the last stage"
    if array.ndim == 3 and sides[0] == n_joints and sides[1] > 3:
        return "these look like flat heatmaps, or like SimCC's of another input; export heatmaps, or both axes of SimCC"
    if array.ndim == 2 and sides[0] in (2 * n_joints, 3 * n_joints):
        return f"these look like flat coordinates, export them as (batch, {n_joints}, {sides[0] // n_joints})"
    if array.ndim == 2 and sides[0] and sides[0] % n_joints == 0:
        return "these are flat, export the heatmaps before they are flattened; is this a top-down heatmap network?"
    return ""


def is_float(array: Any, n_sides: int) -> bool:
    """Return whether an output is an array of floating-point numbers with so many sides."""
    return isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim == n_sides


def divide(map_hw: tuple[int, ...], input_hw: tuple[int, ...]) -> int:
    """Return the number of px of the input per px of a map; 0 if its sides do not divide by one."""
    stride = input_hw[1] // map_hw[1] if map_hw[1] else 0
    fits = (map_hw[0] * stride, map_hw[1] * stride) == tuple(input_hw)
    return stride if fits and 1 <= stride <= MOST_STRIDE else 0
