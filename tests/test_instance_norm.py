from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from robustpose.models.fast import NormAndLeakyReLU, NormBesideAndReLU


def make_map(seed: int, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, channels, 5, 4, dtype=torch.float64, generator=generator)
    return maps.contiguous(memory_format=torch.channels_last).requires_grad_()


def norm_and_leaky_relu(x: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu(F.instance_norm(x + bias[:, None, None]), 0.2)


def norm_beside_and_relu(other: Tensor, x: Tensor, bias: Tensor) -> Tensor:
    return F.relu(torch.cat([other, F.instance_norm(x + bias[:, None, None])], dim=1))


@pytest.mark.parametrize(
    ("ours", "plain", "n_maps"),
    [(NormAndLeakyReLU.apply, norm_and_leaky_relu, 1), (NormBesideAndReLU.apply, norm_beside_and_relu, 2)],
)
def test_values_and_gradients_are_those_of_the_single_operations(ours, plain, n_maps) -> None:  # type: ignore[no-untyped-def]
    inputs = [*(make_map(seed) for seed in range(n_maps)), torch.randn(3, dtype=torch.float64).requires_grad_()]
    came, expected = ours(*inputs), plain(*inputs)
    torch.testing.assert_close(came, expected)
    gradient = torch.randn_like(expected)
    of_ours = torch.autograd.grad(came, inputs, gradient)
    of_plain = torch.autograd.grad(expected, inputs, gradient)
    for came, expected in zip(of_ours, of_plain, strict=True):
        torch.testing.assert_close(came, expected)


def test_bias_before_a_norm_has_no_gradient() -> None:
    bias = torch.randn(3, dtype=torch.float64).requires_grad_()
    NormAndLeakyReLU.apply(make_map(0), bias).square().sum().backward()
    assert torch.equal(bias.grad, torch.zeros(3, dtype=torch.float64))


def test_result_keeps_channels_last() -> None:
    bias = torch.zeros(3, dtype=torch.float64)
    for y in (NormAndLeakyReLU.apply(make_map(0), bias), NormBesideAndReLU.apply(make_map(0), make_map(1), bias)):
        assert y.is_contiguous(memory_format=torch.channels_last)


def test_crop_gives_the_same_bits_in_any_batch() -> None:
    x, bias = make_map(0), torch.zeros(3, dtype=torch.float64)
    alone = torch.cat([NormAndLeakyReLU.apply(x[i : i + 1], bias) for i in range(2)])
    assert torch.equal(NormAndLeakyReLU.apply(x, bias), alone)
