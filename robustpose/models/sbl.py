"""SBL, the simple baseline: a ResNet and three deconvolutions (Xiao et al., ECCV 2018). Official parameter names."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from robustpose.models.resnet import OUT_CHANNELS, ResNet, start_near_zero

DECONV_CHANNELS = (256, 256, 256)


class SimpleBaseline(ResNet):
    """Give heatmaps (B, K, h/4, w/4) of normalised crops (B, 3, h, w), h and w multiples of 32. See `ResNet`."""

    def __init__(self, depth: int, n_joints: int) -> None:
        super().__init__(depth)
        self.deconv_layers = stack_deconvolutions(OUT_CHANNELS, DECONV_CHANNELS)
        self.final_layer = nn.Conv2d(DECONV_CHANNELS[-1], n_joints, 1)
        start_near_zero(self.final_layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.deconv_layers(super().forward(x)))


def stack_deconvolutions(c_in: int, channels: tuple[int, ...]) -> nn.Sequential:
    """Return 4×4 deconvolutions with batch norm and ReLU, each of which doubles the resolution."""
    layers: list[nn.Module] = []
    for c_out in channels:
        deconvolution = nn.ConvTranspose2d(c_in, c_out, 4, 2, 1, bias=False)
        nn.init.normal_(deconvolution.weight, std=0.001)
        layers += [deconvolution, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]
        c_in = c_out
    return nn.Sequential(*layers)


# Functions of the number of joints.
sbl_r50, sbl_r101, sbl_r152 = (partial(SimpleBaseline, depth) for depth in (50, 101, 152))
