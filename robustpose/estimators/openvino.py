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
        raise UserError(f"OpenVINO cannot convert {type(module).__name__}: {str(error).splitlines()[0]}") from error
    return _compile(model, precision, threads)


def read_onnx(path: Path, n_per_call: int, precision: str, threads: int) -> Callable[[Array], Array]:
    """Return a function of `n_per_call` crops (B, 3, h, w) that gives the heatmaps of an ONNX file.

    Raises:
        UserError: the file cannot be read or has another batch size that cannot be changed.
    """
    import openvino

    try:
        model = openvino.Core().read_model(path)
        _, *shape = (dimension.get_length() for dimension in model.inputs[0].partial_shape)
        model.reshape([n_per_call, *shape])
        return _compile(model, precision, threads)
    except RuntimeError as error:
        raise UserError(
            f"OpenVINO cannot run {path} on batches of {n_per_call}: {str(error).splitlines()[0]}"
        ) from error


def _compile(model: Any, precision: str, threads: int | None) -> Callable[[Array], Array]:
    import openvino

    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def run(batch: Array) -> Array:
        return np.array(request.infer({0: batch})[0], np.float32)

    return run
