"""Instance norm with what stands around it in a U-Net, crop by crop: for float32 on a CPU, with channels last.

PyTorch's own, and its group norm, take several times as long there for the gradient. A batch norm of a single crop is
an instance norm; one crop at a time stays in the processor's cache from one operation to the next.

A norm takes away what was added to a channel: the bias of the convolution before it is left out, its gradient zero.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

EPS = 1e-5
SLOPE = 0.2  # of pix2pix's LeakyReLU


class NormAndLeakyReLU(torch.autograd.Function):
    """Normalise x (B, c, h, w), and let pass 0.2 of what is negative. The second argument is the bias left out of x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor) -> Tensor:
        y = torch.empty_like(x)
        stats = x.new_empty(len(x), 2, x.shape[1])
        for crop in range(len(x)):
            _normalize(x[crop : crop + 1], y[crop : crop + 1], stats[crop])
            torch.ops.aten.leaky_relu_(y[crop : crop + 1], SLOPE)
        ctx.save_for_backward(x, y, stats, bias)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        x, y, stats, bias = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        of_x = torch.empty_like(x)
        for crop in range(len(x)):
            here = slice(crop, crop + 1)
            of_norm = torch.ops.aten.leaky_relu_backward(gradient[here], y[here], SLOPE, True)
            of_x[here] = _differentiate(of_norm, x[here], stats[crop])
        return of_x, torch.zeros_like(bias)


class NormBesideAndReLU(torch.autograd.Function):
    """Put normalised x (B, c, h, w) beside another map of its shape, that one first, and take the ReLU: (B, 2c, h, w).

    The third argument is the bias left out of x.
    """

    @staticmethod
    def forward(ctx: Any, other: Tensor, x: Tensor, bias: Tensor) -> Tensor:
        n_crops, c, height, width = x.shape
        both = torch.empty(
            (n_crops, 2 * c, height, width), dtype=x.dtype, device=x.device, memory_format=torch.channels_last
        )
        stats = x.new_empty(n_crops, 2, c)
        normed = torch.empty_like(x[:1])
        for crop in range(n_crops):
            here = slice(crop, crop + 1)
            torch.clamp_min(other[here], 0, out=both[here, :c])
            _normalize(x[here], normed, stats[crop])
            torch.clamp_min(normed, 0, out=both[here, c:])
        ctx.save_for_backward(x, both, stats, bias)
        return both

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, both, stats, bias = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        c = x.shape[1]
        of_x = torch.empty_like(x)
        for crop in range(len(x)):
            here = slice(crop, crop + 1)
            of_norm = torch.ops.aten.threshold_backward(gradient[here, c:], both[here, c:], 0)
            of_x[here] = _differentiate(of_norm, x[here], stats[crop])
        of_other = torch.ops.aten.threshold_backward(gradient[:, :c], both[:, :c], 0)
        return of_other, of_x, torch.zeros_like(bias)


def _normalize(x: Tensor, y: Tensor, stats: Tensor) -> None:
    """Write the normalised crop x (1, c, h, w) to y, and its means and inverse deviations to stats (2, c)."""
    none: Any = (None, None, None, None)
    to: Any = {"out": y, "save_mean": stats[0], "save_invstd": stats[1]}
    torch.ops.aten.native_batch_norm.out(x, *none, True, 0.0, EPS, **to)


def _differentiate(gradient: Tensor, x: Tensor, stats: Tensor) -> Tensor:
    """Return the gradient of a crop x (1, c, h, w) from that of its normalised map."""
    none: Any = (None, None, None)
    wanted = [True, False, False]
    return torch.ops.aten.native_batch_norm_backward(gradient, x, *none, stats[0], stats[1], True, EPS, wanted)[0]
