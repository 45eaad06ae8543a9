"""HRNet: branches of four resolutions that exchange what they know (Sun et al., CVPR 2019). Official parameter names.

HigherHRNet has heatmaps and tags at two resolutions on the same trunk (Cheng et al., CVPR 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.resnet import BasicBlock, Bottleneck, conv_norm, stack_blocks, start_near_zero

N_MODULES = {2: 1, 3: 4, 4: 3}  # by stage
BLOCKS_PER_BRANCH = 4
STEM_CHANNELS = 256  # of layer1
N_BLOCKS = 4  # of HigherHRNet, after the transposed convolution


class HRNetTrunk(nn.Module):
    """Give features (B, width, h/4, w/4) of images (B, 3, h, w), h and w multiples of 32.

    The finest branch has C = width channels; the others have 2C, 4C and 8C.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(4)]
        self.conv1 = nn.Conv2d(3, 64, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = stack_blocks(Bottleneck, 64, 64, 4)
        self.transition1 = _transition([STEM_CHANNELS], widths[:2])
        self.stage2 = _stage(2, widths[:2])
        self.transition2 = _transition(widths[:2], widths[:3])
        self.stage3 = _stage(3, widths[:3])
        self.transition3 = _transition(widths[:3], widths[:4])
        self.stage4 = _stage(4, widths[:4], finest_only=True)

    def compute_features(self, x: Tensor) -> Tensor:
        """Return the features."""
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        branches = [self.layer1(x)]
        branches = self.stage2(_cross(self.transition1, branches))
        branches = self.stage3(_cross(self.transition2, branches))
        return self.stage4(_cross(self.transition3, branches))[0]


class HRNet(HRNetTrunk):
    """Give heatmaps (B, K, h/4, w/4) of normalised crops (B, 3, h, w), h and w multiples of 32; width is 32 or 48."""

    def __init__(self, width: int, n_joints: int) -> None:
        super().__init__(width)
        self.final_layer = nn.Conv2d(width, n_joints, 1)
        start_near_zero(self.final_layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.compute_features(x))


class HigherHRNet(HRNetTrunk):
    """Find all people of an image: heatmaps say where joints are, tags which of them belong together.

    Images (B, 3, h, w), h and w multiples of 32, become two outputs: K heatmaps and K tag maps (B, 2K, h/4, w/4), and
    K finer heatmaps (B, K, h/2, w/2). The width is 32 or 48.
    """

    def __init__(self, width: int, n_joints: int) -> None:
        super().__init__(width)
        heads = [nn.Conv2d(width, 2 * n_joints, 1), nn.Conv2d(width, n_joints, 1)]
        self.final_layers = nn.ModuleList(heads)
        upsample = nn.Sequential(
            nn.ConvTranspose2d(width + 2 * n_joints, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        blocks = [stack_blocks(BasicBlock, width, width, 1) for _ in range(N_BLOCKS)]
        self.deconv_layers = nn.ModuleList([nn.Sequential(upsample, *blocks)])
        for head in heads:
            nn.init.normal_(head.weight, std=0.001)
            nn.init.zeros_(cast(Tensor, head.bias))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.compute_features(x)
        coarse = self.final_layers[0](x)
        fine = self.final_layers[1](self.deconv_layers[0](torch.cat([x, coarse], 1)))
        return coarse, fine


class ExchangeModule(nn.Module):
    """Four blocks on every branch, then every branch becomes the sum of all, brought to its resolution.

    The finest branch is first; with `finest_only` it alone is given.
    """

    def __init__(self, widths: Sequence[int], finest_only: bool = False) -> None:
        super().__init__()
        self.branches = nn.ModuleList(stack_blocks(BasicBlock, c, c, BLOCKS_PER_BRANCH) for c in widths)
        targets = range(1 if finest_only else len(widths))
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_bring(widths, source, target) for source in range(len(widths))) for target in targets
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        branches = [blocks(x) for blocks, x in zip(self.branches, branches, strict=True)]
        fused = []
        for layers in self.fuse_layers:
            first, *rest = (layer(x) for layer, x in zip(cast(nn.ModuleList, layers), branches, strict=True))
            fused.append(F.relu(sum(rest, start=first)))
        return fused


def _bring(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """Return what brings branch `source` to the resolution and width of branch `target`."""
    c_in, c_out = widths[source], widths[target]
    if source == target:
        return nn.Identity()
    if source > target:
        up = nn.Upsample(scale_factor=2.0 ** (source - target), mode="nearest")
        return nn.Sequential(*conv_norm(c_in, c_out, size=1, relu=False), up)
    halvings = [conv_norm(c_in, c_in, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, conv_norm(c_in, c_out, stride=2, relu=False))


def _stage(number: int, widths: Sequence[int], finest_only: bool = False) -> nn.Sequential:
    last = N_MODULES[number] - 1
    return nn.Sequential(*(ExchangeModule(widths, finest_only and i == last) for i in range(N_MODULES[number])))


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Return what makes the branches of a stage from those of the one before: one more, half as fine as the last."""
    layers: list[nn.Module] = []
    for i, width in enumerate(after):
        if i >= len(before):
            layers.append(nn.Sequential(conv_norm(before[-1], width, stride=2)))
        else:
            layers.append(nn.Identity() if before[i] == width else conv_norm(before[i], width))
    return nn.ModuleList(layers)


def _cross(transition: nn.ModuleList, branches: list[Tensor]) -> list[Tensor]:
    """Return the branches of the next stage; a new one comes from the coarsest there is."""
    return [layer(branches[min(i, len(branches) - 1)]) for i, layer in enumerate(transition)]


# Functions of the number of joints.
hrnet_w32, hrnet_w48 = (partial(HRNet, width) for width in (32, 48))
higherhrnet_w32, higherhrnet_w48 = (partial(HigherHRNet, width) for width in (32, 48))
