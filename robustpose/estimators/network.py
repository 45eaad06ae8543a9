"""Networks of the model table as estimators: which network, which weights, how its crops are to be, what it runs on."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from robustpose.errors import UserError
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.loading import check_head, load_network
from robustpose.estimators.options import parse_size, write_size
from robustpose.estimators.running.backends import as_callable
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import DEMO
from robustpose.models.zoo import ZOO, make_input_spec
from robustpose.pose.skeletons import Skeleton

HEAD = "final_layer.weight"  # (K, c, 1, 1) in every official file: tells the number of joints


def build_demo(
    target: str,
    skeleton: Skeleton,
    *,
    batch_size: int = 16,
    flip_test: bool = True,
    threads: int = 1,
    backend: str = "torch",
    precision: str = "float32",
) -> HeatmapEstimator:
    """Return the estimator of the network that comes with robustpose, trained on drawn people (recipes/demo.yaml).

    Args:
        target: empty: there is one such network.
        skeleton: COCO's, or another that names its 17 joints.
        batch_size: crops handed over at once; never changes a score.
        flip_test: average with the heatmaps of the mirrored crop.
        threads: of one call.
        backend: as for `build`.
        precision: as for `build`.

    Raises:
        UserError: a target is given, or the skeleton has other joints.
    """
    if target:
        raise UserError(f"the demo network brings its own weights: write demo, or small:{target}")
    return build(
        "small",
        str(DEMO),
        skeleton,
        batch_size=batch_size,
        flip_test=flip_test,
        threads=threads,
        backend=backend,
        precision=precision,
        device="cpu",
    )


def build(
    name: str,
    target: str,
    skeleton: Skeleton,
    *,
    batch_size: int = 16,
    flip_test: bool = True,
    threads: int = 1,
    input: str | None = None,
    backend: str = "torch",
    precision: str = "float32",
    device: str = "auto",
) -> HeatmapEstimator:
    """Return the top-down estimator of a network with weights from a file.

    Args:
        name: row of the table of networks, or ``package.module:attr``: a function of the number of joints.
        target: safetensors file written by training, whose input spec says how it wants its crops; or an official
            ``.pth`` or ``.pth.tar``, for which `published` says it.
        skeleton: names of the joints to find.
        batch_size: crops handed over at once; never changes a score.
        flip_test: average with the heatmaps of the mirrored crop.
        threads: of one call on a CPU; several wait for each other where cores are busy.
        input: WIDTHxHEIGHT px, for files without an input spec; by default the size in the file's name, as official
            files have it (``_256x192``: height first), or that of the skeleton's benchmark.
        backend: ``torch``; ``compile`` (torch.compile) or ``openvino``, which are faster on a CPU.
        precision: ``float32``, ``bf16``, or on a GPU ``fp16``.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        UserError: the file cannot be read, or is not of this network or skeleton.
    """

    def make_the_input_spec(path: Path, tensors: dict[str, Tensor]) -> InputSpec:
        return _make_input_spec(name, path, tensors, skeleton, input)

    loaded = load_network(
        name, target, skeleton, make_the_input_spec, backend=backend, precision=precision, device=device
    )
    input_spec = loaded.input_spec
    if input is not None and parse_size(input) != input_spec.input_wh:
        raise UserError(f"{target} says that its input is {write_size(input_spec.input_wh)}: leave out input={input}")
    run = as_callable(
        loaded.network, threads, input_spec.input_wh, backend=backend, precision=precision, device=loaded.device
    )
    estimator = HeatmapEstimator(run, input_spec, skeleton, batch_size, flip_test)
    estimator.provenance = loaded.describe(
        input=write_size(input_spec.input_wh), channels=input_spec.channels, flip_test=flip_test
    )
    return estimator


def _make_input_spec(
    name: str, path: Path, tensors: dict[str, Tensor], skeleton: Skeleton, input: str | None
) -> InputSpec:
    """Return the input spec of a file that has none."""
    if name not in {published.network for published in ZOO.values()}:
        raise UserError(f"{path} carries no input spec: expected a file written by robustpose train")
    check_head(path, tensors, HEAD, skeleton)
    in_name = re.search(r"(?<!\d)(\d{2,4})x(\d{2,4})(?!\d)", path.name)
    size = (int(in_name.group(2)), int(in_name.group(1))) if in_name else None
    return make_input_spec(name, skeleton, parse_size(input) if input else size)
