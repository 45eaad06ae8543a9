"""Transposed convolutions by pixel shuffle: the large map's pixels as channels of the small map, then put in place.

The same sums in another order: a plain convolution. On a CPU, in float32, oneDNN is more than twice as fast that way
where a transposed convolution gives few channels, and up to 1.8 times where it takes very many.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def make_convolution(weight: Tensor, stride: int) -> Tensor:
    """Return the weight (c_out·s², c_in, t, t), t = ⌈k / s⌉, of a convolution from one (c_in, c_out, k, k), transposed.

    Large pixel s·q + r gets small pixel q − t by weight s·t + r: for every r one small kernel, the last t first.
    """
    missing = -weight.shape[2] % stride, -weight.shape[3] % stride
    whole = F.pad(weight, (0, missing[1], 0, missing[0]))
    return F.pixel_unshuffle(whole, stride).flip(2, 3).transpose(0, 1)


def place_pixels(channels: Tensor, stride: int, padding: int, size_hw: tuple[int, int]) -> Tensor:
    """Return (B, c_out, h, w) from what the convolution gave with a padding of t − 1, cut as `padding` says."""
    height, width = size_hw
    return F.pixel_shuffle(channels, stride)[:, :, padding : padding + height, padding : padding + width]


def convolve_transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, size_hw: tuple[int, int]
) -> Tensor:
    """Return what `F.conv_transpose2d` gives: (B, c_out, h, w) of the small map x (B, c_in, h', w').

    The weight is (c_in, c_out, k, k), the bias (c_out,). `padding` is cut off the full result above and to the left;
    the padding below and to the right, and the output padding, follow from `size_hw` = (h, w).
    """
    convolution = make_convolution(weight, stride)
    if x.is_contiguous(memory_format=torch.channels_last):
        convolution = convolution.contiguous(memory_format=torch.channels_last)
    bias = None if bias is None else bias.repeat_interleave(stride**2)
    padded = (convolution.shape[2] - 1, convolution.shape[3] - 1)
    return place_pixels(F.conv2d(x, convolution, bias, padding=padded), stride, padding, size_hw)
