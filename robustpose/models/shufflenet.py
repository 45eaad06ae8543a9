"""ShuffleNetV2 of double width (Ma et al., ECCV 2018, Table 5) as PifPaf's trunk: without max-pool, official names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustpose.models.resnet import conv_norm

STEM_CHANNELS = 24
STAGES = ((244, 4), (488, 8), (976, 4))  # channels, units; the first unit of each halves the map
OUT_CHANNELS = 2048


class ShuffleUnit(nn.Module):
    """Filter one half of the channels, keep the other, and mix them: (B, c, h, w) -> (B, c, h, w).

    With stride 2 both branches see all channels: (B, c_in, h, w) -> (B, c_out, ⌈h / 2⌉, ⌈w / 2⌉). With stride 1,
    `c_out` is `c_in`; it is even.
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        half = c_out // 2
        self.splits = stride == 1
        if not self.splits:
            self.branch1 = nn.Sequential(*_filter_channels(c_in, stride), *conv_norm(c_in, half, size=1))
        self.branch2 = nn.Sequential(
            *conv_norm(half if self.splits else c_in, half, size=1),
            *_filter_channels(half, stride),
            *conv_norm(half, half, size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.splits:
            kept, filtered = x.chunk(2, dim=1)
            halves = torch.cat([kept, self.branch2(filtered)], dim=1)
        else:
            halves = torch.cat([self.branch1(x), self.branch2(x)], dim=1)
        return halves.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)  # channels of the halves alternate


class ShuffleNetV2(nn.Module):
    """Give features (B, 2048, ⌈h / 16⌉, ⌈w / 16⌉) of images (B, 3, h, w)."""

    out_channels = OUT_CHANNELS

    def __init__(self) -> None:
        super().__init__()
        layers = [conv_norm(3, STEM_CHANNELS, stride=2)]
        c_in = STEM_CHANNELS
        for c_out, n_units in STAGES:
            units = [ShuffleUnit(c_in, c_out, 2), *(ShuffleUnit(c_out, c_out, 1) for _ in range(1, n_units))]
            layers.append(nn.Sequential(*units))
            c_in = c_out
        self.net = nn.Sequential(*layers, conv_norm(c_in, OUT_CHANNELS, size=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def _filter_channels(channels: int, stride: int) -> nn.Sequential:
    return conv_norm(channels, channels, stride=stride, groups=channels, relu=False)
