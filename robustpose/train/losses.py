"""Losses: how far heatmaps are from their targets, or from a teacher's heatmaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
LossName = Literal["mse", "smooth_l1"]


def joints_mse(heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return half the mean squared error per joint, averaged over joints: the loss of SBL and HRNet.

    Args:
        heatmaps: (B, K, h, w).
        target: (B, K, h, w).
        weight: (B, K, 1); a joint of weight 0 adds nothing, but still counts in the average.
    """
    weight = weight[..., None]  # (B, K, 1, 1)
    return 0.5 * F.mse_loss(heatmaps * weight, target * weight)


def joints_smooth_l1(heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return half the smooth L1 error (beta 1) per joint, averaged over joints: what AdvMix's program trains with.

    Its paper says mean squared error (Wang et al., CVPR 2021, eq. 4); for errors below 1 this is half of `joints_mse`.
    """
    weight = weight[..., None]
    return 0.5 * F.smooth_l1_loss(heatmaps * weight, target * weight)


LOSSES: dict[LossName, Loss] = {"mse": joints_mse, "smooth_l1": joints_smooth_l1}
