"""ONNX: a network as one file, run by onnxruntime or OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import model_validator

from robustpose.errors import UserError
from robustpose.estimators.file_estimators import build_estimator
from robustpose.estimators.file_options import FileOptions, InputOptions
from robustpose.estimators.file_signs import find_flag
from robustpose.estimators.forms import Form
from robustpose.estimators.network_file import NetworkFile, OpenFile, Port, first_line
from robustpose.estimators.onnx_files import list_external_files
from robustpose.estimators.options import ModelOptions
from robustpose.estimators.running.batches import CROPS_PER_CALL, Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.pose.skeletons import Skeleton
from robustpose.sources import hash_once

PRECISIONS = {"onnxruntime": ("float32",), "openvino": ("float32", "bf16")}  # of each backend
TYPES = {"float": "float32", "double": "float64"}  # as NumPy calls them, where onnxruntime does otherwise
INT64 = "tensor(int64)"
GPU = "CUDAExecutionProvider"


class RunOptions(ModelOptions):
    """Options that say what runs an ONNX file."""

    device: str = "auto"
    """auto (a GPU if onnxruntime can use one), cpu, cuda or cuda:1."""
    backend: Literal["onnxruntime", "openvino"] = "onnxruntime"
    """onnxruntime, or openvino, which is faster on a CPU."""
    precision: Literal["float32", "bf16"] = "float32"
    """float32, or with openvino bf16."""

    @model_validator(mode="after")
    def _check_precision(self) -> RunOptions:
        if self.precision not in PRECISIONS[self.backend]:
            others = " or ".join(PRECISIONS[self.backend])
            raise ValueError(f"precision of backend {self.backend} must be {others}, got '{self.precision}'")
        return self


class Options(FileOptions, RunOptions):
    """Options of an ONNX file."""


class OnnxOptions(InputOptions, RunOptions):
    """What is needed to open an ONNX file and to run it, whatever its network finds."""


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file that is loaded."""

    file: NetworkFile
    options: Options | OnnxOptions
    on_gpu: bool  # as onnxruntime runs it
    notes: Mapping[str, str]  # that whoever made the file left in it, by their names
    takes_sizes: bool = False  # whether it is handed width and height of the input, too

    def run(self, outputs: Sequence[str], n_per_call: int) -> Callable[[Array], list[Array]]:
        """Return a function of images that gives some outputs, as the backend of the options runs the file."""
        if self.options.backend == "onnxruntime":
            return self.file.as_network(outputs, n_per_call)
        if self.takes_sizes:
            raise UserError(f"backend openvino runs files of one input, and {self.file.path} has two: leave it out")
        return _compile(self.file, self.options, outputs, n_per_call)

    def describe(self) -> dict[str, object]:
        """Return what results say of an estimator that only the libraries of ONNX know."""
        import onnxruntime

        path, options = self.file.path, self.options
        beside = list_external_files(path)
        return {
            "backend": options.backend,
            "precision": options.precision,
            **({"device": "cuda"} if self.on_gpu and options.backend == "onnxruntime" else {}),
            "onnxruntime": onnxruntime.__version__,
            **(
                {"external_data": {str(file.relative_to(path.parent)): hash_once(file) for file in beside}}
                if beside
                else {}
            ),
        }


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> NetworkEstimator[Any]:
    """Return the estimator of an ONNX file: of the form that its outputs have, or that the options say."""
    opened = open_onnx(name, target, options)
    estimator = build_estimator(name, opened.file, skeleton, options, partial(_make_network, opened))
    describe = estimator.describe
    estimator.describe = lambda: {**describe(), **opened.describe()}
    return estimator


def open_onnx(name: str, target: str, options: Options | OnnxOptions, may_take_sizes: bool = False) -> OnnxFile:
    """Return the file `target`, which messages call by the `name` of the kind of model, too.

    One that `may_take_sizes` can have a second input, (B, 2) whole numbers: width and height that boxes are scaled to.
    """
    onnxruntime = _import_onnxruntime(name)
    path = Path(target)
    if not path.is_file():
        raise UserError(
            f"ONNX file {path} does not exist: name another" if target else f"name the ONNX file: --model {name}:FILE"
        )
    list_external_files(path)  # refused before its library looks at it
    session = _open_session(onnxruntime, path, options)
    sizes = _find_sizes(session) if may_take_sizes else None
    file = NetworkFile(_read_session(session, path, sizes), options.input, options.layout)
    notes = dict(session.get_modelmeta().custom_metadata_map)
    return OnnxFile(file, options, session.get_providers()[0] == GPU, notes, sizes is not None)


