"""Loading: a row of the table of networks and a weights file become a network, its card, and what is said of both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustpose import models
from robustpose.errors import UserError
from robustpose.estimators.backends import check_backend, find_device
from robustpose.models.card import ModelCard
from robustpose.models.weights import load_tensors, read_weights
from robustpose.pose.skeleton import Skeleton


@dataclass(frozen=True)
class Loaded:
    """A network with its weights.

    Attributes:
        network: on the CPU.
        card: what it expects.
        device: where it is to run.
        weights: what results say of the file.
        engine: what results say of where and how it runs.
    """

    network: nn.Module
    card: ModelCard
    device: torch.device
    weights: dict[str, str]
    engine: dict[str, str]

    def describe(self, **options: Any) -> dict[str, object]:
        """Return what results say of an estimator: whose weights, with which options, and what it ran on."""
        return {**self.weights, **options, **self.engine}


def load_network(
    name: str,
    target: str,
    skeleton: Skeleton,
    make_card: Callable[[Path, dict[str, Tensor]], ModelCard],
    *,
    backend: str,
    precision: str,
    device: str,
) -> Loaded:
    """Return a network with the weights of a file.

    Args:
        name: row of the table of networks, or ``package.module:attr``: a function of the number of joints.
        target: path of the file.
        skeleton: names of the joints to find.
        make_card: gives the card of a file that has none, or raises UserError.
        backend: of `backends.BACKENDS`.
        precision: of `backends.PRECISIONS`.
        device: as for `find_device`.

    Raises:
        UserError: the file cannot be read, or is not of this network or skeleton; or it cannot run like that here.
    """
    if not target:
        raise UserError(f"name the weights: --model {name}:FILE")
    path = Path(target)
    where = find_device(device)
    check_backend(backend, precision, where)
    tensors, card = read_weights(path)
    card = card or make_card(path, tensors)
    network = models.build(name, len(card.joints) or skeleton.n_joints)
    load_tensors(network, tensors, str(path))
    weights = {"kind": name, "name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    engine = {"backend": backend, "precision": precision, "device": where.type, "torch": str(torch.__version__)}
    return Loaded(network, card, where, weights, engine)


def check_head(path: Path, tensors: dict[str, Tensor], head: str, skeleton: Skeleton) -> None:
    """Raise UserError if the last layer of an official file, `head`, finds another number of joints."""
    n_joints = len(tensors[head]) if head in tensors else skeleton.n_joints
    if n_joints != skeleton.n_joints:
        raise UserError(
            f"{path} finds {n_joints} joints, but the annotations have {skeleton.n_joints} "
            f"(skeleton '{skeleton.name}'): use a model of that skeleton"
        )
