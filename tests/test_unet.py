from __future__ import annotations

import copy
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.unet import UNet, choose_depth
from tests.networks import assert_tensors_are_named, error_of

pytestmark = pytest.mark.usefixtures("one_thread")


def make_unet(n_downs: int = 3, width: int = 4) -> UNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return UNet(n_downs=n_downs, width=width)


def make_views(n: int, height: int, width: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(n, 9, height, width)).astype(np.float32))


def test_names_and_shapes_are_the_official_ones(shared: Path) -> None:
    official = json.loads((shared / "goldens/unet_keys.json").read_text())["unet_9_3_6"]
    with torch.device("meta"):
        assert_tensors_are_named(UNet(), official)


def test_outputs_are_the_official_ones(shared: Path, fill: ModuleType) -> None:
    network = UNet().eval()
    network.load_state_dict(fill.fill(network.state_dict()))
    views = torch.cat([fill.image(seed, 256, 192) for seed in (5, 6, 7)], dim=1)
    with torch.no_grad():
        ours = network(views).numpy()
    with np.load(shared / "goldens/model_outputs.npz") as arrays:
        assert error_of(ours, arrays["unet_9_3_6__0"]) < 1e-5


@torch.no_grad()
def test_sides_that_divide_are_not_padded() -> None:
    network, views = make_unet(), make_views(2, 24, 16)
    assert torch.equal(network(views), network.model(views))


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(21, 16), (24, 13), (17, 9), (3, 50), (1, 1)])
def test_other_sides_are_padded_with_their_border_and_cut(height: int, width: int) -> None:
    network, views = make_unet(), make_views(2, height, width)
    logits = network(views)
    padded = np.pad(views.numpy(), ((0, 0), (0, 0), (0, -height % 8), (0, -width % 8)), mode="edge")
    expected = network.model(torch.from_numpy(padded))[:, :, :height, :width]
    assert logits.shape == (2, 3, height, width)
    assert torch.equal(logits, expected)


