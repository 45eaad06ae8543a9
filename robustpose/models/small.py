"""A small heatmap network, for the demo and for tests: about a millisecond per crop on one CPU core.

Five halvings and three doublings with skip connections, plain 3×3 convolutions throughout: on a CPU they are faster
than depthwise ones with a third of the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

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
        self.stem = conv_unit(3, widths[0], stride=2)  # 1/2
        self.down = nn.ModuleList(
            nn.Sequential(conv_unit(c_in, c_out, stride=2), Residual(c_out)) for c_in, c_out in pairwise(widths)
        )
        self.skip = nn.ModuleList(conv_unit(channels, up_width, size=1) for channels in widths[-n_ups - 1 :])
        self.up = nn.ModuleList(conv_unit(up_width, up_width) for _ in range(n_ups))

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
    """Give heatmaps (B, K, h/4, w/4) for normalised crops (B, 3, h, w), h and w multiples of 32.

    Args:
        n_joints: K.
    """

    def __init__(self, n_joints: int) -> None:
        super().__init__(WIDTHS, UP_WIDTH, n_ups=3)
        self.head = nn.Conv2d(UP_WIDTH, n_joints, 1)
        # Heatmaps are zero almost everywhere: start there, as SBL does (Xiao et al., ECCV 2018).
        for parameter in self.head.parameters():
            nn.init.normal_(parameter, std=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.climb(self.stem(x)))


class Residual(nn.Module):
    """Add two 3×3 convolutions to the identity (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_unit(channels, channels)
        self.second = conv_unit(channels, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def conv_unit(c_in: int, c_out: int, *, size: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Return convolution, batch norm and, with `relu`, ReLU."""
    layers = [nn.Conv2d(c_in, c_out, size, stride, size // 2, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)
