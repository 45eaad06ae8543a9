"""Norms: batch norms of a network whose batches several processes share, as if one had done all parts, in order.

In training a batch norm sees one part, so what it computes does not depend on who does which. Its running statistics
do: they take in one part after the other. `SharedStatistics` makes them those of one process. `SyncBatchNorm` is for
batch norms that see a part of every process at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class SharedStatistics:
    """Running statistics of a network's batch norms, of a batch whose parts several processes do.

    Each part is taken in from zero, so that what it adds is known: with momentum m, a norm that is passed q times in a
    part keeps a = (1 - m)^q of what was there before. After n parts its statistics are a^n·before plus the sum of
    a^(n-1-j)·part_j, whoever has done part j.
    """

    def __init__(self, network: nn.Module, n_parts: int) -> None:
        # One that is frozen, in evaluation mode, computes with its statistics: they have to stay.
        self._norms: list[Any] = [norm for norm in network.modules() if _takes_in(norm)]
        self._n_parts = n_parts
        self._buffers: list[Tensor] = [
            buffer for norm in self._norms for buffer in (norm.running_mean, norm.running_var)
        ]
        self._before = [buffer.clone() for buffer in self._buffers]
        self._taken_in = [torch.zeros_like(buffer) for buffer in self._buffers]
        self._counts: list[Tensor] = [norm.num_batches_tracked for norm in self._norms]
        self._counts_before = torch.stack(self._counts) if self._counts else torch.zeros(0)
        self._passes: Tensor | None = None  # of each norm, in one part
        self._kept: list[float] = []  # a, of each buffer

    @contextmanager
    def part(self, number: int | None) -> Iterator[None]:
        """Take in what passes in the block; nothing of a part that has no number."""
        if not self._norms:
            yield
            return
        for buffer in self._buffers:
            buffer.zero_()
        yield
        if self._passes is None:
            self._passes = torch.stack(self._counts) - self._counts_before
            each = zip(self._norms, self._passes.tolist(), strict=True)
            self._kept = [(1 - norm.momentum) ** n_passes for norm, n_passes in each for _ in range(2)]
        if number is not None:
            n_after = self._n_parts - 1 - number
            for total, buffer, kept in zip(self._taken_in, self._buffers, self._kept, strict=True):
                total.add_(buffer, alpha=kept**n_after)

    def finish(self) -> None:
        """Make the statistics those after the parts of all processes."""
        if self._passes is None:
            return
        together = torch.cat([total.flatten() for total in self._taken_in])
        torch.distributed.all_reduce(together)
        pieces = together.split([buffer.numel() for buffer in self._buffers])
        for buffer, before, kept, piece in zip(self._buffers, self._before, self._kept, pieces, strict=True):
            buffer.copy_(before * kept**self._n_parts + piece.view_as(buffer))
        for count, now in zip(self._counts, self._counts_before + self._n_parts * self._passes, strict=True):
            count.copy_(now)


def _takes_in(norm: Any) -> bool:
    """Return whether running statistics of a layer follow what passes, as those of PyTorch's batch norms do."""
    follows = isinstance(norm, _BatchNorm) and norm.training and norm.track_running_stats and norm.momentum is not None
    return follows and norm.running_mean is not None and norm.num_batches_tracked is not None


class SyncBatchNorm(nn.BatchNorm2d):
    """A batch norm of what all processes pass at the same time: what PyTorch has for GPUs, on any device.

    It has the numbers of `nn.BatchNorm2d` in one process that is passed all of it; crops per process may differ.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x (B, C, …) normalised over the crops of all processes; in evaluation, by the running statistics."""
        if not (self.training and torch.distributed.is_initialized()):
            return super().forward(x)
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        count = _add_up(x.new_tensor([x.numel() / x.shape[1]], dtype=torch.float32))  # values of a channel
        values = x.float()
        mean = _add_up(values.sum(axes)) / count  # (C,)
        apart = values - mean.view(shape)
        variance = _add_up(apart.square().sum(axes)) / count
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            self._take_in(mean.detach(), (variance * count / (count - 1)).detach())
        normal = apart * (variance + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(x.dtype)

    @torch.no_grad()
    def _take_in(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        momentum = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1 / float(self.num_batches_tracked) if momentum is None else momentum
        self.running_mean.lerp_(mean, momentum or 0.0)
        self.running_var.lerp_(variance, momentum or 0.0)


class _AddUp(torch.autograd.Function):
    """The sum over processes; the gradient of each one's share is the sum of all gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        torch.distributed.all_reduce(total)
        return total


def _add_up(x: Tensor) -> Tensor:
    found: Tensor = _AddUp.apply(x) if x.requires_grad else _AddUp.forward(None, x)
    return found


def synchronise_norms(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the network with batch norms that see what all processes pass; names of its state stay."""
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return converted
    for module in list(network.modules()):
        for name, norm in list(module.named_children()):
            if isinstance(norm, _BatchNorm) and not isinstance(norm, SyncBatchNorm | nn.SyncBatchNorm):
                setattr(module, name, _convert(norm))
    return _convert(network) if isinstance(network, _BatchNorm) else network


def _convert(norm: _BatchNorm) -> SyncBatchNorm:
    """Return a norm with the same parameters and statistics, the very tensors."""
    made = SyncBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    made.train(norm.training)
    for name, parameter in norm.named_parameters(recurse=False):
        setattr(made, name, parameter)
    for name, buffer in norm.named_buffers(recurse=False):
        setattr(made, name, buffer)
    return made
