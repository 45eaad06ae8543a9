"""Networks that look at whole images, as estimators: which network, which weights, what size, what it runs on."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

from torch import Tensor

from robustpose import models
from robustpose.errors import UserError
from robustpose.estimators.loading import check_head, load_network
from robustpose.estimators.options import parse_size, write_size
from robustpose.estimators.running.backends import as_image_callable
from robustpose.estimators.tags import TagEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.models.zoo import ZOO, make_input_spec
from robustpose.pose.skeletons import Skeleton

LEAST_SCALE = 0.1
HEAD = "final_layers.1.weight"  # (K, c, 1, 1) in official files of HigherHRNet


def build(
    name: str,
    target: str,
    skeleton: Skeleton,
    *,
    flip_test: bool = True,
    scales: str = "1",
    refine: bool = True,
    max_people: int = 30,
    threshold: str = "0.1",
    threads: int = 1,
    input: str | None = None,
    backend: str = "torch",
    precision: str = "float32",
    device: str = "auto",
) -> TagEstimator:
    """Return the bottom-up estimator of a network with weights from a file.

    Args:
        name: row of the table of networks, or ``package.module:attr``: a function of the number of joints.
        target: safetensors file written by training, or an official ``.pth`` of HigherHRNet.
        skeleton: names of the joints to find.
        flip_test: merge with what the network says of the mirror image.
        scales: factors of the input size with commas, 1 among them, such as ``0.5,1,2``.
        refine: look for joints that people lack.
        max_people: joints of a kind that are looked at, at most.
        threshold: joints start at this height of the heatmap.
        threads: of one call on a CPU.
        input: px of the image's shorter side, such as ``512`` or ``512x512``; by default what the network was trained
            on, as its input spec or its official name says.
        backend: ``torch``, or ``openvino``, which is faster on a CPU.
        precision: ``float32``, ``bf16``, or on a GPU ``fp16``.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        UserError: the file cannot be read, or is not of this network or skeleton; an option makes no sense.
    """
    factors, height = _parse_scales(scales), _parse_number("threshold", threshold)

    def make_the_input_spec(path: Path, tensors: dict[str, Tensor]) -> InputSpec:
        return _make_input_spec(name, path, tensors, skeleton)

    loaded = load_network(
        name, target, skeleton, make_the_input_spec, backend=backend, precision=precision, device=device
    )
    input_spec = loaded.input_spec
    short_side = _parse_short_side(input) if input is not None else _find_side(Path(target)) or min(input_spec.input_wh)
    run = as_image_callable(loaded.network, threads, backend=backend, precision=precision, device=loaded.device)
    estimator = TagEstimator(run, input_spec, skeleton, short_side, factors, flip_test, refine, max_people, height)
    estimator.provenance = loaded.describe(
        input=write_size((short_side, short_side)),
        scales=scales,
        channels=input_spec.channels,
        flip_test=flip_test,
        refine=refine,
        max_people=max_people,
        threshold=threshold,
    )
    return estimator


def _make_input_spec(name: str, path: Path, tensors: dict[str, Tensor], skeleton: Skeleton) -> InputSpec:
    """Return the input spec of a file that has none."""
    if models.family_of(name) != "tags" or HEAD not in tensors:
        raise UserError(f"{path} carries no input spec: expected a file written by robustpose train, or HigherHRNet's")
    check_head(path, tensors, HEAD, skeleton)
    return make_input_spec(name, skeleton)


def _find_side(path: Path) -> int | None:
    """Return the short side that a published file was trained for, by its name."""
    return next((min(published.input_wh) for published in ZOO.values() if published.file == path.name), None)


def _parse_scales(text: str) -> tuple[float, ...]:
    scales = tuple(_parse_number("scales", part) for part in str(text).split(","))
    if any(not LEAST_SCALE <= scale <= 1 / LEAST_SCALE for scale in scales):
        raise UserError(f"scales must be {LEAST_SCALE} to {1 / LEAST_SCALE:g}, got '{text}'")
    return scales


def _parse_number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise UserError(f"option '{name}' must be made of numbers, got '{text}'")
    return number


def _parse_short_side(text: str) -> int:
    side = min(parse_size(text)) if "x" in str(text).lower() else int(_parse_number("input", text))
    if side < 64:
        raise UserError(f"input must be at least 64 px, got {text}")
    return side
