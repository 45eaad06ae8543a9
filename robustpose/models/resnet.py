"""ResNet (He et al., CVPR 2016): the blocks that other networks are built of, and the backbone. Official names.

Bottlenecks have their stride in the 3×3 convolution, as torchvision's and the published pose networks do.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # bottlenecks at 1/4, 1/8, 1/16, 1/32
OUT_CHANNELS = 2048


def conv_norm(
    c_in: int, c_out: int, *, size: int = 3, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    """Return convolution, batch norm and, with `relu`, ReLU; the map keeps its size, or is divided by `stride`."""
    layers = [nn.Conv2d(c_in, c_out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def start_near_zero(*heads: nn.Conv2d) -> None:
    """Draw small weights and biases, as SBL does (Xiao et al., ECCV 2018): heatmaps are zero almost everywhere."""
    for head in heads:
        for parameter in head.parameters():
            nn.init.normal_(parameter, std=0.001)


class BasicBlock(nn.Module):
    """Add two 3×3 convolutions to the identity: (B, c_in, h, w) -> (B, channels, h / stride, w / stride)."""

    expansion = 1

    def __init__(self, c_in: int, channels: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + identity, inplace=True)


class Bottleneck(nn.Module):
    """Add 1×1, 3×3 and 1×1 convolutions to the identity: (B, c_in, h, w) -> (B, 4·channels, h / stride, w / stride)."""

    expansion = 4

    def __init__(self, c_in: int, channels: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels * self.expansion)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        return F.relu(self.bn3(self.conv3(x)) + identity, inplace=True)


def stack_blocks(
    block: type[BasicBlock] | type[Bottleneck], c_in: int, channels: int, n_blocks: int, stride: int = 1
) -> nn.Sequential:
    """Return `n_blocks` blocks in a row, the first with the stride and, where shapes differ, a 1×1 on its identity."""
    c_out = channels * block.expansion
    downsample = None
    if stride != 1 or c_in != c_out:
        downsample = conv_norm(c_in, c_out, size=1, stride=stride, relu=False)
    blocks = [block(c_in, channels, stride, downsample)]
    blocks += [block(c_out, channels) for _ in range(1, n_blocks)]
    return nn.Sequential(*blocks)


class ResNet(nn.Module):
    """Give features (B, 2048, h/32, w/32) of images (B, 3, h, w); the depth is 50, 101 or 152."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        n_blocks = DEPTHS[depth]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stack_blocks(Bottleneck, 64, 64, n_blocks[0])
        self.layer2 = stack_blocks(Bottleneck, 256, 128, n_blocks[1], stride=2)
        self.layer3 = stack_blocks(Bottleneck, 512, 256, n_blocks[2], stride=2)
        self.layer4 = stack_blocks(Bottleneck, 1024, 512, n_blocks[3], stride=2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.max_pool2d(x, 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))
