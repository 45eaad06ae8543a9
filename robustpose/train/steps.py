"""Steps: one batch in, the networks updated, named losses out.

A step is all that the loop knows about a way of training. A batch holds `views` (B, V, 3, h, w) normalised, `target`
(B, K, h', w') and `weight` (B, K, 1).
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose.train.losses import joints_mse

Batch = dict[str, Tensor]


class Step(Protocol):
    """What the loop asks of a way of training. `network` is the one that is evaluated and kept as the product."""

    network: nn.Module

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Update once; return the losses, detached scalars."""
        ...

    def set_lr(self, lr: float) -> None:
        """Set the learning rate of every optimiser."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that the next updates depend on: tensors, numbers, strings."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        ...


class SupervisedStep:
    """Train one network on targets, with Adam; one view.

    Args:
        fabric: moves, wraps and differentiates.
        network: crops (B, 3, h, w) to heatmaps (B, K, h', w').
        lr: learning rate.
    """

    def __init__(self, fabric: Fabric, network: nn.Module, lr: float) -> None:
        self.network: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._fabric = fabric
        self._forward, self._optimizer = fabric.setup(self.network, torch.optim.Adam(network.parameters(), lr))

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        self._forward.train()
        crops = batch["views"][:, 0].contiguous(memory_format=torch.channels_last)  # (B, 3, h, w)
        loss = joints_mse(self._forward(crops), batch["target"], batch["weight"])
        self._optimizer.zero_grad()
        self._fabric.backward(loss)
        self._optimizer.step()
        return {"loss": loss.detach()}

    def set_lr(self, lr: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = lr

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
