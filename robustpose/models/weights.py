"""Weights: read from our own files and from other programs', loaded strictly, written with an input spec.

Reading any file runs no code. Loading is strict: every tensor of the network, no other, each of the right shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.files import open_whole
from robustpose.models.input_spec import InputSpec
from robustpose.models.torch_files import PARALLEL, read_torch_file
from robustpose.models.value_range import check_range

INPUT_SPEC = TypeAdapter(InputSpec)
KEY = "robustpose"  # a single entry, because the order in which several are written is not fixed
COUNTER = "num_batches_tracked"  # of a batch norm: not used in evaluation, not saved before PyTorch 0.4.1
# What ImageNet networks have beyond the trunk: classifiers, and the parts of HRNet's last module that pose leaves out.
NOT_IN_TRUNK = (
    "fc.", "classifier.", "head.", "final_layer.", "incre_modules.", "downsamp_modules.",
    "stage4.2.fuse_layers.1.", "stage4.2.fuse_layers.2.", "stage4.2.fuse_layers.3.",
)  # fmt: skip
SHOWN = 3  # names of each kind in a message
HEADS = ("final_layer.", "final_layers.", "deconv_layers.")  # what a pose network has beyond the trunk


def save_weights(network: nn.Module, input_spec: InputSpec, path: Path) -> None:
    """Write a network's tensors and its input spec, atomically; the same tensors give the same bytes."""
    # Cloned, because tensors that layers share are refused in a file.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}
    with open_whole(path) as file:
        file.write(save(tensors, {KEY: INPUT_SPEC.dump_json(input_spec, exclude_none=True).decode()}))


def save_pth(network: nn.Module, path: Path) -> None:
    """Write a network's tensors by name as PyTorch does, atomically: what the published programs read."""
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    with open_whole(path) as file:
        torch.save(tensors, file)


def read_weights(path: Path) -> tuple[dict[str, Tensor], InputSpec | None]:
    """Return the tensors of a file by name, and its input spec, None where it has none.

    The file is safetensors, or what PyTorch saved: names to tensors, or that inside `state_dict`, with or without the
    ``module.`` of parallel training before every name.
    """
    with _open_weights(path) as file:
        if file is None:
            return read_torch_file(path), None
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        return tensors, _parse_input_spec(path, file.metadata() or {})


def read_input_spec(path: Path) -> InputSpec | None:
    """Return the input spec of a weights file without reading its tensors; None where it has none."""
    with _open_weights(path) as file:
        return None if file is None else _parse_input_spec(path, file.metadata() or {})


def load_weights(network: nn.Module, path: Path) -> InputSpec | None:
    """Load a file into `network`, strictly, and return its input spec, if it has one."""
    tensors, input_spec = read_weights(path)
    load_tensors(network, tensors, str(path))
    return input_spec


def load_tensors(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load tensors by name into `network`, strictly: any missing, unknown or of another shape is a UserError."""
    expected = network.state_dict()
    # If all names of the network begin so itself, it was taken off for parallel training's when the file was read.
    if expected and all(name.startswith(PARALLEL) for name in expected):
        tensors = {PARALLEL + name: tensor for name, tensor in tensors.items()}
    tensors = {
        **{name: tensor for name, tensor in expected.items() if name.endswith(COUNTER)},
        **{name: tensor for name, tensor in tensors.items() if name in expected or not name.endswith(COUNTER)},
    }
    problems = _list_problems(expected, tensors)
    if problems:
        raise UserError(f"{source} does not fit {type(network).__name__}: {problems}")
    network.load_state_dict(tensors)


def load_backbone(network: nn.Module, path: Path) -> list[str]:
    """Load an ImageNet network's trunk (torchvision's, timm's or HRNet's names) and return the names of its tensors.

    The pose head keeps its initial values; the file's classifier is left out. A tensor of the trunk that is missing or
    of another shape is a UserError.
    """
    tensors, _ = read_weights(path)
    trunk = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(HEADS)}
    found = {name: tensor for name, tensor in tensors.items() if name in trunk or not name.startswith(NOT_IN_TRUNK)}
    counters = {name: tensor for name, tensor in trunk.items() if name.endswith(COUNTER)}
    problems = _list_problems(trunk, {**counters, **found})
    if problems:
        raise UserError(f"{path} is no backbone of {type(network).__name__}: {problems}")
    network.load_state_dict(found, strict=False)
    return list(found)


def _list_problems(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    """Return what is missing, unknown or of another shape, the first few of each with their number; or nothing."""
    kinds = {
        "missing": [name for name in expected if name not in tensors],
        "unknown": [name for name in tensors if name not in expected],
        "of another shape": [
            f"{name} must be {tuple(expected[name].shape)}, got {tuple(tensor.shape)}"
            for name, tensor in tensors.items()
            if name in expected and tensor.shape != expected[name].shape
        ],
    }
    return "; ".join(
        f"{len(names)} {kind} ({'; '.join(names[:SHOWN])}{'; …' if len(names) > SHOWN else ''})"
        for kind, names in kinds.items()
        if names
    )


@contextmanager
def _open_weights(path: Path) -> Iterator[Any]:
    """Open a safetensors file; give None for a file of PyTorch."""
    if not path.is_file():
        raise UserError(f"there is no weights file {path}: name a .pth or .safetensors file")
    if path.suffix != ".safetensors":
        yield None
        return
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is no safetensors file, or a damaged one: {error}") from error


def _parse_input_spec(path: Path, metadata: Mapping[str, str]) -> InputSpec | None:
    if KEY not in metadata:
        return None
    try:
        input_spec = INPUT_SPEC.validate_json(metadata[KEY])
        check_range(input_spec.mean, input_spec.std)
        return input_spec
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        reason = problem["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
        raise UserError(f"the input spec in {path} cannot be read: {place} {reason}") from error
    except ValueError as error:
        raise UserError(f"the input spec in {path} makes no sense: {error}") from error
