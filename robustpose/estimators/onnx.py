"""ONNX: a top-down heatmap network as one file, run by onnxruntime."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, model_validator

from robustpose.errors import UserError
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.joint_order import JointOrder, choose_joints
from robustpose.estimators.onnx_files import list_external_files
from robustpose.estimators.onnx_form import first_line, read_form
from robustpose.estimators.options import HeatmapOptions, Size, Threads, parse_numbers, write_size
from robustpose.estimators.running.batches import CROPS_PER_CALL, Array, run_in_batches
from robustpose.files import name_in_text
from robustpose.models.families import DEFAULT, FAMILIES
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from robustpose.models.value_range import check_no_factor, check_range, check_signs, write_numbers
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


class Options(HeatmapOptions):
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
    output: str | None = None
    """The name of the heatmaps, for files with several outputs that can be them."""
    joints: JointOrder | None = None
    """Whose order of the joints the network has, where that of the annotations is not the published one."""
    threads: Threads = 1
    """Threads of one call on a CPU."""
    backend: Literal["onnxruntime", "openvino"] = "onnxruntime"
    """onnxruntime, or openvino, which is faster on a CPU."""
    precision: Literal["float32", "bf16"] = "float32"
    """float32, or with openvino bf16."""

    @model_validator(mode="after")
    def _check_range(self) -> Options:
        check_signs(self.mean)
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
        raise UserError(f"{path} cannot be loaded as an ONNX network: {first_line(error)}") from error

    form = read_form(session, skeleton, path, options.input, options.output)
    joints = choose_joints(str(path), skeleton, options.joints)

    def run(batch: Array) -> Array:
        return session.run([form.output], {session.get_inputs()[0].name: batch})[0].astype(np.float32, copy=False)

    input_spec = InputSpec(
        name=name_in_text(path),
        input_wh=form.input_wh,
        joints=joints,
        channels=options.channels,
        mean=options.scaled(options.mean),
        std=options.scaled(options.std),
        stride=form.stride,
        sigma=FAMILIES[DEFAULT].choose_sigma(form.input_wh),
    )
    network = partial(run_in_batches, run, n_per_call=form.batch or CROPS_PER_CALL)
    if options.backend == "openvino":
        from robustpose.estimators.running.openvino import read_onnx, require_openvino

        require_openvino()
        shape = (CROPS_PER_CALL, 3, form.input_wh[1], form.input_wh[0])
        compiled = read_onnx(path, shape, form.output, options.precision, options.threads)
        network = partial(run_in_batches, compiled, n_per_call=CROPS_PER_CALL)
    estimator = HeatmapEstimator(network, input_spec, skeleton, options)
    estimator.describe = lambda: {
        "kind": name,
        "name": name_in_text(path),
        "sha256": hash_once(path),
        "input": write_size(form.input_wh),
        **({"output": form.output} if form.is_chosen else {}),
        **({"joints": options.joints} if joints else {}),
        "channels": options.channels,
        "mean": list(input_spec.mean),
        "std": list(input_spec.std),
        "flip_test": options.flip_test,
        **options.describe_decoding(),
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
