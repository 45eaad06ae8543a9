"""Forms of networks: what the outputs of a file are, told by their shapes in one call and by their names.

heatmaps     (B, K, h/s, w/s), or with the joints last; floating-point numbers
simcc        (B, K, r·w) and (B, K, r·h)
coordinates  (B, 1, K, 3) as MoveNet gives them, (B, K, 3), or (B, K, 2) alone or with confidences (B, K)
one-stage    rows of people of the whole image: `decoding.one_stage` tells them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from robustpose.decoding.one_stage import NoForm, RowForm
from robustpose.errors import UserError, nearest
from robustpose.estimators.file_options import FileOptions, FormName
from robustpose.estimators.form_refusals import ask_outputs, explain_none, is_other, recognise, refuse_form
from robustpose.estimators.joint_order import choose_joints, list_numbers
from robustpose.estimators.network_file import NetworkFile, Outputs
from robustpose.estimators.seen_outputs import Seen, choose_rows, divide
from robustpose.pose.skeletons import Skeleton

ROWS_OF = 17  # joints of one-stage networks as they are published


@dataclass(frozen=True)
class Form:
    """What a file's outputs are.

    Attributes:
        name: of the form.
        outputs: names of the outputs that are taken, in the order in which the form has them.
        kind: of heatmaps "joints last" or empty; of coordinates "movenet" or "regression"; of one-stage its rows.
        stride: px of the input per px of a heatmap.
        split_ratio: SimCC's bins per px of the input.
        is_bare: whether joints come without confidences.
        needless: an option that was given and changes nothing.
        n_joints: how many joints there are.
    """

    name: FormName
    outputs: tuple[str, ...]
    kind: str = ""
    stride: int = 0
    split_ratio: float = 0.0
    is_bare: bool = False
    needless: str = ""
    n_joints: int = 0


def find_form(file: NetworkFile, skeleton: Skeleton, options: FileOptions) -> Form:
    """Return the form of a file: the one that is asked for, or the one that its outputs have; UserError if none.

    It is of as many joints as the annotations have, or else as a published skeleton has.
    """
    outputs, asked = _choose_outputs(file, options.output), options.form
    first, *others = list_numbers(skeleton, options.joints)
    seen = Seen(outputs, file.batch or 1, file.input_wh, file.layout, first, options)
    found = _find_forms(seen)
    for n_joints in others:
        if any(found.values()):
            break
        of_others = replace(seen, n_joints=n_joints)
        found_of_others = _find_forms(of_others)
        if n_joints != ROWS_OF:  # what rows hold besides joints, such as scores of classes, can be any number
            found_of_others["one-stage"] = []
        if any(found_of_others.values()):
            seen, found = of_others, found_of_others
    fitting = next((name for name in FINDERS if found[name]), None)
    if asked is not None and not found[asked] and fitting is not None:
        raise UserError(f"{file.path} {refuse_form(asked, fitting, seen)}")
    chosen = asked or fitting
    if chosen is None or not found[chosen]:
        other = recognise(seen)
        if other is not None and options.joints is not None:
            choose_joints(str(file.path), skeleton, options.joints, other[1])  # says that these are others
        raise UserError(f"{file.path} {explain_none(asked or 'heatmaps', seen, skeleton)}")
    forms = found[chosen]
    if len(forms) > 1:
        raise UserError(f"{file.path} {ask_outputs(chosen, [form.outputs for form in forms], outputs)}")
    _check_names_of_axes(forms[0], file, options)
    return replace(forms[0], n_joints=seen.n_joints)


def _find_forms(seen: Seen) -> dict[FormName, list[Form]]:
    """Return the forms of each name that outputs can have."""
    return {name: find(seen) for name, find in FINDERS.items()}


def _check_names_of_axes(form: Form, file: NetworkFile, options: FileOptions) -> None:
    """Raise UserError if SimCC's axes have the lengths of each other's names: width and height are exchanged."""
    if form.name == "simcc" and not options.output and _names_axes(*reversed(form.outputs)):
        width, height = file.input_wh
        x, y = form.outputs
        raise UserError(
            f"{file.path} gives as many bins for {x} as an input {width} px wide has, and for {y} as one {height} px "
            f"high: did you mean input={height}x{width}, WIDTHxHEIGHT? Or say output={x},{y} if these are x and y"
        )


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
        strides = {
            "": divide((second, last), (height, width)) if first == seen.n_joints else 0,
            "joints last": divide((first, second), (height, width)) if last == seen.n_joints else 0,
        }
        likely = "joints last" if seen.layout == "nhwc" else ""  # where both fit, the joints are where the colours are
        kind = likely if strides[likely] else next((kind for kind in strides if strides[kind]), None)
        if kind is not None:
            forms.append(Form("heatmaps", (name,), kind, strides[kind]))
    return forms


def _find_simcc(seen: Seen) -> list[Form]:
    width, height = seen.input_wh
    axes = {name: a.shape[2] for name, a in seen.floats(3).items() if a.shape[1] == seen.n_joints}
    pairs = [(x, y) for x, y in permutations(axes, 2) if axes[x] * height == axes[y] * width and axes[x] >= width]
    if len(pairs) > 1 and seen.options.output:  # of a square input, each order of the same two
        pairs = [pair for pair in pairs if pair == tuple(axes)] or pairs
    if len(pairs) > 1:  # so they do with a third axis beside, z
        pairs = [pair for pair in pairs if _names_axes(*pair)] or pairs
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
    if not seen.options.output:
        scores = [name for name in scores if not is_other(name)]
    forms = []
    for name, array in points.items():
        beside = scores if array.shape[2] == 2 else []
        is_bare = array.shape[2] == 2 and not beside
        choices: list[tuple[str, ...]] = [(name, score) for score in beside]
        forms += [Form("coordinates", names, "regression", is_bare=is_bare) for names in choices or [(name,)]]
    return forms


def _find_one_stage(seen: Seen) -> list[Form]:
    try:
        rows = choose_rows(seen)
    except NoForm:
        return []
    names = [list(seen.outputs)[place] for place in rows.outputs]
    needless = "columns" if seen.options.columns and _is_told(seen, rows) else ""
    return [Form("one-stage", tuple(names), rows.kind, is_bare=rows.n_numbers == 2, needless=needless)]


def _is_told(seen: Seen, rows: RowForm) -> bool:
    """Return whether rows are told without an option that says where their numbers lie."""
    try:
        return choose_rows(replace(seen, options=seen.options.model_copy(update={"columns": None}))) == rows
    except NoForm:
        return False


# In the order in which they are looked for: a file with heatmaps may give what is read off them beside.
FINDERS: dict[FormName, Callable[[Seen], list[Form]]] = {
    "heatmaps": _find_heatmaps,
    "simcc": _find_simcc,
    "one-stage": _find_one_stage,
    "coordinates": _find_coordinates,
}