@torch.no_grad()
def test_crop_gives_the_same_in_any_batch_in_training_and_after() -> None:
    network, views = make_unet(), make_views(3, 32, 24)
    together = network.train()(views)
    alone = torch.cat([network.eval()(views[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone)


@torch.no_grad()
def test_each_channel_of_a_crop_is_normalised_within() -> None:
    network, views = make_unet(), make_views(1, 32, 24)
    inner = network.model.model[1].model[1:3](F.leaky_relu(network.model.model[0](views), 0.2))
    torch.testing.assert_close(inner.mean((2, 3)), torch.zeros(1, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(inner.var((2, 3), correction=0), torch.ones(1, 8), atol=1e-2, rtol=0)


@pytest.mark.parametrize("input_wh", [(192, 256), (288, 384), (96, 128), (64, 64), (32, 32), (70, 45), (9, 5)])
def test_every_size_trains_at_its_depth(input_wh: tuple[int, int]) -> None:
    network = make_unet(choose_depth(input_wh), width=4).train()
    logits = network(make_views(2, input_wh[1], input_wh[0]))
    assert logits.shape == (2, 3, input_wh[1], input_wh[0])
    F.softmax(logits, dim=1)[:, 0].square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if name.endswith("weight"):
            assert parameter.grad.abs().max() > 0, name


def test_in_place_activations_do_not_change_gradients() -> None:
    network = make_unet().double()
    views = make_views(1, 8, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: network(x).square().sum(), (views,), fast_mode=True)


def test_channels_double_up_to_eight_times_the_width() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in make_unet(6, width=16).state_dict().items()}
    outs = [shape[0] for name, shape in shapes.items() if name.endswith(("model.1.weight", "model.0.weight"))]
    assert outs == [16, 32, 64, 128, 128, 128]


@pytest.mark.parametrize(
    ("input_wh", "depth"),
    [
        ((192, 256), 6),
        ((256, 256), 6),
        ((288, 384), 5),
        ((96, 128), 5),
        ((64, 64), 5),
        ((64, 256), 5),
        ((192, 250), 5),
        ((33, 20), 5),
        ((32, 32), 4),
        ((20, 20), 4),
        ((9, 5), 3),
        ((5, 5), 2),
        ((3, 100), 5),
    ],
)
def test_depth_suits_the_size(input_wh: tuple[int, int], depth: int) -> None:
    assert choose_depth(input_wh) == depth


def test_more_than_one_pixel_is_left_at_the_chosen_depth() -> None:
    for width in range(1, 200):
        for height in range(5, 200):
            step = 2 ** choose_depth((width, height))
            assert -(-width // step) * -(-height // step) > 1


def test_crops_too_small_for_any_depth_are_a_clear_error() -> None:
    with pytest.raises(UserError, match="a U-Net needs crops with a side above 4 px, got 4×3"):
        choose_depth((4, 3))


def test_fewer_than_two_halvings_are_a_clear_error() -> None:
    with pytest.raises(UserError, match="a U-Net needs n_downs of 2 or more, got 1"):
        UNet(n_downs=1)


def test_memory_layout_changes_nothing_but_rounding() -> None:
    torch.manual_seed(0)
    network, views = UNet(n_downs=4, width=8), torch.randn(2, 9, 64, 48)
    plain = network(views)
    last = network.to(memory_format=torch.channels_last)(views.contiguous(memory_format=torch.channels_last))  # type: ignore[call-overload]
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


def make_fast(network: UNet) -> UNet:
    """Return a copy that computes the fast way."""
    return copy.deepcopy(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def compute_gradients(network: UNet, views: Tensor) -> dict[str, Tensor]:
    torch.manual_seed(1)
    logits = network(views)
    logits.backward(torch.randn(logits.shape, dtype=logits.dtype))
    return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize(("n_downs", "height", "width"), [(2, 8, 8), (3, 24, 16), (4, 21, 37)])
def test_fast_way_computes_the_same_function(n_downs: int, height: int, width: int, monkeypatch: Any) -> None:
    network = make_unet(n_downs).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    fast, views = make_fast(network), make_views(2, height, width).double()
    monkeypatch.setattr(fast, "_can_be_fast", lambda _: True)  # in float64, where rounding hides nothing
    torch.testing.assert_close(fast(views), network(views), rtol=1e-9, atol=1e-9)
    expected, came = compute_gradients(network, views), compute_gradients(fast, views)
    assert list(came) == list(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(came[name], gradient, rtol=1e-9, atol=1e-9 * float(gradient.abs().max() + 1))


def test_fast_way_is_for_float32_on_a_cpu_with_channels_last(monkeypatch: Any) -> None:
    plain, views = make_unet(), make_views(1, 16, 16)
    fast, ways = make_fast(plain), []
    monkeypatch.setattr(UNet, "_compute_fast", lambda self, views: ways.append("fast") or self.model(views))
    for network in (plain, copy.deepcopy(fast).double()):
        network(views.to(next(network.parameters()).dtype))
    with torch.autocast("cpu", torch.bfloat16):
        fast(views)
    assert not ways
    fast(views)
    assert ways == ["fast"]


def test_fast_way_is_as_exact_as_the_plain_one() -> None:
    network, views = make_unet(4, width=8), make_views(2, 64, 48)
    exact = compute_gradients(copy.deepcopy(network).double(), views.double())
    plain, fast = compute_gradients(copy.deepcopy(network), views), compute_gradients(make_fast(network), views)
    for name, gradient in exact.items():
        if name.endswith("weight"):
            error, plain_error = ((came[name] - gradient).norm() / gradient.norm() for came in (fast, plain))
            assert error < 4 * plain_error + 1e-6, name


def test_fast_way_gives_the_same_bits_every_time() -> None:
    fast, views = make_fast(make_unet()), make_views(2, 24, 16)
    first, second = (compute_gradients(copy.deepcopy(fast), views) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
