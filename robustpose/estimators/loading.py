"""Loading: a name and a weights file become a network, its input spec, and what results say of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustpose import models, registry
from robustpose.contents import hash_network
from robustpose.errors import UserError
from robustpose.estimators.joint_order import OwnJoints, choose_joints
from robustpose.estimators.options import NetworkOptions
from robustpose.estimators.running.backends import check_backend, find_device
from robustpose.files import name_in_text
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import load_tensors, read_weights
from robustpose.models.zoo import find_published
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeleton_table import TABLE
from robustpose.pose.skeletons import Skeleton
from robustpose.sources import PACKAGE, hash_code, hash_once
from robustpose.states import know


@dataclass(frozen=True)
class Loaded:
    """A network with its weights."""

    network: nn.Module  # on the CPU
    input_spec: InputSpec
    engine: dict[str, Any]  # arguments of `backends.as_callable`: threads, backend, precision and device
    name: str  # of the network
    file: Path  # its weights

    def describe(self, **options: Any) -> dict[str, object]:
        """Return what results say of an estimator: whose weights, with which options, and what it ran on."""
        module = self.name.partition(":")[0]
        code, state = {}, {}
        if ":" in self.name:  # a network of somebody's own
            code, known = hash_code([module]), know(registry.load(self.name), module)
            state = known.whole_state if known.state else {}
        return {
            "kind": self.name,
            "name": name_in_text(self.file),
            "sha256": hash_once(self.file),
            **describe_seen(self.input_spec),
            **options,
            "backend": self.engine["backend"],
            "precision": self.engine["precision"],
            "device": self.engine["device"].type,
            "torch": str(torch.__version__),
            **({"code": code} if code else {}),
            **({"state": state} if state else {}),
        }


def load_network(
    name: str,
    target: str,
    skeleton: Skeleton,
    options: NetworkOptions,
    make_input_spec: Callable[[Path, dict[str, Tensor]], InputSpec | None],
    other: str = "",
) -> Loaded:
    """Return the network `name` with the weights of the file `target`, checked to run here as the options say.

    `make_input_spec` gives the input spec of a file that has none, from its path and tensors; None for a UserError,
    which names robustpose train as the source of files, and `other`.
    """
    if not target:
        raise UserError(f"name the weights: --model {name}:FILE")
    path = Path(target)
    device = find_device(options.device)
    check_backend(options.backend, options.precision, device)
    tensors, input_spec = read_weights(path)
    input_spec = input_spec or make_input_spec(path, tensors)
    if input_spec is None:
        raise UserError(f"{path} carries no input spec: expected a file written by robustpose train{other}")
    network = models.build(name, len(input_spec.joints) or skeleton.whole.n_joints)
    load_tensors(network, tensors, str(path))
    engine = {**options.engine, "device": device}
    return Loaded(network, input_spec, engine, name, path)


def describe_network(network: nn.Module, input_spec: InputSpec) -> dict[str, object]:
    """Return what results say of a network in memory: its weights as they are now, and the code of its layers."""
    code: dict[str, str] = {}
    for kind in dict.fromkeys(type(layer) for layer in network.modules()):
        if kind.__module__.partition(".")[0] not in ("torch", PACKAGE):
            code |= know(kind).code
    about: dict[str, object] = {
        "kind": input_spec.family,
        "name": input_spec.name,
        "state_sha256": hash_network(network),
    }
    about |= describe_seen(input_spec)
    return {**about, "code": code} if code else about


def describe_seen(input_spec: InputSpec) -> dict[str, list[str]]:
    """Return what results say of the corruptions that a network has learned from; nothing where nothing is known."""
    return {} if input_spec.seen is None else {"seen": list(input_spec.seen)}


class OfficialJoints:
    """The joints of an official file, which does not name them, once `find` has been called.

    `own` says which they are, and why that is in doubt; `said` is the option of the user.
    """

    def __init__(self, skeleton: Skeleton, said: str | None) -> None:
        self.own = OwnJoints()
        self._skeleton, self._said, self._is_asked = skeleton, said, False

    def find(self, path: Path, tensors: dict[str, Tensor], head: str) -> Skeleton:
        """Return the skeleton that a file has by how many joints its last layer, `head`, finds."""
        self._is_asked = True
        whole = self._skeleton.whole
        n_joints = len(tensors[head]) if head in tensors else whole.n_joints
        if n_joints == whole.n_joints and self._said is None:
            return find_published(whole)
        self.own = choose_joints(str(path), self._skeleton, self._said, n_joints)
        return TABLE[self.own.name].arrange(self.own.joints) or whole if self.own.joints else whole

    def describe(self, estimator: Estimator, file: str) -> dict[str, object]:
        """Give an estimator the doubts, and return what results say of its joints."""
        if self._said is not None and not self._is_asked:
            raise UserError(f"{file} says which joints it finds: leave out joints={self._said}")
        estimator.warnings = self.own.warnings
        return {"joints": self.own.name} if self.own.name else {}
