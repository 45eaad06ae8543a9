"""TFLite: a network as one file, run by LiteRT on the CPU."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.estimators.file_estimators import build_estimator
from robustpose.estimators.file_options import FileOptions, InputOptions
from robustpose.estimators.file_signs import find_flag
from robustpose.estimators.network_file import NetworkFile, OpenFile, Port, first_line
from robustpose.estimators.options import ModelOptions
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.pose.skeletons import Skeleton

LIBRARY = "ai-edge-litert"


class RunOptions(ModelOptions):
    """Options that say what runs a TFLite file."""

    device: Literal["auto", "cpu"] = "auto"
    """auto or cpu, which are the same: files run on the CPU."""


class Options(FileOptions, RunOptions):
    """Options of a TFLite file."""


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> NetworkEstimator[Any]:
    """Return the estimator of a TFLite file: of the form that its outputs have, or that the options say."""
    file = open_tflite(name, target, options)
    estimator = build_estimator(
        name, file, skeleton, options, lambda form, n_per_call: file.as_network(form.outputs, n_per_call)
    )
    describe = estimator.describe
    estimator.describe = lambda: {**describe(), **describe_library()}
    return estimator


def describe_library() -> dict[str, object]:
    """Return what results say of the library that runs files."""
    return {"ai_edge_litert": metadata.version(LIBRARY)}


def open_tflite(name: str, target: str, options: InputOptions) -> NetworkFile:
    """Return the file `target`, which messages call by the `name` of the kind of model, too."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        how = "pip install 'robustpose[tflite]'"
        raise UserError(f"{name}:FILE needs {LIBRARY}, which is not installed: {how}") from error
    path = Path(target)
    if not path.is_file():
        raise UserError(
            f"TFLite file {path} does not exist: name another"
            if target
            else f"name the TFLite file: --model {name}:FILE"
        )
    flag = find_flag(path)
    if flag != "tflite":
        what = f"an ONNX file: --model onnx:{path}" if flag == "onnx" else "no TFLite file"
        raise UserError(f"{path} cannot be loaded as a TFLite network: it is {what}")
    try:
        with _without_printing():
            interpreter = Interpreter(str(path), num_threads=options.threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UserError(f"{path} cannot be loaded as a TFLite network: {first_line(error)}") from error
    return NetworkFile(_read_interpreter(interpreter, path), options.input, options.layout)


def _read_interpreter(interpreter: Any, path: Path) -> OpenFile:
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    ports = [Port(tensor["name"], _read_shape(tensor), np.dtype(tensor["dtype"]).name) for tensor in inputs]
    names = _name_outputs([tensor["name"] for tensor in outputs])
    runner = _Runner(interpreter, dict(zip(names, outputs, strict=True)))
    if not inputs or not inputs[0]["quantization"][0]:
        return OpenFile(path, ports, names, runner.run)
    kind = np.iinfo(inputs[0]["dtype"])
    least, most = (float(_dequantise(np.array(end), inputs[0])) for end in (kind.min, kind.max))
    return OpenFile(path, ports, names, runner.run, lambda x: _quantise(x, inputs[0]), (least, most))


def _read_shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(int(side) if side >= 0 else None for side in tensor["shape_signature"])


def _name_outputs(given: Sequence[str]) -> list[str]:
    """Return names of outputs of which no two are the same: files need not have any."""
    return [name if name and given.count(name) == 1 else f"{name}#{i}" for i, name in enumerate(given)]


class _Runner:
    """Run an interpreter, prepared anew where the shape of its input changes."""

    def __init__(self, interpreter: Any, outputs: dict[str, Any]) -> None:
        self._interpreter, self._outputs = interpreter, outputs
        self._shape: tuple[int, ...] | None = None

    def run(self, x: npt.NDArray[Any], names: Sequence[str]) -> list[npt.NDArray[Any]]:
        """Return the outputs of some names for an input as the file wants it."""
        place = self._interpreter.get_input_details()[0]["index"]
        if x.shape != self._shape:  # what cannot be run is found out, and printed, in the first call
            with _without_printing():
                self._interpreter.resize_tensor_input(place, x.shape)
                self._interpreter.allocate_tensors()
                self._interpreter.set_tensor(place, x)
                self._interpreter.invoke()
            self._shape = x.shape
        else:
            self._interpreter.set_tensor(place, x)
            self._interpreter.invoke()
        outputs = (self._outputs[name] for name in names)
        return [_dequantise(self._interpreter.get_tensor(output["index"]), output) for output in outputs]


def _quantise(x: Array, tensor: Any) -> npt.NDArray[Any]:
    """Return real numbers as those of a tensor's type that stand for them."""
    (step, zero), kind = tensor["quantization"], np.iinfo(tensor["dtype"])
    return np.clip(np.rint(x / np.float32(step)) + zero, kind.min, kind.max).astype(tensor["dtype"])


def _dequantise(array: npt.NDArray[Any], tensor: Any) -> npt.NDArray[Any]:
    """Return what the numbers of a tensor stand for, as float32 where its file says so."""
    step, zero = tensor["quantization"]
    return (array.astype(np.float32) - np.float32(zero)) * np.float32(step) if step else array


@contextmanager
def _without_printing() -> Iterator[None]:
    """Keep what compiled code prints past Python from the terminal; what is wrong is raised, too."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # nobody listens
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
