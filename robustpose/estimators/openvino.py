"""OpenVINO: a network as one compiled graph for the CPU, from a torch module or an ONNX file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from robustpose.errors import UserError
from robustpose.estimators.batches import Array

HINTS = {"float32": "f32", "bf16": "bf16"}


def convert_module(
    module: nn.Module, input_wh: tuple[int, int], n_per_call: int, precision: str, threads: int | None
) -> Callable[[Array], Array]:
    """Return a function of `n_per_call` crops (B, 3, h, w) that gives the module's heatmaps.

    Raises:
        UserError: OpenVINO cannot convert the network.
    """
    import openvino

    example = torch.zeros(n_per_call, 3, input_wh[1], input_wh[0])
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the tracer's
            model = openvino.convert_model(module, example_input=example, input=[example.shape])
    except Exception as error:  # a family of exceptions without a common base
        raise UserError(f"OpenVINO cannot convert {type(module).__name__}: {_reason(error)}") from error
    return _compile(model, precision, threads)


def read_onnx(
    path: Path, input_wh: tuple[int, int], n_per_call: int, precision: str, threads: int
) -> Callable[[Array], Array]:
    """Return a function of `n_per_call` crops (B, 3, h, w) that gives the heatmaps of an ONNX file.

    Batch size and input size are set here: most files leave the batch size open, and some both.

    Raises:
        UserError: the file cannot be read or has another batch size that cannot be changed.
    """
    import openvino

    try:
        model = openvino.Core().read_model(path)
        model.reshape([n_per_call, 3, input_wh[1], input_wh[0]])
        return _compile(model, precision, threads)
    except RuntimeError as error:
        raise UserError(f"OpenVINO cannot run {path} on batches of {n_per_call}: {_reason(error)}") from error


def _compile(model: Any, precision: str, threads: int | None) -> Callable[[Array], Array]:
    import openvino

    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # the workers of a run would all be pinned to the same cores
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def run(batch: Array) -> Array:
        return np.array(request.infer({0: batch})[0], np.float32)

    return run


def _reason(error: Exception) -> str:
    """Return the first line of a message that does not say where in OpenVINO's program it was raised."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith(("Exception from", "Check '"))), type(error).__name__)
