from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from robustpose.models.fast import fast_input_gradient


def make_network(*layers: nn.Module, fixed: bool = True) -> nn.Module:
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.requires_grad_(not fixed)


def make_crops(channels: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    crops = torch.randn(2, channels, 22, 16, generator=torch.Generator().manual_seed(1)).to(dtype)
    return crops.contiguous(memory_format=torch.channels_last).requires_grad_()


def differentiate(network: nn.Module, crops: Tensor, fast: bool) -> tuple[Tensor, Tensor, str]:
    """Return output, gradient of the crops, and the name of the operation that made the output."""
    if fast:
        with fast_input_gradient(network):
            y = network(crops)
    else:
        y = network(crops)
    gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(2)).to(y.dtype)
    return y.detach(), torch.autograd.grad(y, crops, gradient)[0], type(y.grad_fn).__name__


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(7, 2, 3), (3, 2, 1), (4, 2, 1), (2, 2, 0), (3, 4, 1), (3, 5, 0), (2, 4, 0)]
)
def test_gradient_is_that_of_the_convolution(size: int, stride: int, padding: int, bias: bool) -> None:
    network = make_network(nn.Conv2d(3, 8, size, stride, padding, bias=bias))
    came, gradient, way = differentiate(network, make_crops(), fast=True)
    expected, expected_gradient, _ = differentiate(network, make_crops(), fast=False)
    assert way == "_FixedConvolutionBackward"
    assert torch.equal(came, expected)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "channels"),
    [
        (nn.Conv2d(8, 8, 3, 2, 1), 8),
        (nn.Conv2d(3, 8, 3, 1, 1), 3),
        (nn.Conv2d(3, 8, 3, (2, 1), 1), 3),
        (nn.Conv2d(3, 8, (3, 1), 2, 0), 3),
        (nn.Conv2d(3, 6, 3, 2, 1, groups=3), 3),
        (nn.Conv2d(3, 8, 3, 2, 2, dilation=2), 3),
        (nn.Conv2d(3, 8, 3, 2, 1, padding_mode="reflect"), 3),
        (nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 3, 2, 1)), 3),
    ],
)
def test_other_convolutions_are_left_alone(layer: nn.Module, channels: int) -> None:
    network = make_network(layer)
    came, gradient, way = differentiate(network, make_crops(channels), fast=True)
    expected, expected_gradient, expected_way = differentiate(network, make_crops(channels), fast=False)
    assert way == expected_way
    assert torch.equal(came, expected)
    assert torch.equal(gradient, expected_gradient)


def test_weights_that_learn_get_their_gradients() -> None:
    network, expected = (make_network(nn.Conv2d(3, 8, 7, 2, 3), fixed=False) for _ in range(2))
    expected.load_state_dict(copy.deepcopy(network.state_dict()))
    with fast_input_gradient(network):
        network(make_crops()).sum().backward()
    expected(make_crops()).sum().backward()
    for ours, theirs in zip(network.parameters(), expected.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_left_alone(dtype: torch.dtype) -> None:
    network = make_network(nn.Conv2d(3, 8, 7, 2, 3)).to(dtype)
    assert differentiate(network, make_crops(dtype=dtype), fast=True)[2] != "_FixedConvolutionBackward"
    with torch.autocast("cpu", torch.bfloat16):
        network = make_network(nn.Conv2d(3, 8, 7, 2, 3))
        assert differentiate(network, make_crops(), fast=True)[2] != "_FixedConvolutionBackward"


def test_contiguous_crops_are_left_alone() -> None:
    network = nn.Conv2d(3, 8, 7, 2, 3).requires_grad_(False)
    crops = torch.randn(2, 3, 22, 16).requires_grad_()
    assert differentiate(network, crops, fast=True)[2] != "_FixedConvolutionBackward"


def test_network_is_afterwards_as_it_was() -> None:
    network = make_network(nn.Conv2d(3, 8, 7, 2, 3))
    before = set(vars(network[0]))  # type: ignore[index]
    with pytest.raises(ZeroDivisionError), fast_input_gradient(network):
        raise ZeroDivisionError
    assert set(vars(network[0])) == before  # type: ignore[index]
