"""A small heatmap network, for the demo and for tests: about a millisecond per crop on one CPU core.

Five halvings and three doublings with skip connections, plain 3×3 convolutions throughout: on a CPU they are faster
than depthwise ones with a third of the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.resnet import conv_norm, start_near_zero

WIDTHS = (16, 32, 48, 64, 96)  # channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input
UP_WIDTH = 32


class Trunk(nn.Module):
    """Halve an image several times, and double what is left, with what was seen on the way down.

    Args:
        widths: channels at 1/2, 1/4, … of the input.
        up_width: channels on the way up.
        n_ups: doublings.
    """

    def __init__(self, widths: Sequence[int], up_width: int, n_ups: int) -> None:
        super().__init__()
        self.stem = conv_norm(3, widths[0], stride=2)  # 1/2
        self.down = nn.ModuleList(
            nn.Sequential(conv_norm(c_in, c_out, stride=2), Residual(c_out)) for c_in, c_out in pairwise(widths)
        )
        self.skip = nn.ModuleList(conv_norm(channels, up_width, size=1) for channels in widths[-n_ups - 1 :])
        self.up = nn.ModuleList(conv_norm(up_width, up_width) for _ in range(n_ups))

    def climb(self, stem: Tensor) -> Tensor:
        """Return features (B, up_width, h', w') after the last doubling of what `self.stem` gave (B, c, h/2, w/2)."""
        x, features = stem, []
        for down in self.down:
            x = down(x)
            features.append(x)
        *seen, last = features[-len(self.skip) :]
        x = self.skip[-1](last)
        for up, skip, feature in reversed(list(zip(self.up, self.skip, seen, strict=False))):
            beside = skip(feature)
            x = up(F.interpolate(x, beside.shape[2:], mode="nearest") + beside)
        return x


class SmallNet(Trunk):
    """Give heatmaps (B, K, h/4, w/4) for normalised crops (B, 3, h, w), h and w multiples of 32."""

    def __init__(self, n_joints: int) -> None:
        super().__init__(WIDTHS, UP_WIDTH, n_ups=3)
        self.head = nn.Conv2d(UP_WIDTH, n_joints, 1)
        start_near_zero(self.head)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.climb(self.stem(x)))


class Residual(nn.Module):
    """Add two 3×3 convolutions to the identity (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm(channels, channels)
        self.second = conv_norm(channels, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))
