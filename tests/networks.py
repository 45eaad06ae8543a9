"""Networks to test with: outlines without numbers, one that is not trivial, and what to compare of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from robustpose import models
from robustpose.models.small import SmallNet


def outline(name: str, joints: int = 17) -> Any:
    """Return a network of names and shapes without numbers: made and run in no time."""
    with torch.device("meta"):
        return models.build(name, joints)


def make_lively() -> SmallNet:
    """Return a network whose batch norms and heatmaps are not trivial."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SmallNet(17)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean = torch.randn(module.num_features) * 0.1
                module.running_var = torch.rand(module.num_features) + 0.5
        nn.init.normal_(network.head.weight)
    return network


def assert_tensors_are_named(network: nn.Module, expected: dict[str, list[int]]) -> None:
    """Assert that a network's tensors have these names and shapes, in this order."""
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == expected
    assert list(shapes) == list(expected)


def error_of(found: Any, expected: Any) -> float:
    """Return the largest error of an output, of the largest value that is expected."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())
