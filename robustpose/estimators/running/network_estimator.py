"""What estimators of the three families have in common: a network, and what its input and its joints are."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import numpy as np

from robustpose.errors import NotFinite
from robustpose.estimators.running.batches import Array, Normaliser
from robustpose.models.input_spec import InputSpec
from robustpose.pose.joint_names import find_names
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, Poses, reorder_joints

N = TypeVar("N", bound=Callable[..., Any])


class NetworkEstimator(Estimator, Generic[N]):
    """An estimator with a network of type N, which must find the joints of the skeleton, in any order, or more."""

    def __init__(self, network: N, input_spec: InputSpec, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.own_skeleton = input_spec.arrange(skeleton)  # all joints, in the order of the network's outputs
        self.found_skeleton = self.own_skeleton  # of the poses that `_find_poses` gives
        self.input_spec = input_spec
        # What results say of it: called for when they are written, so that not every process hashes files for it.
        self.describe: Callable[[], dict[str, object]] = lambda: {"kind": input_spec.family, "name": input_spec.name}
        # How many network processes a run has by default; None where workers have to run the network themselves.
        self.n_gpus: int | None = getattr(network, "n_gpus", None)
        self._checked = _CheckedNetwork(network, input_spec.name)
        self._network = cast(N, self._checked)
        self._normaliser = Normaliser(input_spec)
        self._order = find_names(self.own_skeleton.joints, skeleton.joints) or ()

    @cached_property
    def provenance(self) -> Mapping[str, object]:
        """Return what results say about the estimator."""
        n_joints, n_own = self.skeleton.n_joints, self.own_skeleton.n_joints
        return {**self.describe(), **({"joints_taken": f"{n_joints} of {n_own}"} if n_own > n_joints else {})}

    @property
    def network_seconds(self) -> float:
        """Return how long the network has been at work so far."""
        return self._checked.seconds

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses found in each frame, with the skeleton's joints in its order."""
        found = self._find_poses(frames)
        if self.found_skeleton.joints == self.skeleton.joints:
            return found
        return [reorder_joints(poses, self._order) for poses in found]

    @abstractmethod
    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses found in each frame, with the joints of `found_skeleton`."""


class _CheckedNetwork:
    """A network whose outputs are finite: broken weights would otherwise find nobody, and nobody would know why."""

    def __init__(self, network: Callable[..., Any], name: str) -> None:
        self._network = network
        self._name = name
        self.seconds = 0.0

    def __call__(self, x: Any) -> Any:
        start = time.perf_counter()
        outputs = self._network(x)
        self.seconds += time.perf_counter() - start
        for output in outputs if isinstance(outputs, tuple | list) else (outputs,):
            if isinstance(output, np.ndarray) and not _is_finite(output):
                raise NotFinite(f"model '{self._name}' gives values that are not finite")
        return outputs


def _is_finite(array: Array) -> bool:
    with np.errstate(all="ignore"):
        # The sum takes a tenth of the time, and is finite unless a value is not, or values are huge.
        return bool(np.isfinite(np.sum(array))) or bool(np.isfinite(array).all())
