"""Steps: one batch in, the networks updated, named losses out.

A step is all that the loop knows about a way of training. A batch holds `views` (B, V, 3, h, w) normalised, and what
the objective wants: for heatmaps `target` (B, K, h', w') and `weight` (B, K, 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from robustpose.train.losses import LossName
from robustpose.train.mixing import LastView
from robustpose.train.objectives import Batch, HeatmapObjective, Objective, take_batch


class Step(Protocol):
    """What the loop asks of a way of training.

    `network` is the one that is evaluated and kept as the product; `mixer` makes one picture of the views.
    """

    @property
    def network(self) -> nn.Module: ...
    @property
    def mixer(self) -> nn.Module: ...

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Update once; return the losses, detached scalars."""
        ...

    def set_lr_factor(self, factor: float) -> None:
        """Multiply the first learning rate of every optimiser."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that the next updates depend on: tensors, numbers, strings."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        ...


class Learner:
    """A network that learns: with its optimiser (Adam), gradient clipping, and if wanted an average of its weights.

    Args:
        fabric: moves, wraps and differentiates.
        network: what learns.
        lr: first learning rate.
        clip: largest norm of a gradient; None for any.
        ema: share of the old in every new average of the weights, 0..1; None for no average.
    """

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

    @property
    def product(self) -> nn.Module:
        """Return the network to keep: the average, where there is one."""
        return self.network if self._average is None else self._average.module

    def clear(self) -> None:
        """Forget the gradients."""
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
        state = {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}
        return state if self._average is None else {**state, "average": self._average.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])


class SupervisedStep:
    """Train one network on targets, with one view.

    Args:
        fabric: moves, wraps and differentiates.
        network: crops (B, 3, h, w) to heatmaps (B, K, h', w'), or to what the objective takes.
        lr: learning rate.
        loss: row of `LOSSES`.
        objective: what is learned; None for heatmaps.
        clip: largest norm of the gradient; None for any.
        ema: see `Learner`.
        accumulate: parts that a batch is done in, for want of memory.
    """

    def __init__(
        self,
        fabric: Fabric,
        network: nn.Module,
        lr: float,
        *,
        loss: LossName = "mse",
        objective: Objective | None = None,
        clip: float | None = None,
        ema: float | None = None,
        accumulate: int = 1,
    ) -> None:
        self._fabric = fabric
        self._objective = objective or HeatmapObjective(loss)
        self._accumulate = accumulate
        self._student = Learner(fabric, network, lr, clip, ema)
        self._layout = find_layout(network)
        self.mixer: nn.Module = LastView()

    @property
    def network(self) -> nn.Module:
        return self._student.product

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        self._student.forward.train()
        self._student.clear()
        losses: dict[str, Tensor] = {}
        for part, share in split(batch, self._accumulate):
            crops = self.mixer(part["views"])[0].contiguous(memory_format=self._layout)
            parts = self._objective.task(self._student.forward(crops), part)
            loss = torch.stack(list(parts.values())).sum()
            self._fabric.backward(loss * share)
            for name, value in {"loss": loss, **(parts if len(parts) > 1 else {})}.items():
                losses[name] = losses.get(name, 0) + value.detach() * share
        self._student.update()
        return losses

    def set_lr_factor(self, factor: float) -> None:
        self._student.set_lr_factor(factor)

    def state(self) -> dict[str, Any]:
        return self._student.state()

    def restore(self, state: dict[str, Any]) -> None:
        self._student.restore(state)


def split(batch: Batch, n_parts: int) -> Iterator[tuple[Batch, float]]:
    """Yield the parts of a batch, and what share of it each is."""
    n_crops = len(batch["views"])
    for part in torch.arange(n_crops).tensor_split(min(n_parts, n_crops)):
        start, stop = int(part[0]), int(part[-1]) + 1
        yield take_batch(batch, slice(start, stop)), (stop - start) / n_crops


def find_layout(network: nn.Module) -> torch.memory_format:
    """Return how a network wants its pictures to lie in memory: as its weights do."""
    weights = [p for p in network.parameters() if p.ndim == 4 and p.shape[1] > 1 and p[0, 0].numel() > 1]
    is_last = bool(weights) and all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)
    return torch.channels_last if is_last else torch.contiguous_format
