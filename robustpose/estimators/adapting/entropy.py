"""Entropy: TENT-style steps of a network that gives heatmaps, on the scale and shift of its batch norms.

TENT (Wang et al., ICLR 2021) lowers the entropy of predicted classes. Heatmaps have no classes: in their place stand
the cells of each heatmap, by a softmax with a temperature. So this is not TENT, and results call it TENT-style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from robustpose.errors import UserError


def choose_heatmaps(outputs: Any) -> list[Tensor]:
    """Return the heatmaps (B, K, h, w) among a network's outputs; UserError for a network that gives none.

    Of a network that gives heatmaps and tags (B, 2K, h, w), and finer heatmaps (B, K, 2h, 2w), both heatmaps.
    """
    parts = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    shapes = [tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in parts]
    if len(parts) == 1 and parts[0].ndim == 4:
        return parts
    if len(parts) == 2 and all(len(shape) == 4 for shape in shapes) and shapes[0][1] == 2 * shapes[1][1]:
        return [parts[0][:, : shapes[1][1]], parts[1]]
    raise UserError(f"adapt=tent needs a network that gives heatmaps, got outputs {shapes}: take adapt=bn")


def measure_entropy(heatmaps: Sequence[Tensor], temperature: float) -> Tensor:
    """Return the mean entropy, in nats, of the softmax over the cells of each heatmap, over joints and crops.

    >>> flat = torch.zeros(1, 1, 2, 4)
    >>> round(float(measure_entropy([flat], temperature=0.1)), 4)  # log 8
    2.0794
    """
    logs = [(maps.float().flatten(2) / temperature).log_softmax(2) for maps in heatmaps]
    entropies = [-(log.exp() * log).sum(2).mean() for log in logs]
    return torch.stack(entropies).mean()
