"""Measure batch norms: give a network whose statistics were folded away real ones, without changing what it computes.

Weights converted from other frameworks often have batch norms that do nothing: mean 0, variance 1. In training mode a
batch norm divides by the batch's statistics, so such a network would start as another function than it was.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def has_folded_norms(network: nn.Module) -> bool:
    """Tell whether most batch norms of a network have placeholder statistics and scales: 0, 1 and 1."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    n_idle = sum(
        norm.running_mean is not None
        and norm.running_var is not None
        and norm.affine
        and not norm.running_mean.any()
        and bool(((norm.running_var - 1).abs() < 1e-3).all())
        and bool((norm.weight == 1).all())
        and bool(norm.bias.any())  # a fresh one has no shift either
        for norm in norms
    )
    return 2 * n_idle > len(norms)


@torch.no_grad()
def measure_norms(network: nn.Module, crops: Tensor) -> None:
    """Set every batch norm's mean and variance to those of its input for `crops` (B, 3, h, w), its scale to match."""
    before = network.training
    hooks = [m.register_forward_pre_hook(_measure) for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    try:
        network.eval()(crops)
    finally:
        for hook in hooks:
            hook.remove()
        network.train(before)


def _measure(norm: nn.Module, inputs: tuple[Any, ...]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
    # A channel that never changes keeps a scale that can be divided by.
    variance = variance.clamp(min=norm.eps)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    norm.bias.add_((mean - norm.running_mean) * scale)
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
