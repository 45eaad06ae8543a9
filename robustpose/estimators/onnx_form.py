"""Forms of ONNX networks: what size of crops one takes, and which of its outputs are the heatmaps.

Outputs are told by their shapes, from one call: heatmaps are (batch, K, h/s, w/s) of floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.errors import UserError, nearest
from robustpose.estimators.options import MOST_SIDE, write_size
from robustpose.limits import check_limit
from robustpose.pose.skeletons import Skeleton

MOST_STRIDE = 64
MOST_NAMED = 12  # outputs in a message


@dataclass(frozen=True)
class Form:
    """What a network takes and gives."""

    input_wh: tuple[int, int]  # px
    stride: int  # px of the input per px of a heatmap
    batch: int | None  # crops of one call; None where the file leaves it open
    output: str  # the name of the heatmaps
    is_chosen: bool  # from several outputs


def read_form(
    session: Any, skeleton: Skeleton, path: Path, input_wh: tuple[int, int] | None = None, output: str | None = None
) -> Form:
    """Return the form of a session of onnxruntime, whose file messages call `path`.

    `input_wh` and `output` are what the user says: the size, where the file leaves it open, and the heatmaps' name.
    """
    batch, (width, height) = _read_input(session, path, input_wh)
    names = [value.name for value in session.get_outputs()]
    if output is not None and output not in names:
        raise UserError(f"{path} has no output '{output}'{nearest(output, names)}: it has {', '.join(names)}")
    shape = (batch or 1, 3, height, width)
    check_limit("MEMORY_MB", np.prod(shape, dtype=float) * 4 / 2**20, f"one call of {path} on {shape}", "MB")
    try:
        arrays = session.run(names, {session.get_inputs()[0].name: np.zeros(shape, np.float32)})
    except Exception as error:  # a family of exceptions without a common public base
        raise UserError(f"{path} does not run on a {width}x{height} image: {first_line(error)}") from error
    found = {name: array for name, array in zip(names, arrays, strict=True) if output in (None, name)}
    strides = {name: _find_stride(array, shape, skeleton.n_joints) for name, array in found.items()}
    fitting = [name for name, stride in strides.items() if stride]
    if len(fitting) > 1:
        raise UserError(
            f"{path} has {len(fitting)} outputs that can be the heatmaps: {_list_shapes(found, fitting)}; say which "
            f"with --model-set output={fitting[-1]}, or another name"
        )
    if not fitting:
        raise UserError(f"{path} {_explain(found, shape, skeleton)}")
    return Form((width, height), strides[fitting[0]], batch, fitting[0], len(names) > 1)


def _read_input(session: Any, path: Path, input_wh: tuple[int, int] | None) -> tuple[int | None, tuple[int, int]]:
    """Return the batch size, None if it is open, and the width and height of the input."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if inputs else []
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(shape) != 4 or shape[1] != 3:
        forms = ", ".join(f"{value.name} {value.shape} {value.type}" for value in inputs) or "none"
        hint = ""
        if len(inputs) == 1 and len(shape) == 4 and shape[1] != 3 and shape[3] == 3:
            hint = ": export it with the channels first"
        elif len(inputs) == 1 and inputs[0].type != "tensor(float)":
            hint = ": export it in float32, without the conversion of pixels"
        raise UserError(f"{path} must have one float32 input (batch, 3, height, width), it has: {forms}{hint}")
    batch, _, height, width = shape
    if not (isinstance(height, int) and isinstance(width, int)):
        if input_wh is None:
            raise UserError(f"{path} leaves its input size open {shape}: pass --model-set input=192x256")
        for said, given in ((width, input_wh[0]), (height, input_wh[1])):
            if isinstance(said, int) and said != given:
                raise UserError(f"{path} says that its input is {shape}: input={write_size(input_wh)} does not fit")
        width, height = input_wh
    elif input_wh not in (None, (width, height)):
        raise UserError(
            f"{path} says that its input is {write_size((width, height))}: leave out input={write_size(input_wh)}"
        )
    if not all(1 <= side <= MOST_SIDE for side in (width, height)):
        raise UserError(f"{path} says that its input is {width}x{height}: sides must be 1 to {MOST_SIDE:,} px")
    return batch if isinstance(batch, int) else None, (width, height)


