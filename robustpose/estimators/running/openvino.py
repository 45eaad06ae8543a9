"""OpenVINO: a network as one compiled graph for the CPU, from a torch module or an ONNX file."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from robustpose.errors import UserError
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.signal_stack import same_signal_stack

HINTS = {"float32": "f32", "bf16": "bf16"}


def require_openvino() -> None:
    """Raise UserError if OpenVINO is not installed."""
    if importlib.util.find_spec("openvino") is None:
        raise UserError("backend openvino needs OpenVINO, which is not installed: pip install 'robustpose[openvino]'")


def convert_module(
    module: nn.Module, shape: Sequence[int], any_size: bool, precision: str, threads: int | None
) -> Callable[[Array], tuple[Array, ...]]:
    """Return a function of images (B, 3, h, w) that gives the module's outputs.

    The module is traced with `shape`, which all images must have unless `any_size`. `threads` are those of one call;
    None leaves them to OpenVINO.
    """
    import openvino

    taken = [-1, 3, -1, -1] if any_size else list(shape)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the tracer's
            model = openvino.convert_model(
                module, example_input=torch.zeros(*shape, dtype=torch.float32), input=[taken]
            )
    except Exception as error:  # a family of exceptions without a common base
        raise UserError(f"OpenVINO cannot convert {type(module).__name__}: {_reason(error)}") from error
    return _compile(model, precision, threads)


def read_onnx(
    path: Path, shape: Sequence[int], outputs: Sequence[str], precision: str, threads: int
) -> Callable[[npt.NDArray[Any]], list[Array]]:
    """Return a function of inputs of one shape, B crops first, that gives some outputs of an ONNX file, by their names.

    The shape is set here: most files leave the batch size open, and some the input size, too.
    """
    import openvino

    try:
        model = openvino.Core().read_model(path)
        model.reshape(list(shape))
        names = [port.get_names() for port in model.outputs]
        run = _compile(model, precision, threads)
    except RuntimeError as error:
        raise UserError(f"OpenVINO cannot run {path} on batches of {shape[0]}: {_reason(error)}") from error
    places = []
    for output in outputs:
        place = next((i for i, of_port in enumerate(names) if output in of_port), None)
        if place is None:
            raise UserError(f"OpenVINO cannot run {path}: it does not find its output '{output}'")
        places.append(place)

    def find(batch: npt.NDArray[Any]) -> list[Array]:
        found = run(batch)
        return [found[place] for place in places]

    return find


def _compile(model: Any, precision: str, threads: int | None) -> Callable[[Array], tuple[Array, ...]]:
    import openvino

    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # the workers of a run would all be pinned to the same cores
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    with same_signal_stack():
        request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def run(batch: npt.NDArray[Any]) -> tuple[Array, ...]:
        found = request.infer({0: batch})
        return tuple(np.array(found[i], np.float32) for i in range(len(found)))

    return run


def _reason(error: Exception) -> str:
    """Return the first line of a message that does not say where in OpenVINO's program it was raised."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith(("Exception from", "Check '"))), type(error).__name__)
