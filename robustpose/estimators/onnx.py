"""ONNX: a top-down heatmap network as one file, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, model_validator

from robustpose.errors import UserError
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.onnx_files import list_external_files
from robustpose.estimators.options import Count, CropOptions, Size, parse_numbers, write_size
from robustpose.estimators.running.batches import CROPS_PER_CALL, Array, run_in_batches
from robustpose.files import name_in_text
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from robustpose.models.value_range import check_no_factor, check_range, write_numbers
from robustpose.pose.skeletons import Skeleton
from robustpose.sources import hash_once

PRECISIONS = {"onnxruntime": ("float32",), "openvino": ("float32", "bf16")}  # of each backend
RAW = "scale=255 with mean and std for values in 0..255, such as mean=0,0,0 std=1,1,1"


def _parse_three(value: Any) -> tuple[float, ...]:
    numbers = parse_numbers(value)
    if len(numbers) != 3:
        raise ValueError("must be three numbers with commas such as 0.5,0.5,0.5")
    return numbers


def _check_std(std: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(std) <= 0:
        raise ValueError("must be three numbers above 0")
    return std


def _parse_scale(value: Any) -> int:
    if str(value).strip() not in ("1", "255"):
        raise ValueError("must be 1 or 255")
    return int(value)


Three = Annotated[tuple[float, float, float], BeforeValidator(_parse_three)]


class Options(CropOptions):
    """Options of an ONNX file."""

    input: Size | None = None
    """WIDTHxHEIGHT px, for files that leave it open."""
    channels: Literal["rgb", "bgr"] = "rgb"
    """The order of the channels that the network was trained on: rgb or bgr."""
    mean: Three = IMAGENET_MEAN
    """Subtracted from values in 0..1, as torchvision's: three numbers with commas, in the order of the channels."""
    std: Annotated[Three, AfterValidator(_check_std)] = IMAGENET_STD
    """Divided by afterwards: three numbers with commas, above 0."""
    scale: Annotated[Literal[1, 255], BeforeValidator(_parse_scale)] = 1
    """255 if mean and std are given for values in 0..255."""
    threads: Count = 1
    """Threads of one call on a CPU."""
    backend: Literal["onnxruntime", "openvino"] = "onnxruntime"
    """onnxruntime, or openvino, which is faster on a CPU."""
    precision: Literal["float32", "bf16"] = "float32"
    """float32, or with openvino bf16."""

    @model_validator(mode="after")
    def _check_range(self) -> Options:
        if self.scale == 1:
            check_range(self.mean, self.std, RAW)
            check_no_factor(self.std, f"for a network of values in 0..255, {RAW}")
        elif min(self.std) < 1:
            came = f"mean={write_numbers(self.mean)} std={write_numbers(self.std)}"
            raise ValueError(f"{came} are for values in 0..1: leave out scale=255, or give both for values in 0..255")
        return self

    def scaled(self, numbers: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return numbers for values in the options' range as those for values in 0..1."""
        first, second, third = numbers
        return first / self.scale, second / self.scale, third / self.scale

    @model_validator(mode="after")
    def _check_precision(self) -> Options:
        if self.precision not in PRECISIONS[self.backend]:
            others = " or ".join(PRECISIONS[self.backend])
            raise ValueError(f"precision of backend {self.backend} must be {others}, got '{self.precision}'")
        return self


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> HeatmapEstimator:
    """Return the estimator of an ONNX file: (B, 3, h, w) crops in, (B, K, h/s, w/s) heatmaps out."""
    try:
        import onnxruntime
    except ImportError as error:
        how = "pip install 'robustpose[onnx]'"
        raise UserError(f"onnx:FILE needs onnxruntime, which is not installed: {how}") from error
    path = Path(target)
    if not path.is_file():
        raise UserError(f"ONNX file {path} does not exist" if target else f"name the ONNX file: --model {name}:FILE")
    beside = list_external_files(path)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4  # what is wrong is raised; printed, names in the file would act in a terminal
    available = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=providers)
    except Exception as error:  # onnxruntime has a family of exceptions without a common public base
        raise UserError(f"{path} cannot be loaded as an ONNX network: {_first_line(error)}") from error

    def run(batch: Array) -> Array:
        return session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: batch})[0]

    input_wh, stride, fixed_batch = _read_form(session, run, skeleton, path, options.input)
    input_spec = InputSpec(
        name=name_in_text(path),
        input_wh=input_wh,
        channels=options.channels,
        mean=options.scaled(options.mean),
        std=options.scaled(options.std),
        stride=stride,
    )
    network = partial(run_in_batches, run, n_per_call=fixed_batch or CROPS_PER_CALL)
    if options.backend == "openvino":
        from robustpose.estimators.running.openvino import read_onnx, require_openvino

        require_openvino()
        shape = (CROPS_PER_CALL, 3, input_wh[1], input_wh[0])
        compiled = read_onnx(path, shape, options.precision, options.threads)
        network = partial(run_in_batches, compiled, n_per_call=CROPS_PER_CALL)
    estimator = HeatmapEstimator(network, input_spec, skeleton, options)
    estimator.describe = lambda: {
        "kind": name,
        "name": name_in_text(path),
        "sha256": hash_once(path),
        "input": write_size(input_wh),
        "channels": options.channels,
        "mean": list(input_spec.mean),
        "std": list(input_spec.std),
        "flip_test": options.flip_test,
        "backend": options.backend,
        "precision": options.precision,
        "onnxruntime": onnxruntime.__version__,
        **(
            {"external_data": {str(file.relative_to(path.parent)): hash_once(file) for file in beside}}
            if beside
            else {}
        ),
    }
    return estimator


def _read_form(
    session: Any, run: Callable[[Array], Any], skeleton: Skeleton, path: Path, input_wh: tuple[int, int] | None
) -> tuple[tuple[int, int], int, int | None]:
    """Return (width, height) of the input, the stride, and the batch size where it is fixed."""
    inputs = session.get_inputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(shape) != 4 or shape[1] != 3:
        forms = ", ".join(f"{value.name} {value.shape} {value.type}" for value in inputs)
        raise UserError(f"{path} must have one float32 input (batch, 3, height, width), it has: {forms}")
    batch, _, height, width = shape
    if not (isinstance(height, int) and isinstance(width, int)):
        if input_wh is None:
            raise UserError(f"{path} leaves its input size open {shape}: pass --model-set input=192x256")
        width, height = input_wh
    elif input_wh not in (None, (width, height)):
        raise UserError(
            f"{path} says that its input is {write_size((width, height))}: leave out input={write_size(input_wh)}"
        )
    probe_batch = batch if isinstance(batch, int) else 1
    try:
        heatmaps = run(np.zeros((probe_batch, 3, height, width), np.float32))
    except Exception as error:
        raise UserError(f"{path} does not run on a {width}x{height} image: {_first_line(error)}") from error
    came = heatmaps.shape if isinstance(heatmaps, np.ndarray) else None
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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
