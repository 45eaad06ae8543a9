"""Networks that give fields, as estimators: which network, which weights, what size, what it runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.estimators.fields import FieldEstimator, FieldNetwork
from robustpose.estimators.loading import load_network
from robustpose.estimators.options import parse_size, write_size
from robustpose.estimators.running.backends import as_image_callable
from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import PifPaf
from robustpose.pose.skeletons import Skeleton

N_DECODED = 2  # heads: of joints, and of the connections that people grow along
N_COMPONENTS = ([4, 5], [4, 3])  # of these, with and without the connections' log-spreads


class DecodedFields(nn.Module):
    """Give what is decoded of a network's first two heads, without log-spreads, as one flat tuple.

    That is what tracers and OpenVINO want of a network, and what `FieldNetwork` says.

    Args:
        network: images (B, 3, h, w) to a tuple of components per head, as `models.pifpaf.FieldHead` orders them.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        heads: Any = self.network(x)
        sizes = [len(head) if isinstance(head, tuple) else 0 for head in heads] if isinstance(heads, tuple) else []
        if sizes[:N_DECODED] not in N_COMPONENTS:
            raise UserError(
                f"{type(self.network).__name__} must give a tuple of 4 components for joints and one of 5, or 3 "
                f"without log-spreads, for connections: it is no network of the family 'fields'"
            )
        pif, paf = heads[:N_DECODED]
        return pif[0], pif[1], pif[3], paf[0], paf[1], paf[2]


def as_field_callable(
    network: nn.Module,
    threads: int | None = None,
    *,
    backend: str = "torch",
    precision: str = "float32",
    device: torch.device | None = None,
) -> FieldNetwork:
    """Return a function of normalised images of any size that gives what is decoded of a network's fields.

    It works on a copy, in evaluation mode. Arguments are those of `backends.as_image_callable`.
    """
    return as_image_callable(DecodedFields(network), threads, backend=backend, precision=precision, device=device)


def build(
    name: str,
    target: str,
    skeleton: Skeleton,
    *,
    complete: bool = True,
    protocol: str = "openpifpaf",
    threads: int = 1,
    input: str | None = None,
    backend: str = "torch",
    precision: str = "float32",
    device: str = "auto",
) -> FieldEstimator:
    """Return the estimator of a network that gives fields, with weights from a file.

    Args:
        name: row of the table of networks, or ``package.module:attr``: a function of the number of joints.
        target: safetensors file with an input spec, written by training or by ``robustpose convert-pifpaf``.
        skeleton: names of the joints to find.
        complete: fill the joints that a person lacks: about 10 points of AP.
        protocol: ``openpifpaf``, at most 20 people and least values as published; ``plain``: as decoded.
        threads: of one call on a CPU.
        input: px of the image's longer edge, such as ``641`` or ``641x641``; by default what the input spec says.
        backend: ``torch``, or ``openvino``, which is faster on a CPU.
        precision: ``float32``, ``bf16``, or on a GPU ``fp16``.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        UserError: the file cannot be read, or is not of this network or skeleton; an option makes no sense.
    """
    if not isinstance(complete, bool):
        raise UserError(f"option 'complete' must be true or false, got '{complete}'")
    if target and Path(target).is_file() and Path(target).suffix != ".safetensors":
        raise UserError(
            f"{target} is no .safetensors file: take the weights out of a published PifPaf checkpoint first, "
            f"robustpose convert-pifpaf {target}"
        )
    loaded = load_network(
        name, target, skeleton, _refuse_without_input_spec, backend=backend, precision=precision, device=device
    )
    network, input_spec = loaded.network, loaded.input_spec
    if isinstance(network, PifPaf):
        network.keep_heads(N_DECODED)
    long_edge = max(input_spec.input_wh) if input is None else _parse_long_edge(input)
    run = as_field_callable(network, threads, backend=backend, precision=precision, device=loaded.device)
    estimator = FieldEstimator(run, input_spec, skeleton, long_edge, complete, protocol)
    estimator.provenance = loaded.describe(
        input=write_size((long_edge, long_edge)), channels=input_spec.channels, complete=complete, protocol=protocol
    )
    return estimator


def _refuse_without_input_spec(path: Path, tensors: dict[str, Tensor]) -> InputSpec:
    raise UserError(
        f"{path} carries no input spec: expected a file written by robustpose train or robustpose convert-pifpaf"
    )


def _parse_long_edge(text: str) -> int:
    words = str(text)
    try:
        edge = max(parse_size(words)) if "x" in words.lower() else int(words)
    except ValueError as error:
        raise UserError(f"input must be px of the longer edge, such as 641 or 641x641, got '{text}'") from error
    if edge < 33:
        raise UserError(f"input must be at least 33 px, got {text}")
    return edge