def _find_stride(array: Any, shape: tuple[int, ...], n_joints: int) -> int:
    """Return the stride of an output that can be heatmaps of an input of a shape (B, 3, h, w); 0 if it cannot."""
    if not _is_image_like(array, shape[0]) or array.shape[1] != n_joints:
        return 0
    return _divide(array.shape[2:], shape[2:])


def _is_image_like(array: Any, n_crops: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim == 4 and len(array) == n_crops


def _divide(map_hw: tuple[int, ...], input_hw: tuple[int, ...]) -> int:
    """Return the number of px of the input per px of a map; 0 if its sides do not divide by one."""
    stride = input_hw[1] // map_hw[1] if map_hw[1] else 0
    fits = (map_hw[0] * stride, map_hw[1] * stride) == tuple(input_hw)
    return stride if fits and 1 <= stride <= MOST_STRIDE else 0


def _explain(found: Mapping[str, Any], shape: tuple[int, ...], skeleton: Skeleton) -> str:
    """Return why none of the outputs is taken, without the file's name."""
    n_crops, _, height, width = shape
    n_joints = skeleton.n_joints
    others = [array.shape[1] for array in found.values() if _is_image_like(array, n_crops) and _is_map(array, shape)]
    if others and n_joints not in others:
        joints = " or ".join(map(str, dict.fromkeys(others)))
        return (
            f"finds {joints} joints, but skeleton '{skeleton.name}' of the annotations has {n_joints}: use a model of "
            "that skeleton"
        )
    hints = [hint for hint in (_name_kind(array, shape, n_joints) for array in found.values()) if hint]
    return (
        f"must give heatmaps (batch, {n_joints}, height/s, width/s) for {height}x{width} input, it gives "
        f"{_list_shapes(found, list(found))}: {hints[0] if hints else 'is this a top-down heatmap network?'}"
    )


def _is_map(array: Any, shape: tuple[int, ...]) -> bool:
    return bool(_divide(array.shape[2:], shape[2:]))


def _name_kind(array: Any, shape: tuple[int, ...], n_joints: int) -> str:
    """Return what an output looks like that is no heatmaps, and what to do; empty if nobody knows."""
    if not isinstance(array, np.ndarray) or not array.ndim or len(array) != shape[0]:
        return ""
    sides = array.shape[1:]
    if array.ndim == 4 and sides[0] == n_joints and _is_map(array, shape):
        return f"these are of {array.dtype}, export them in float32"
    if array.ndim == 4 and sides[2] == n_joints and _divide(sides[:2], shape[2:]):
        return "these have the joints last, export them with the joints first"
    if array.ndim == 4 and sides[0] == n_joints and min(sides[1:]) > 1:
        return "the sides do not divide by one stride"
    if array.ndim == 5 and n_joints in sides[:2]:
        return "these are heatmaps of several stages in one, export those of the last stage"
    if array.ndim == 3 and sides[0] == n_joints and sides[1] in (2, 3):
        return "these are coordinates, not heatmaps, use a callable for them (--model package.module:attr)"
    if array.ndim == 3 and sides[0] == n_joints:
        return (
            "these look like SimCC's, one axis each, or like flat heatmaps; use a callable for them "
            "(--model package.module:attr), or export heatmaps"
        )
    if array.ndim == 2 and sides[0] and sides[0] % n_joints == 0:
        return "these are flat, export the heatmaps before they are flattened; is this a top-down heatmap network?"
    return ""


def _list_shapes(found: Mapping[str, Any], names: list[str]) -> str:
    shown = [f"{name} {getattr(found[name], 'shape', type(found[name]).__name__)}" for name in names[:MOST_NAMED]]
    return ", ".join(shown) + (f", … {len(names)} in all" if len(names) > MOST_NAMED else "")


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
