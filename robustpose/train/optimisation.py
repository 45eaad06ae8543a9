"""Optimisation: how weights follow their gradients: Adam, clipping, an average of the weights, batches in parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from robustpose.models.fast.input_gradient import fast_input_gradient


@dataclass(frozen=True)
class Optimisation:
    """Say how student and generator learn."""

    lr: float = 1e-3  # first learning rate of the student
    generator_lr: float | None = None  # of the generator; None for the same
    clip: float | None = None  # largest norm of a gradient; None for any
    ema: float | None = None  # share of the old in every new average of the student's weights, 0..1; None for none
    accumulate: int = 1  # parts that a batch is done in, for want of memory
    in_sync: bool = False  # whether batch norms see what all processes pass at the same time
    # In AdvMix's turns, the student's batch norms take in the generator's pass, too, as in the published program.
    second_norm_update: bool = True


class Learner:
    """A network that learns with Adam; `lr`, `clip` and `ema` as in `Optimisation`, `fabric` as in `steps.Step`."""

    def __init__(
        self, fabric: Fabric, network: nn.Module, lr: float, clip: float | None = None, ema: float | None = None
    ) -> None:
        self.network = network
        self._fabric = fabric
        self._lr = lr
        self._clip = clip
        self.forward, self._optimizer = fabric.setup(network, torch.optim.Adam(network.parameters(), lr))
        self._average: AveragedModel | None = None
        if ema is not None:
            self._average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True)
        parts = {"network": network, "optimizer": self._optimizer, "average": self._average}
        self._parts: dict[str, Any] = {name: part for name, part in parts.items() if part is not None}

    @property
    def product(self) -> nn.Module:
        """Return the network to keep: the average, where there is one."""
        return self.network if self._average is None else self._average.module

    def start(self) -> None:
        """Go into training mode, and forget the gradients."""
        self.forward.train()
        self._optimizer.zero_grad()

    def update(self) -> None:
        """Follow the gradients once."""
        if self._clip is not None:
            self._fabric.clip_gradients(self.forward, self._optimizer, max_norm=self._clip, error_if_nonfinite=False)
        self._optimizer.step()
        if self._average is not None:
            self._average.update_parameters(self.network)

    def set_lr_factor(self, factor: float) -> None:
        """Multiply the first learning rate."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._lr * factor

    def state(self) -> dict[str, Any]:
        """Return all that the next updates depend on."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def describe_state(self) -> dict[str, Any]:
        """Return what `state` gives once there were updates, of any values: see `checkpoint.find_difference`."""
        moments = {
            number: {"step": torch.zeros(()), "exp_avg": parameter, "exp_avg_sq": parameter}
            for number, parameter in enumerate(self.network.parameters())
        }
        return {**self.state(), "optimizer": {"state": moments, "param_groups": None}}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned, but for the optimiser's own settings."""
        own = self._optimizer.state_dict()["param_groups"]
        state = {**state, "optimizer": {**state["optimizer"], "param_groups": own}}
        for name, part in self._parts.items():
            part.load_state_dict(state[name])


@contextmanager
def hold_weights(network: nn.Module, norms_learn: bool) -> Iterator[None]:
    """Keep the weights of a network from a pass in training mode, and its batch norms' statistics unless `norms_learn`.

    Gradients of the input are still computed, faster where they can be.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    tracking = [norm.track_running_stats for norm in norms]
    for parameter in trainable:
        parameter.requires_grad_(False)
    for norm in norms:
        norm.track_running_stats = norm.track_running_stats and norms_learn
    try:
        with fast_input_gradient(network):
            yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        for norm, before in zip(norms, tracking, strict=True):
            norm.track_running_stats = before


def find_layout(network: nn.Module) -> torch.memory_format:
    """Return how a network wants its images to lie in memory: as its weights do."""
    weights = [p for p in network.parameters() if p.ndim == 4 and p.shape[1] > 1 and p[0, 0].numel() > 1]
    is_last = bool(weights) and all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)
    return torch.channels_last if is_last else torch.contiguous_format
