"""Losses: how far heatmaps are from their targets."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def joints_mse(heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return half the mean squared error per joint, averaged over joints: the loss of SBL and HRNet.

    Args:
        heatmaps: (B, K, h, w).
        target: (B, K, h, w).
        weight: (B, K, 1); a joint of weight 0 adds nothing, but still counts in the average.
    """
    weight = weight[..., None]  # (B, K, 1, 1)
    return 0.5 * F.mse_loss(heatmaps * weight, target * weight)
