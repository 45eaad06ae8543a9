"""HigherHRNet: HRNet with heatmaps and tags at two resolutions (Cheng et al., CVPR 2020). Official parameter names."""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from robustpose.models.hrnet import HRNetTrunk
from robustpose.models.resnet import BasicBlock, stack_blocks

N_BLOCKS = 4  # after the transposed convolution


class HigherHRNet(HRNetTrunk):
    """Find all people of an image: heatmaps say where joints are, tags which of them belong together.

    Images (B, 3, h, w), h and w multiples of 32, become two outputs: K heatmaps and K tag maps (B, 2K, h/4, w/4), and
    K finer heatmaps (B, K, h/2, w/2).

    Args:
        width: 32 or 48.
        n_joints: K.
    """

    def __init__(self, width: int, n_joints: int) -> None:
        super().__init__(width)
        self.n_joints = n_joints
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


higherhrnet_w32, higherhrnet_w48 = (partial(HigherHRNet, width) for width in (32, 48))  # of the number of joints
