"""A small bottom-up network, for drawn crowds and tests: `small`'s trunk, deeper, with HigherHRNet's two outputs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.resnet import conv_norm, start_near_zero
from robustpose.models.small import Trunk

WIDTHS = (16, 32, 48, 64, 96, 128)  # channels at 1/2, 1/4, … 1/64 of the input: whole images need a wide view
UP_WIDTH = 48
FINE_WIDTH = 24


class SmallTagsNet(Trunk):
    """Give heatmaps and tags (B, 2K, h/4, w/4), and finer heatmaps (B, K, h/2, w/2).

    Images are (B, 3, h, w) normalised, h and w multiples of 32.
    """

    def __init__(self, n_joints: int) -> None:
        super().__init__(WIDTHS, UP_WIDTH, n_ups=4)  # to 1/4
        self.coarse = nn.Conv2d(UP_WIDTH, 2 * n_joints, 1)
        self.narrow = conv_norm(UP_WIDTH + 2 * n_joints, FINE_WIDTH, size=1)
        self.fine_skip = conv_norm(WIDTHS[0], FINE_WIDTH, size=1)
        self.refine = conv_norm(FINE_WIDTH, FINE_WIDTH)
        self.fine = nn.Conv2d(FINE_WIDTH, n_joints, 1)
        start_near_zero(self.coarse, self.fine)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        stem = self.stem(x)
        x = self.climb(stem)
        coarse = self.coarse(x)
        x = F.interpolate(self.narrow(torch.cat([x, coarse], 1)), scale_factor=2.0, mode="nearest")
        return coarse, self.fine(self.refine(x + self.fine_skip(stem)))
