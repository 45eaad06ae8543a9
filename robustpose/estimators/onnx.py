"""ONNX: a top-down heatmap network as one file, run by onnxruntime."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from robustpose.errors import UserError, nearest
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.options import parse_size, require_openvino, write_size
from robustpose.estimators.running.batches import CROPS_PER_CALL, Array, run_in_batches
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from robustpose.pose.skeletons import Skeleton

BACKENDS = {"onnxruntime": ("float32",), "openvino": ("float32", "bf16")}  # and the precisions of each


def build(
    target: str,
    skeleton: Skeleton,
    *,
    batch_size: int = 16,
    flip_test: bool = True,
    channels: str = "rgb",
    mean: str | None = None,
    std: str | None = None,
    input: str | None = None,
    threads: int = 1,
    backend: str = "onnxruntime",
    precision: str = "float32",
) -> HeatmapEstimator:
    """Return the top-down estimator of an ONNX file: (B, 3, h, w) crops in, (B, K, h/s, w/s) heatmaps out.

    Args:
        target: the file.
        skeleton: names of the K joints.
        batch_size: crops handed over at once; never changes a score.
        flip_test: average with the mirrored crop.
        channels: ``rgb`` or ``bgr``.
        mean: three numbers with commas, for values in 0..1; ImageNet's if not given.
        std: likewise.
        input: WIDTHxHEIGHT px, for files that leave it open.
        threads: of one call.
        backend: ``onnxruntime``, or ``openvino``, which is faster on a CPU.
        precision: ``float32``, or with `openvino` ``bf16``.

    Raises:
        UserError: no onnxruntime, no such file, or a network of another form.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            "onnx:FILE needs onnxruntime, which is not installed: pip install 'robustpose[onnx]'"
        ) from error
    path = Path(target)
    if not path.is_file():
        raise UserError(f"ONNX file {path} does not exist" if target else "name the ONNX file: --model onnx:FILE")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime has a family of exceptions without a common public base
        raise UserError(f"{path} cannot be loaded as an ONNX network: {_first_line(error)}") from error
    if channels not in ("rgb", "bgr"):
        raise UserError(f"channels must be rgb or bgr, got '{channels}'")
    input_wh, stride, fixed_batch = _read_form(session, skeleton, path, input)
    input_spec = InputSpec(
        name=path.name,
        input_wh=input_wh,
        channels=cast(Literal["rgb", "bgr"], channels),
        mean=IMAGENET_MEAN if mean is None else _three_numbers("mean", mean),
        std=IMAGENET_STD if std is None else _three_numbers("std", std),
        stride=stride,
    )
    check_backend(backend, precision)
    n_per_call = fixed_batch or CROPS_PER_CALL
    run = _session_runner(session)
    if backend == "openvino":
        from robustpose.estimators.running.openvino import read_onnx

        n_per_call = CROPS_PER_CALL
        run = read_onnx(path, input_wh, n_per_call, precision, threads)
    network = partial(run_in_batches, run, n_per_call=n_per_call)
    estimator = HeatmapEstimator(network, input_spec, skeleton, batch_size=batch_size, flip_test=flip_test)
    estimator.provenance = {
        "kind": "onnx",
        "name": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": write_size(input_wh),
        "channels": channels,
        "mean": list(input_spec.mean),
        "std": list(input_spec.std),
        "flip_test": flip_test,
        "backend": backend,
        "precision": precision,
        "onnxruntime": onnxruntime.__version__,
    }
    return estimator


def check_backend(backend: str, precision: str) -> None:
    """Raise UserError for a backend or a precision that there is not for ONNX files."""
    if backend not in BACKENDS:
        raise UserError(f"backend must be {' or '.join(BACKENDS)}, got '{backend}'{nearest(backend, BACKENDS)}")
    if precision not in BACKENDS[backend]:
        others = " or ".join(BACKENDS[backend])
        raise UserError(f"precision of backend {backend} must be {others}, got '{precision}'")
    if backend == "openvino":
        require_openvino()


def _session_runner(session: Any) -> Callable[[Array], Array]:
    names = [session.get_outputs()[0].name]
    input_name = session.get_inputs()[0].name
    return lambda batch: session.run(names, {input_name: batch})[0]


def _read_form(
    session: Any, skeleton: Skeleton, path: Path, input_size: str | None
) -> tuple[tuple[int, int], int, int | None]:
    """Return (width, height) of the input, the stride, and the batch size where it is fixed."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(shape) != 4 or shape[1] != 3:
        forms = ", ".join(f"{value.name} {value.shape} {value.type}" for value in inputs)
        raise UserError(f"{path} must have one float32 input (batch, 3, height, width), it has: {forms}")
    batch, _, height, width = shape
    if not (isinstance(height, int) and isinstance(width, int)):
        if input_size is None:
            raise UserError(f"{path} leaves its input size open {shape}: pass --model-set input=192x256")
        width, height = parse_size(input_size)
    probe_batch = batch if isinstance(batch, int) else 1
    try:
        heatmaps = session.run(
            [outputs[0].name], {inputs[0].name: np.zeros((probe_batch, 3, height, width), np.float32)}
        )[0]
    except Exception as error:
        raise UserError(f"{path} does not run on a {width}x{height} image: {_first_line(error)}") from error
    came = getattr(heatmaps, "shape", None)
    expected = f"heatmaps (batch, {skeleton.n_joints}, height/s, width/s) for {height}x{width} input"
    if came is None or len(came) != 4 or came[0] != probe_batch:
        raise UserError(f"{path} must give {expected}, it gives {came}: is this a top-down heatmap network?")
    if came[1] != skeleton.n_joints:
        raise UserError(
            f"{path} finds {came[1]} joints, but skeleton '{skeleton.name}' of the annotations has "
            f"{skeleton.n_joints}: use a model of that skeleton"
        )
    stride = width // came[3] if came[3] else 0
    if stride < 1 or (came[3] * stride, came[2] * stride) != (width, height):
        raise UserError(f"{path} must give {expected}, it gives {came}: the sides do not divide by one stride")
    return (width, height), stride, batch if isinstance(batch, int) else None


def _three_numbers(what: str, text: str) -> tuple[float, float, float]:
    try:
        first, second, third = (float(part) for part in str(text).split(","))
    except ValueError as error:
        raise UserError(f"{what} must be three numbers with commas such as 0.5,0.5,0.5, got '{text}'") from error
    return first, second, third


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
