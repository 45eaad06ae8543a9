"""What people write outside the package: their own network, their own mixers and a guesser of MPII's joints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from robustpose.train.settings_groups import MixingSettings
from tests.outside import guess_from_pixels


class TwoLayers(nn.Module):
    """Give heatmaps (B, K, h/4, w/4) of crops (B, 3, h, w).

    Args:
        n_joints: K.
    """

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, n_joints, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.norm(self.first(x)).relu())


def no_network(n_joints: int) -> int:
    """Return what is no network."""
    return n_joints


class Shares(nn.Module):
    """A mixer: the first view counts one half, the second a quarter, …; the last one gets the rest."""

    adversarial = False

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        shares = [0.5 ** (1 + i) for i in range(views.shape[1] - 1)]
        weights = views.new_tensor([*shares, 1 - sum(shares)]).view(1, -1, 1, 1).expand(len(views), -1, 1, 1)
        return (weights[..., None] * views).sum(1), weights


class LearnedShares(nn.Module):
    """A mixer that learns one weight a view, for all crops, against the student."""

    adversarial = True

    def __init__(self, n_views: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(n_views))

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.logits.softmax(0).view(1, -1, 1, 1).expand(len(views), -1, 1, 1)
        return (weights[..., None] * views).sum(1), weights


def learn_shares(n_views: int, input_wh: tuple[int, int], mixing: MixingSettings) -> LearnedShares:
    """Return a mixer of so many views."""
    assert input_wh == (32, 64)
    assert mixing.generator_width == 4
    return LearnedShares(n_views)


half = Shares()  # a mixer that is there already


class Flagless(nn.Module):
    """No mixer: nobody knows whether it learns."""

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        return views[:, 0], views[:, :, :1, :1, 0]


class Mean(nn.Module):
    """No mixer: it forgets the weights."""

    adversarial = False

    def forward(self, views: Tensor) -> Tensor:
        return views.mean(1)


def guess_mpii(image: npt.NDArray[np.uint8], boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return as many joints as MPII has, where `guess_from_pixels` puts them."""
    return guess_from_pixels(image, boxes)[:, :16]  # type: ignore[no-any-return,no-untyped-call]
