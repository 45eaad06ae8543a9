"""U-Net: the generator of AdvMix, which weighs the views of a crop pixel by pixel. Official parameter names.

The network of pix2pix (Isola et al., CVPR 2017) without dropout and without tanh: stride-2 convolutions of 4×4 down,
transposed ones up, and every level sees what the level above it was made of. Instance norm takes its statistics from
the crop at hand, in training and after: what a crop gives does not depend on its batch.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.fast import SLOPE, NormAndLeakyReLU, NormBesideAndReLU, convolve_transposed

MOST_DOWNS = 6  # published, for 256×192
WIDEST = 8  # channels double up to this multiple of the first width


class UNet(nn.Module):
    """Give `c_out` logits per pixel (B, c_out, h, w) of normalised views (B, c_in, h, w), of any size.

    Where 2**n_downs does not divide a side, the input is padded below and to the right, and the output cut. Padding
    repeats the border: reflection would need sides longer than what is added. All views together have `c_in` channels.
    They are halved `n_downs` times, 2 or more (`choose_depth`), and have `width` channels after the first halving.
    """

    def __init__(self, c_in: int = 9, c_out: int = 3, n_downs: int = MOST_DOWNS, width: int = 64) -> None:
        super().__init__()
        if n_downs < 2:
            raise UserError(f"a U-Net needs n_downs of 2 or more, got {n_downs}")
        self.n_downs = n_downs
        widths = [width * min(2**i, WIDEST) for i in range(n_downs)]
        block: SkipBlock | None = None
        for outer, inner in zip(widths[-2::-1], widths[:0:-1], strict=True):  # innermost first
            block = SkipBlock(outer, inner, block)
        assert block is not None
        layers = nn.Sequential(
            nn.Conv2d(c_in, width, 4, 2, 1), block, nn.ReLU(inplace=True), nn.ConvTranspose2d(2 * width, c_out, 4, 2, 1)
        )
        self.model = nn.Sequential(OrderedDict(model=layers))  # two levels of the official names

    def forward(self, views: Tensor) -> Tensor:
        height, width = views.shape[2:]
        below, right = -height % 2**self.n_downs, -width % 2**self.n_downs
        if below or right:
            views = F.pad(views, (0, right, 0, below), mode="replicate")
        logits = self._compute_fast(views) if self._can_be_fast(views) else self.model(views)
        return logits[:, :, :height, :width]

    def _can_be_fast(self, views: Tensor) -> bool:
        """Tell whether speed was asked for, by weights with channels last, and is to be had: float32 on a CPU."""
        layers: Any = self.model
        weight = layers.model[1].model[1].weight
        is_float32_on_cpu = views.device.type == "cpu" and views.dtype == weight.dtype == torch.float32
        is_last = weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
        return is_float32_on_cpu and is_last and not torch.is_autocast_enabled("cpu")

    def _compute_fast(self, views: Tensor) -> Tensor:
        """Return what `self.model` does, with fewer and faster operations; sums have another order."""
        layers: Any = self.model
        first, block, _, last = layers.model
        x = block.compute_fast(F.leaky_relu_(first(views), SLOPE))
        return convolve_transposed(x, last.weight, last.bias, 2, 1, (views.shape[2], views.shape[3]))


class SkipBlock(nn.Module):
    """Halve, go through the next block, double, and give that beside the input: (B, c, h, w) -> (B, 2c, h, w).

    The innermost has no next `block`, and no norm in its place: its map may be a single pixel.
    """

    def __init__(self, outer: int, inner: int, block: SkipBlock | None) -> None:
        super().__init__()
        # In place, the activation changes the input that is given on, too. It goes through a ReLU next, all the same.
        layers: list[nn.Module] = [nn.LeakyReLU(SLOPE, inplace=True), nn.Conv2d(outer, inner, 4, 2, 1)]
        if block is not None:
            layers += [InstanceNorm(), block]
        c_below = inner if block is None else 2 * inner
        layers += [nn.ReLU(inplace=True), nn.ConvTranspose2d(c_below, outer, 4, 2, 1), InstanceNorm()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.model(x)], dim=1)

    def compute_fast(self, x: Tensor) -> Tensor:
        """Return the ReLU of what `forward` does; x has been through the LeakyReLU already."""
        layers: Any = self.model
        down, up = layers[1], layers[-2]
        if len(layers) == 5:  # the innermost: no norm
            below = F.relu_(down(x))
        else:
            below = F.conv2d(x, down.weight, None, 2, 1)
            below = layers[3].compute_fast(NormAndLeakyReLU.apply(below, down.bias))
        return NormBesideAndReLU.apply(x, F.conv_transpose2d(below, up.weight, None, 2, 1), up.bias)


def choose_depth(input_wh: tuple[int, int]) -> int:
    """Return how many halvings suit crops of `input_wh` px: the published 6 where that needs no padding, else 5.

    Fewer for crops so small that one pixel would be left of them (with padding, if need be); of crops of 4 px or less
    nothing would be left, a UserError.
    """
    if all(side % 2**MOST_DOWNS == 0 and side > 2**MOST_DOWNS for side in input_wh):
        return MOST_DOWNS
    longest = max(input_wh)
    if longest <= 4:
        raise UserError(f"a U-Net needs crops with a side above 4 px, got {input_wh[0]}×{input_wh[1]}")
    return next(depth for depth in range(MOST_DOWNS - 1, 1, -1) if longest > 2**depth)


class InstanceNorm(nn.Module):
    """Bring every channel of every image to mean 0 and variance 1: instance norm without affine.

    With channels last it is a group norm with a group per channel: the same, and several times as fast there.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x) if x.is_contiguous() else F.group_norm(x, x.shape[1])
