"""What estimators of the three families have in common: a network, and what its input and its joints are."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Generic, TypeVar, cast

import numpy as np

from robustpose.errors import NotFinite
from robustpose.estimators.running.batches import Array, Normaliser
from robustpose.models.input_spec import InputSpec
from robustpose.pose.joint_names import find_names
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, Image, Poses, reorder_joints

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
        self._adapts = hasattr(network, "adapt")
        self.images_per_group: int = getattr(network, "n_images", 1)
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
        found = self._find_adapted(frames) if self._adapts else self._find_poses(frames)
        if self.found_skeleton.joints == self.skeleton.joints:
            return found
        return [reorder_joints(poses, self._order) for poses in found]

    def _find_adapted(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses of frames, whose groups the network adapts to one after the other."""
        found = []
        for start in range(0, len(frames), self.images_per_group):
            group = frames[start : start + self.images_per_group]
            self._checked.adapt(partial(self._list_batches, group))
            found += self._find_poses(group)
        return found

    def _list_batches(self, frames: Sequence[Frame], size: int) -> Sequence[Callable[[], Array]]:
        """Return what makes each batch of the network's inputs for frames, of `size` people; not mirrored.

        Of networks that look at whole images, a batch is one image.
        """

        def make(frame: Frame) -> Array:
            return self._make_input(frame.image)

        return [partial(make, frame) for frame in frames]

    def _make_input(self, image: Image) -> Array:
        """Return the input (1, 3, h, w) of a network that looks at whole images."""
        raise NotImplementedError  # not needed by others, and by networks that do not adapt

    @abstractmethod
    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses found in each frame, with the joints of `found_skeleton`."""


class _CheckedNetwork:
    """A network whose outputs are finite: broken weights would otherwise find nobody, and nobody would know why."""

    def __init__(self, network: Callable[..., Any], name: str) -> None:
        self._network = network
        self._name = name
        self.seconds = 0.0

    def adapt(self, list_batches: Callable[[int], Sequence[Callable[[], Array]]]) -> None:
        """Have the network adapt to batches of its inputs, which are made of as many people as it likes."""
        start = time.perf_counter()
        network: Any = self._network
        network.adapt(list_batches(network.batch_size))
        self.seconds += time.perf_counter() - start

    def check_group(self, n: int, input_wh: tuple[int, int]) -> tuple[str, ...]:
        """Raise UserError if adapting to `n` people at once takes too much memory; return why it could be in part."""
        network: Any = self._network
        found: tuple[str, ...] = network.check_group(n, input_wh)
        return found

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
