"""A small bottom-up network, for drawn crowds and for tests: `small`'s trunk with HigherHRNet's two outputs."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.small import Residual, conv_unit

WIDTHS = (16, 32, 48, 64, 96, 128)  # channels at 1/2, 1/4, … 1/64 of the input: whole images need a wide view
UP_WIDTH = 48
FINE_WIDTH = 24


class SmallTagsNet(nn.Module):
    """Give heatmaps and tags (B, 2K, h/4, w/4), and finer heatmaps (B, K, h/2, w/2).

    Images are (B, 3, h, w) normalised, h and w multiples of 32.

    Args:
        n_joints: K.
    """

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        self.stem = conv_unit(3, WIDTHS[0], stride=2)  # 1/2
        self.down = nn.ModuleList(
            nn.Sequential(conv_unit(c_in, c_out, stride=2), Residual(c_out)) for c_in, c_out in pairwise(WIDTHS)
        )
        self.skip = nn.ModuleList(conv_unit(channels, UP_WIDTH, size=1) for channels in WIDTHS[1:])
        self.up = nn.ModuleList(conv_unit(UP_WIDTH, UP_WIDTH) for _ in WIDTHS[2:])
        self.coarse = nn.Conv2d(UP_WIDTH, 2 * n_joints, 1)
        self.narrow = conv_unit(UP_WIDTH + 2 * n_joints, FINE_WIDTH, size=1)
        self.fine_skip = conv_unit(WIDTHS[0], FINE_WIDTH, size=1)
        self.refine = conv_unit(FINE_WIDTH, FINE_WIDTH)
        self.fine = nn.Conv2d(FINE_WIDTH, n_joints, 1)
        for head in (self.coarse, self.fine):  # heatmaps are zero almost everywhere: start there
            for parameter in head.parameters():
                nn.init.normal_(parameter, std=0.001)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        stem = self.stem(x)
        x, features = stem, []  # (B, c, h/4, w/4), … (B, c, h/64, w/64)
        for down in self.down:
            x = down(x)
            features.append(x)
        x = self.skip[-1](features[-1])
        for i in reversed(range(len(self.up))):
            skip = self.skip[i](features[i])
            x = self.up[i](F.interpolate(x, skip.shape[2:], mode="nearest") + skip)
        coarse = self.coarse(x)
        x = F.interpolate(self.narrow(torch.cat([x, coarse], 1)), scale_factor=2.0, mode="nearest")
        return coarse, self.fine(self.refine(x + self.fine_skip(stem)))
