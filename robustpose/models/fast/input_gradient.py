"""Gradients of images: faster through the first convolution of a network whose weights are fixed.

Passing a gradient back through a convolution of stride 2 is a transposed convolution, here one that gives three
channels, which oneDNN is slow at (`shuffle`). For float32 on a CPU, with channels last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.fast.shuffle import convolve_transposed

FEW_CHANNELS = 4  # of an image


class _FixedConvolution(torch.autograd.Function):
    """A convolution that has a gradient of its input only."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, convolution: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(convolution.weight)
        ctx.place = convolution.stride[0], convolution.padding[0], tuple(x.shape[2:])
        return F.conv2d(x, convolution.weight, convolution.bias, convolution.stride, convolution.padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (weight,), (stride, padding, size_hw) = ctx.saved_tensors, ctx.place
        found = convolve_transposed(gradients[0], weight, None, stride, padding, size_hw)
        # The last rows and columns of an image may be under no kernel: nothing depends on them.
        return F.pad(found, (0, size_hw[1] - found.shape[3], 0, size_hw[0] - found.shape[2])), None


@contextmanager
def fast_input_gradient(network: nn.Module) -> Iterator[None]:
    """Let gradients of images take the faster way, while the weights need none."""
    changed = [module for module in network.modules() if isinstance(module, nn.Conv2d) and _suits(module)]
    for convolution in changed:
        vars(convolution)["forward"] = partial(_convolve, convolution)
    try:
        yield
    finally:
        for convolution in changed:
            del vars(convolution)["forward"]


def _suits(convolution: nn.Conv2d) -> bool:
    if type(convolution) is not nn.Conv2d or "forward" in vars(convolution) or convolution.padding_mode != "zeros":
        return False
    is_of_images = convolution.in_channels <= FEW_CHANNELS and convolution.groups == 1
    if isinstance(convolution.padding, str) or convolution.dilation != (1, 1) or not is_of_images:
        return False
    pairs: Any = (convolution.kernel_size, convolution.stride, convolution.padding)
    return convolution.stride[0] > 1 and all(x == y for x, y in pairs)


def _convolve(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    is_float32_on_cpu = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    is_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    if is_float32_on_cpu and is_last and x.requires_grad and not convolution.weight.requires_grad:
        return _FixedConvolution.apply(x, convolution)
    return type(convolution).forward(convolution, x)
