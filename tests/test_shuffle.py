from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from robustpose.models.fast.shuffle import convolve_transposed, make_convolution, place_pixels

KERNELS = [(4, 2, 1), (7, 2, 3), (3, 2, 1), (2, 2, 0), (5, 3, 2), (3, 1, 1), (1, 2, 0)]  # size, stride, padding


@pytest.mark.parametrize(("size", "stride", "padding"), KERNELS)
def test_transposed_convolution_and_its_gradients_come_out(size: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    shapes = [(2, 5, 6, 4), (5, 3, size, size), (3,)]
    x, weight, bias = (torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes)
    expected = F.conv_transpose2d(x, weight, bias, stride, padding)
    height, width = expected.shape[2:]
    came = convolve_transposed(x, weight, bias, stride, padding, (height, width))
    torch.testing.assert_close(came, expected)
    gradient = torch.randn_like(expected)
    expected_gradients = torch.autograd.grad(expected, (x, weight, bias), gradient)
    for of_ours, of_theirs in zip(
        torch.autograd.grad(came, (x, weight, bias), gradient), expected_gradients, strict=True
    ):
        torch.testing.assert_close(of_ours, of_theirs)


@pytest.mark.parametrize("height", [11, 12])
def test_output_padding_follows_from_the_size(height: int) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 5, 6, 4), torch.randn(5, 3, 3, 3)
    expected = F.conv_transpose2d(x, weight, None, 2, 1, output_padding=(height - 11, 0))
    torch.testing.assert_close(convolve_transposed(x, weight, None, 2, 1, (height, 7)), expected)


def test_memory_layout_is_kept() -> None:
    x = torch.randn(2, 5, 6, 4).contiguous(memory_format=torch.channels_last)
    came = convolve_transposed(x, torch.randn(5, 3, 4, 4), None, 2, 1, (12, 8))
    assert came.stride(1) == 1


def test_every_weight_is_used_once() -> None:
    weight = torch.arange(1.0, 1 + 2 * 3 * 7 * 7).view(2, 3, 7, 7)
    convolution = make_convolution(weight, 2)
    assert convolution.shape == (12, 2, 4, 4)
    assert torch.equal(convolution[convolution > 0].sort().values, weight.flatten())


def test_pixels_of_a_block_are_neighbours() -> None:
    channels = torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 2, 2)
    assert place_pixels(channels, 2, 1, (2, 2)).tolist() == [[[[3, 2], [1, 0]]]]
