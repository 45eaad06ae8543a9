"""Forms of detectors: what the outputs of a file are, told by their shapes in one call, and how each is read.

nanodet      scores of classes and logits of distances, of each of several maps apart: (1, cells, C) and (1, cells, 4·n)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from robustpose.decoding.boxes.nanodet import place_cells, read_maps
from robustpose.decoding.boxes.rows import Rows
from robustpose.errors import UserError
from robustpose.estimators.network_file import NetworkFile, Outputs, list_shapes
from robustpose.estimators.running.batches import Array
from robustpose.estimators.values import Values
from robustpose.pose.letterbox import Place, Rounding

FormName = Literal["nanodet"]
STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))


@dataclass(frozen=True)
class BoxForm:
    """What a file's outputs are."""

    name: FormName
    outputs: tuple[str, ...]  # names of those that are taken, in the order in which the form has them
    n_classes: int
    strides: tuple[int, ...] = ()  # of the maps that rows are read off


@dataclass(frozen=True)
class FormKind:
    """How models of a form are trained and evaluated; what options say takes the place of its fields."""

    shapes: str  # for messages: N rows, C classes
    find: Callable[[Outputs, tuple[int, int]], list[BoxForm]]
    read: Callable[[Sequence[Array], BoxForm, tuple[int, int]], Rows]
    values: Values
    letterbox: Place
    fill: int  # grey level around the image
    rounding: Rounding
    iou: float | None  # None where the file has dropped what overlaps


def _find_nanodet(outputs: Outputs, input_wh: tuple[int, int]) -> list[BoxForm]:
    """Return the way to read outputs as NanoDet's maps: two of each, in the order of strides."""
    shapes = {name: np.shape(array) for name, array in outputs.items()}
    for strides in STRIDES:
        pairs = []
        for stride in strides:
            n_cells = math.prod(-(-side // stride) for side in input_wh)
            of_map = [name for name, shape in shapes.items() if len(shape) == 3 and shape[:2] == (1, n_cells)]
            if len(of_map) == 2:
                pairs.append(of_map)
        if len(pairs) < len(strides) or len(pairs) * 2 != len(outputs):
            continue
        # Scores come first, or after distances, in all maps alike.
        ways = [(0, 1), (1, 0)]
        ways = [(s, d) for s, d in ways if len({(shapes[pair[s]][2], shapes[pair[d]][2]) for pair in pairs}) == 1]
        ways = [(s, d) for s, d in ways if shapes[pairs[0][d]][2] % 4 == 0 and _are_shares(outputs, pairs, s)]
        return [
            BoxForm("nanodet", (*(p[s] for p in pairs), *(p[d] for p in pairs)), shapes[pairs[0][s]][2], strides)
            for s, d in ways
        ]
    return []


def _are_shares(outputs: Outputs, pairs: Sequence[Sequence[str]], place: int) -> bool:
    found = [np.asarray(outputs[pair[place]]) for pair in pairs]
    return all(bool(array.min() >= 0 and array.max() <= 1) for array in found)


def _read_nanodet(outputs: Sequence[Array], form: BoxForm, input_wh: tuple[int, int]) -> Rows:
    n = len(form.strides)
    places = [place_cells(input_wh, stride) for stride in form.strides]
    return read_maps([scores[0] for scores in outputs[:n]], [logits[0] for logits in outputs[n:]], places)


# NanoDet's configuration (RangiLyu/nanodet, config/legacy_v0.x_configs), in the order of the channels BGR.
NANODET = Values("bgr", 255, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395))
FORMS: dict[FormName, FormKind] = {
    "nanodet": FormKind(
        "(1, cells, C) and (1, cells, 4·n) of each map",
        _find_nanodet,
        _read_nanodet,
        NANODET,
        "corner",
        0,
        "factor",
        0.6,
    )
}


def find_form(file: NetworkFile, said: FormName | None, names: Sequence[str] | None, classes: Sequence[str]) -> BoxForm:
    """Return the form of a file's outputs: the one that is said, or the one that they have; UserError if none."""
    outputs = file.look()
    unknown = [name for name in names or () if name not in outputs]
    if unknown:
        raise UserError(f"{file.path} has no output '{unknown[0]}': it has {list_shapes(outputs)}")
    outputs = {name: outputs[name] for name in names} if names else outputs
    found = [form for kind in FORMS.values() for form in kind.find(outputs, file.input_wh)]
    fitting = [form for form in found if said in (None, form.name)]
    if len(fitting) == 1:
        return fitting[0]
    expected = "; ".join(f"{name} {kind.shapes}" for name, kind in FORMS.items() if said in (None, name))
    raise UserError(f"{file.path} gives {list_shapes(outputs)}: expected {expected}")
