"""What estimators of the three families have in common: a network, and what its input and its joints are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from robustpose.estimators.running.batches import Normaliser
from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import Skeleton

N = TypeVar("N", bound=Callable[..., Any])


class NetworkEstimator(Estimator, Generic[N]):
    """An estimator with a network of type N, which must find the joints of the skeleton."""

    def __init__(self, network: N, input_spec: InputSpec, skeleton: Skeleton) -> None:
        input_spec.check_joints(skeleton)
        self.skeleton = skeleton
        self.input_spec = input_spec
        self.provenance: dict[str, object] = {"kind": input_spec.family, "name": input_spec.name}
        self._network = network
        self._normaliser = Normaliser(input_spec)
