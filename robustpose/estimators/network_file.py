"""Files of networks: what an ONNX or TFLite file takes and gives, and calls of it on crops as all networks see them.

An estimator hands over normalised crops (B, 3, h, w) float32. Whatever a file wants otherwise is done here: channels
last, float16, whole grey levels as uint8 or int32, a fixed number of crops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.estimators.options import MOST_SIDE, write_size
from robustpose.estimators.running.batches import Array, run_in_batches
from robustpose.limits import check_limit

Layout = Literal["nchw", "nhwc"]
Outputs = dict[str, npt.NDArray[Any]]
Call = Callable[[npt.NDArray[Any], Sequence[str]], Sequence[Any]]
# Names of types that an input can have. Whole numbers are grey levels, unless the file says what they stand for.
FLOATS, LEVELS = ("float32", "float16"), ("uint8", "int32")


@dataclass(frozen=True)
class Port:
    """An input or an output as a file declares it."""

    name: str
    shape: tuple[int | str | None, ...]  # sides that are left open are no numbers
    dtype: str  # as NumPy calls it

    def __str__(self) -> str:
        return f"{self.name} {list(self.shape)} {self.dtype}"


@dataclass(frozen=True)
class OpenFile:
    """A file that is loaded, by whichever library runs it.

    Attributes:
        path: the file.
        inputs: what it takes.
        names: of its outputs.
        call: gives the outputs of some names, in their order, for an input array as the file wants it.
        quantise: makes numbers of the file's type out of real ones, where the file says how; else None.
        least_most: the real numbers that these can stand for, from and to, where it says so.
    """

    path: Path
    inputs: Sequence[Port]
    names: Sequence[str]
    call: Call
    quantise: Callable[[Array], npt.NDArray[Any]] | None = None
    least_most: tuple[float, float] | None = None


class NetworkFile:
    """A file as a network of crops or images (B, 3, h, w) float32.

    Attributes:
        path: the file.
        input_wh: width and height of a crop, px.
        layout: whether its channels come first or last.
        batch: crops of one call; None where the file leaves it open.
        dtype: of the input, as NumPy calls it.
        least_most: the numbers that fit into the input, from and to, where the file says so; else None.
        names: of the outputs.
        layout_is_said: whether the file leaves the layout open.
    """

    def __init__(self, opened: OpenFile, input_wh: tuple[int, int] | None = None, layout: Layout | None = None) -> None:
        """Read the input of a file; `input_wh` and `layout` are what the user says where it leaves them open."""
        self.path, self.names, self._opened = opened.path, list(opened.names), opened
        port = _check_input(opened)
        self.dtype, self.least_most = port.dtype, opened.least_most
        self.layout_is_said = not {*port.shape[1:2], *port.shape[3:]} & {3} or port.shape[1] == port.shape[3]
        self.layout = _find_layout(port, opened.path, layout)
        self.batch, self.input_wh = _read_sides(port, opened.path, self.layout, input_wh)

    @property
    def takes_levels(self) -> bool:
        """Return whether it takes whole grey levels 0..255, and nothing else."""
        return self.dtype in LEVELS and self._opened.quantise is None

    def look(self) -> Outputs:
        """Return all outputs, by name, for black crops: what their shapes are."""
        width, height = self.input_wh
        shape = (self.batch or 1, 3, height, width)
        check_limit("MEMORY_MB", np.prod(shape, dtype=float) * 4 / 2**20, f"one call of {self.path} on {shape}", "MB")
        return dict(zip(self.names, self._run(np.zeros(shape, np.float32), self.names), strict=True))

    def settle_batch(self, names: Sequence[str]) -> None:
        """Have crops run one by one where two do not run, or do not give a row each in the outputs of these names.

        Files say that their batch is open, and then reshape to one row, or hold a constant.
        """
        if self.batch is not None:
            return
        width, height = self.input_wh
        try:
            outputs = self._run(np.zeros((2, 3, height, width), np.float32), names)
        except UserError:
            self.batch = 1
        else:
            self.batch = None if all(np.shape(output)[:1] == (2,) for output in outputs) else 1

    def as_network(
        self, names: Sequence[str], n_per_call: int, call: Call | None = None
    ) -> Callable[[Array], list[Array]]:
        """Return a function of crops (B, 3, h, w) that gives the outputs of these names, float32, in this order.

        It runs `n_per_call` crops at a time. Outputs of so many crops need not have one row each. `call` runs the file
        in the place of the library that opened it.
        """

        def run(batch: Array) -> list[Array]:
            return [np.asarray(array, np.float32) for array in self._run(batch, names, call)]

        return lambda crops: run(crops) if len(crops) == n_per_call else run_in_batches(run, crops, n_per_call)

    def native_shape(self, n_crops: int) -> tuple[int, ...]:
        """Return the shape of the input for so many crops, as the file wants it."""
        width, height = self.input_wh
        return (n_crops, 3, height, width) if self.layout == "nchw" else (n_crops, height, width, 3)

    def _prepare(self, crops: Array) -> npt.NDArray[Any]:
        """Return crops (B, 3, h, w) as the file wants them."""
        native = crops if self.layout == "nchw" else np.ascontiguousarray(crops.transpose(0, 2, 3, 1))
        if self._opened.quantise is not None:
            return self._opened.quantise(native)
        return native if self.dtype == "float32" else native.astype(self.dtype)

    def _run(self, crops: Array, names: Sequence[str], call: Call | None = None) -> Sequence[Any]:
        try:
            return (call or self._opened.call)(self._prepare(crops), names)
        except Exception as error:  # libraries have families of exceptions without a common public base
            width, height = self.input_wh
            what = f"a {width}x{height} image" if len(crops) == 1 else f"{len(crops)} images of {width}x{height}"
            raise UserError(f"{self.path} does not run on {what}: {first_line(error)}") from error


def _check_input(opened: OpenFile) -> Port:
    """Return the one input of a file, of four sides and a type that images can be given in."""
    inputs = opened.inputs
    allowed = (*FLOATS, *LEVELS)
    if len(inputs) == 1 and len(inputs[0].shape) == 4 and (inputs[0].dtype in allowed or opened.quantise):
        return inputs[0]
    forms = ", ".join(map(str, inputs)) or "none"
    hint = ""
    if len(inputs) == 1 and len(inputs[0].shape) == 4:
        hint = f": export it with an input of {', '.join(allowed[:-1])} or {allowed[-1]}"
    raise UserError(
        f"{opened.path} must have one input, images (batch, 3, height, width) or (batch, height, width, 3), it has: "
        f"{forms}{hint}"
    )


def _find_layout(port: Port, path: Path, said: Layout | None) -> Layout:
    """Return whether the channels of an input come first or last; said where the file does not tell."""
    places: dict[Layout, Any] = {"nchw": port.shape[1], "nhwc": port.shape[3]}
    fitting = [layout for layout, side in places.items() if side == 3]
    if said is not None:
        if isinstance(places[said], int) and said not in fitting:
            raise UserError(
                f"{path} says that its input is {list(port.shape)}: layout={said} does not fit, leave it out"
            )
        return said
    if len(fitting) == 1:
        return fitting[0]
    if fitting or not all(isinstance(side, int) for side in places.values()):
        raise UserError(
            f"{path} does not say where the channels of its input {list(port.shape)} are: pass --model-set "
            "layout=nchw (first) or layout=nhwc (last)"
        )
    raise UserError(
        f"{path} must have one input, images (batch, 3, height, width) or (batch, height, width, 3), it has: {port}"
    )


def _read_sides(
    port: Port, path: Path, layout: Layout, input_wh: tuple[int, int] | None
) -> tuple[int | None, tuple[int, int]]:
    """Return the batch size, None if it is open, and the width and height of the input."""
    batch = port.shape[0]
    height, width = port.shape[2:] if layout == "nchw" else port.shape[1:3]
    if not (isinstance(height, int) and isinstance(width, int)):
        if input_wh is None:
            raise UserError(
                f"{path} leaves its input size open {list(port.shape)}: pass the one that it was trained on with "
                f"--model-set input=WIDTHxHEIGHT, such as 192x256 of people or 640x640 of whole images"
            )
        for said, given in ((width, input_wh[0]), (height, input_wh[1])):
            if isinstance(said, int) and said != given:
                raise UserError(
                    f"{path} says that its input is {list(port.shape)}: input={write_size(input_wh)} does not fit"
                )
        width, height = input_wh
    elif input_wh not in (None, (width, height)):
        raise UserError(
            f"{path} says that its input is {write_size((width, height))}: leave out input={write_size(input_wh)}"
        )
    if not all(1 <= side <= MOST_SIDE for side in (width, height)):
        raise UserError(f"{path} says that its input is {width}x{height}: sides must be 1 to {MOST_SIDE:,} px")
    return batch if isinstance(batch, int) else None, (width, height)


def list_shapes(found: Mapping[str, Any], most: int = 12) -> str:
    """Return the names and shapes of outputs, the first `most` of them, for messages."""
    shown = [f"{name} {getattr(found[name], 'shape', type(found[name]).__name__)}" for name in list(found)[:most]]
    return ", ".join(shown) + (f", … {len(found)} in all" if len(found) > most else "")


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