def _import_onnxruntime(name: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        how = "pip install 'robustpose[onnx]'"
        raise UserError(f"{name}:FILE needs onnxruntime, which is not installed: {how}") from error
    return onnxruntime


def _open_session(onnxruntime: Any, path: Path, options: Options | OnnxOptions) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4  # what is wrong is raised; printed, names in the file would act in a terminal
    providers = _choose_providers(onnxruntime.get_available_providers(), options.device)
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=providers)
    except Exception as error:  # onnxruntime has a family of exceptions without a common public base
        if find_flag(path) == "tflite":
            raise UserError(
                f"{path} cannot be loaded as an ONNX network: it is a TFLite file: --model tflite:{path}"
            ) from error
        raise UserError(f"{path} cannot be loaded as an ONNX network: {first_line(error)}") from error
    if options.device.startswith("cuda") and session.get_providers()[0] != GPU:  # it falls back to the CPU
        raise UserError(
            f"device '{options.device}' cannot be used here: onnxruntime finds no such GPU, or not CUDA's libraries; "
            "use device=cpu"
        )
    return session


def _choose_providers(available: Sequence[str], device: str) -> list[Any]:
    """Return what onnxruntime is to run on, in order, for a device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``."""
    name, _, number = device.partition(":")
    is_numbered = name == "cuda" and number.isdecimal() and number.isascii() and len(number) < 4
    if device not in ("auto", "cpu", "cuda") and not is_numbered:
        raise UserError(f"device '{device}' cannot be used here: expected auto, cpu, cuda, or cuda:1 and so on")
    if name == "cuda" and GPU not in available:
        raise UserError(
            f"device '{device}' cannot be used here: this onnxruntime has no CUDA: pip install onnxruntime-gpu in its "
            "place, or use device=cpu"
        )
    # Nothing is rounded to TF32, and no method is chosen by what was fastest: the same numbers in every run.
    exact = {"device_id": number or "0", "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    return [(GPU, exact), "CPUExecutionProvider"] if GPU in available and device != "cpu" else ["CPUExecutionProvider"]


def _find_sizes(session: Any) -> str | None:
    """Return the name of an input (B, 2) of whole numbers beside that of images; None without."""
    inputs = session.get_inputs()
    found = [port.name for port in inputs if len(port.shape) == 2 and port.shape[1] == 2 and port.type == INT64]
    return found[0] if len(found) == 1 and len(inputs) == 2 else None


def _read_session(session: Any, path: Path, sizes: str | None = None) -> OpenFile:
    """Return a file that is loaded; the input called `sizes` is filled with width and height of the images."""
    inputs = [
        Port(value.name, tuple(value.shape), _read_type(value.type))
        for value in session.get_inputs()
        if value.name != sizes
    ]
    names = [value.name for value in session.get_outputs()]

    def call(x: Any, chosen: Sequence[str]) -> Any:
        height, width = x.shape[2:] if x.shape[1] == 3 else x.shape[1:3]
        more = {} if sizes is None else {sizes: np.array([[width, height]] * len(x), np.int64)}
        return session.run(list(chosen), {inputs[0].name: x, **more})

    return OpenFile(path, inputs, names, call)


def _read_type(kind: str) -> str:
    """Return what NumPy calls a type such as ``tensor(float)``."""
    word = kind.removeprefix("tensor(").removesuffix(")")
    return TYPES.get(word, word)


def _make_network(opened: OnnxFile, form: Form, n_per_call: int) -> Callable[[Array], list[Array]]:
    """Return a function of crops that gives the outputs of a file's form, as the backend of the options runs it."""
    file = opened.file
    if opened.options.backend == "openvino" and form.name == "heatmaps" and n_per_call != CROPS_PER_CALL:
        with suppress(UserError):  # the number that a file says may be fixed inside of it, too
            network = opened.run(form.outputs, CROPS_PER_CALL)
            width, height = file.input_wh
            (heatmaps,) = network(np.zeros((CROPS_PER_CALL, 3, height, width), np.float32))
            if len(heatmaps) == CROPS_PER_CALL:
                return network
    return opened.run(form.outputs, n_per_call)


def _compile(
    file: NetworkFile, options: Options | OnnxOptions, outputs: Sequence[str], n_per_call: int
) -> Callable[[Array], list[Array]]:
    from robustpose.estimators.running.openvino import read_onnx, require_openvino

    require_openvino()
    if options.device.startswith("cuda"):
        raise UserError(f"backend openvino runs on the CPU, not on {options.device}: add --model-set device=cpu")
    compiled = read_onnx(file.path, file.native_shape(n_per_call), outputs, options.precision, options.threads)
    return file.as_network(outputs, n_per_call, lambda crops, _: compiled(crops))
