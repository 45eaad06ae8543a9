"""ShuffleNetV2 of double width (Ma et al., ECCV 2018, Table 5) as PifPaf's trunk: without max-pool, official names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEM_CHANNELS = 24
STAGES = ((244, 4), (488, 8), (976, 4))  # channels, units; the first unit of each halves the map
OUT_CHANNELS = 2048


class ShuffleUnit(nn.Module):
    """Filter one half of the channels, keep the other, and mix them: (B, c, h, w) -> (B, c, h, w).

    Where the shapes change, both branches see all channels: (B, c_in, h, w) -> (B, c_out, ⌈h / 2⌉, ⌈w / 2⌉).

    Args:
        c_in: channels of the input.
        c_out: channels of the output, even; the same as `c_in` for stride 1.
        stride: 1 or 2.
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        half = c_out // 2
        self.splits = stride == 1
        if not self.splits:
            self.branch1 = nn.Sequential(*_filter_channels(c_in, stride), *_mix_channels(c_in, half))
        self.branch2 = nn.Sequential(
            *_mix_channels(half if self.splits else c_in, half),
            *_filter_channels(half, stride),
            *_mix_channels(half, half),
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
        stem = nn.Conv2d(3, STEM_CHANNELS, 3, 2, 1, bias=False)
        layers: list[nn.Module] = [nn.Sequential(stem, nn.BatchNorm2d(STEM_CHANNELS), nn.ReLU(inplace=True))]
        c_in = STEM_CHANNELS
        for c_out, n_units in STAGES:
            units = [ShuffleUnit(c_in, c_out, 2), *(ShuffleUnit(c_out, c_out, 1) for _ in range(1, n_units))]
            layers.append(nn.Sequential(*units))
            c_in = c_out
        layers.append(nn.Sequential(*_mix_channels(c_in, OUT_CHANNELS)))
        self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def _mix_channels(c_in: int, c_out: int) -> list[nn.Module]:
    return [nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]


def _filter_channels(channels: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False), nn.BatchNorm2d(channels)]
