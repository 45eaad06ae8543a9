"""Moments: mean and variance of each channel of a group of images, batch by batch, mixed with those of training.

As Schneider, Rusak et al. (NeurIPS 2020) adapt batch norms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Moments:
    """Number of values a channel, their mean (C,) and the sum of squared deviations from it (C,), in float64."""

    count: int
    mean: Tensor
    squares: Tensor


def measure(x: Tensor) -> Moments:
    """Return the moments of each channel of activations (B, C, …), over batch and space.

    >>> import torch
    >>> found = measure(torch.tensor([[[1.0, 2.0, 6.0]]]))
    >>> found.count, found.mean.tolist(), found.squares.tolist()
    (3, [3.0], [14.0])
    """
    values = x.movedim(1, -1).reshape(-1, x.shape[1]).float()  # (n, C)
    count = len(values)
    # Sums of float32 are fast, and pairwise; deviations are small numbers, of which nothing is lost that matters.
    near = values.sum(0) / count
    apart = values - near
    rest = apart.sum(0).double()
    squares = apart.square_().sum(0).double() - rest.square() / count
    return Moments(count, near.double() + rest / count, squares.clamp(min=0))


def merge(parts: Sequence[Moments]) -> Moments:
    """Return the moments of all values of some parts, taken in their order (Chan et al., 1979)."""
    total, *others = parts
    for part in others:
        count = total.count + part.count
        apart = part.mean - total.mean
        mean = total.mean + apart * (part.count / count)
        squares = total.squares + part.squares + apart.square() * (total.count * part.count / count)
        total = Moments(count, mean, squares)
    return total


def mix(norm: nn.modules.batchnorm._BatchNorm, found: Moments, n: int, prior: int) -> tuple[Tensor, Tensor]:
    """Return the mean and variance (C,) that a batch norm takes: of training, and of the `n` people of a group.

    With N = `prior`, both are N / (N + n) of training and n / (N + n) of the group. As in the published program, the
    group's variance is the unbiased one there, and the biased one for N = 0. There is no term for how far the two
    means lie apart. A single value has no variance: then the norm stays as it is.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    if found.count < 2:
        return norm.running_mean, norm.running_var
    part = n / (prior + n)
    variance = found.squares / (found.count - 1 if prior else found.count)
    pairs = ((norm.running_mean, found.mean), (norm.running_var, variance))
    mean, variance = (((1 - part) * own.double() + part * of_group).to(own.dtype) for own, of_group in pairs)
    return mean, variance
