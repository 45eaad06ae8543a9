"""MobileNetV2 (Sandler et al., CVPR 2018) with SBL's deconvolutions: a pretrained network that trains on a CPU.

Names of the trunk are torchvision's. Stride-2 convolutions pad as TensorFlow's SAME does, on the far sides only, which
is what weights from there expect; crops are scaled to -1..1.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.resnet import start_near_zero
from robustpose.models.sbl import stack_deconvolutions

# Expansion, channels, blocks, stride of the first: Table 2 of the paper.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM_CHANNELS = 32
OUT_CHANNELS = 1280
DECONV_CHANNELS = (96, 96, 96)


class ConvUnit(nn.Sequential):
    """Convolution, batch norm and ReLU6."""

    def __init__(self, c_in: int, c_out: int, size: int = 3, stride: int = 1, groups: int = 1) -> None:
        self.far_padding = stride == 2
        padding = 0 if stride == 2 else size // 2
        super().__init__(
            nn.Conv2d(c_in, c_out, size, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU6(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.far_padding else x)


class InvertedResidual(nn.Module):
    """Widen by 1×1, filter each channel by 3×3, narrow by 1×1, and add the input where the shapes allow it."""

    def __init__(self, c_in: int, c_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = c_in * expansion
        widen = [ConvUnit(c_in, hidden, size=1)] if expansion > 1 else []
        filter_ = ConvUnit(hidden, hidden, stride=stride, groups=hidden)
        self.conv = nn.Sequential(*widen, filter_, nn.Conv2d(hidden, c_out, 1, bias=False), nn.BatchNorm2d(c_out))
        self.adds = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetPose(nn.Module):
    """Give heatmaps (B, K, h/4, w/4) of normalised crops (B, 3, h, w), h and w multiples of 32."""

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvUnit(3, STEM_CHANNELS, stride=2)]
        c_in = STEM_CHANNELS
        for expansion, c_out, n_blocks, stride in STAGES:
            for block in range(n_blocks):
                layers.append(InvertedResidual(c_in, c_out, stride if block == 0 else 1, expansion))
                c_in = c_out
        layers.append(ConvUnit(c_in, OUT_CHANNELS, size=1))
        self.features = nn.Sequential(*layers)
        self.deconv_layers = stack_deconvolutions(OUT_CHANNELS, DECONV_CHANNELS)
        self.final_layer = nn.Conv2d(DECONV_CHANNELS[-1], n_joints, 1)
        start_near_zero(self.final_layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.deconv_layers(self.features(x)))
