from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.fast import fold_batch_norms
from robustpose.models.hrnet import HRNet
from robustpose.models.resnet import BasicBlock, Bottleneck, stack_blocks
from robustpose.models.sbl import stack_deconvolutions
from robustpose.models.small import SmallNet

pytestmark = pytest.mark.usefixtures("one_thread")


def lively(module: nn.Module) -> nn.Module:
    """Give a module weights and batch norm statistics that are not trivial."""
    generator = torch.Generator().manual_seed(0)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            fan_in = max(tensor[0].numel(), 1)
            spread = fan_in**-0.5 if tensor.ndim > 1 else 0.2
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * spread)
    for norm in norms_of(module):
        if norm.running_var is not None:
            norm.running_var.copy_(torch.rand(norm.num_features, generator=generator) + 0.5)
        if norm.affine:
            norm.weight.data += 1
    return module


def norms_of(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


def images(n_channels: int = 3, size: int = 16) -> Tensor:
    return torch.randn(2, n_channels, size, size, generator=torch.Generator().manual_seed(1))


def check(module: nn.Module, x: Tensor, n_left: int = 0) -> nn.Module:
    """Check that folding leaves `n_left` batch norms and the output as it was, and return what was folded."""
    module = lively(module).eval()
    with torch.inference_mode():
        expected = module(x.clone())
        folded = fold_batch_norms(module)
        found = folded(x.clone())
    assert len(norms_of(folded)) == n_left
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    return folded


class Forward(nn.Module):
    """A network of named layers and a function of them and the input."""

    def __init__(self, forward: Callable[[nn.Module, Tensor], Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self._forward = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


FOLDED: dict[str, Callable[[], nn.Module]] = {
    "small network": lambda: SmallNet(3),
    "stem": lambda: nn.Sequential(nn.Conv2d(3, 6, 7, 2, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True)),
    "with bias": lambda: nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)),
    "grouped": lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6), nn.Conv2d(6, 2, 1)),
    "norm without weights": lambda: nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6, affine=False)),
    "bottlenecks": lambda: stack_blocks(Bottleneck, 3, 4, 3, stride=2),
    "basic blocks": lambda: stack_blocks(BasicBlock, 3, 4, 3, stride=2),
    "deconvolutions": lambda: stack_deconvolutions(3, (6, 4, 5)),
    "deconvolution with bias": lambda: nn.Sequential(nn.ConvTranspose2d(3, 6, 4, 2, 1, bias=True), nn.BatchNorm2d(6)),
    "like SBL": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        stack_blocks(Bottleneck, 8, 4, 2), stack_blocks(Bottleneck, 16, 4, 2, stride=2),
        stack_deconvolutions(16, (6, 6)), nn.Conv2d(6, 3, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", FOLDED.values(), ids=FOLDED)
def test_every_norm_after_a_convolution_is_folded_and_the_output_stays(make: Callable[[], nn.Module]) -> None:
    check(make(), images(size=32))


def test_fused_branches_are_folded() -> None:
    check(HRNet(4, 3), images(size=32))


def conv(c_in: int = 3, c_out: int = 6) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, 3, padding=1)


def norm(channels: int = 6) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels)


LEFT_ALONE: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "grouped deconvolution": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 6, 4, 2, 1, groups=3), norm()), 1),
    "convolution used twice": (
        lambda: Forward(lambda net, x: net.a(net.conv(x)) + net.b(net.conv(x.relu())), conv=conv(), a=norm(), b=norm()),
        2,
    ),
    "unit used twice": (
        lambda: Forward(lambda net, x: net.norm(net.conv(net.norm(net.conv(x)))), conv=conv(3, 3), norm=norm(3)),
        1,
    ),
    "unit known by two names": (
        lambda: (lambda unit: nn.Sequential(unit, nn.ReLU(), unit))(nn.Sequential(conv(3, 3), norm(3))),
        1,
    ),
    "norm used twice": (
        lambda: Forward(lambda net, x: net.norm(net.a(x)) + net.norm(net.b(x)), a=conv(), b=conv(), norm=norm()),
        1,
    ),
    "convolution seen by something else": (
        lambda: Forward(lambda net, x: net.norm(y := net.conv(x)) + y, conv=conv(), norm=norm()),
        1,
    ),
    "weight used on its own": (
        lambda: Forward(
            lambda net, x: net.norm(net.conv(x)) + F.conv2d(x, net.conv.weight, padding=1), conv=conv(), norm=norm()
        ),
        1,
    ),
    "weight made from others": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 6, 3)), norm()),
        1,
    ),
    "weight made by a hook": (lambda: nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 6, 3)), norm()), 1),
    "norm before convolution": (lambda: nn.Sequential(norm(3), conv(), nn.ReLU(), norm(), conv(6, 2)), 2),
    "norm after activation": (lambda: nn.Sequential(conv(), nn.ReLU(), norm()), 1),
    "norm of the input": (lambda: norm(3), 1),
    "norm of the batch at hand": (lambda: nn.Sequential(conv(), nn.BatchNorm2d(6, track_running_stats=False)), 1),
}


@pytest.mark.parametrize(("make", "n_left"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_norms_that_cannot_be_folded_are_left_alone(make: Callable[[], nn.Module], n_left: int) -> None:
    check(make(), images(), n_left)


def test_network_whose_way_depends_on_the_data_works_unfolded() -> None:
    def forward(net: nn.Module, x: Tensor) -> Tensor:
        return net.norm(net.conv(x)) if x.mean() > 0 else net.conv(x)

    module = lively(Forward(forward, conv=conv(), norm=norm())).eval()
    folded = fold_batch_norms(module)
    with torch.inference_mode():
        for x in (images().abs(), -images().abs()):
            assert torch.equal(folded(x), module(x))
    assert len(norms_of(folded)) == 1


def test_argument_that_is_not_given_keeps_its_default() -> None:
    class WithMask(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = conv()
            self.norm = norm()

        def forward(self, x: Tensor, mask: Tensor | None = None, factor: float = 2.0) -> Tensor:
            if mask is not None:
                x = x * mask
            return self.norm(self.conv(x)) * factor

    check(WithMask(), images())


def test_folded_network_is_in_evaluation_mode_and_cannot_be_trained() -> None:
    folded = fold_batch_norms(SmallNet(3).half().train())
    assert not folded.training
    assert not any(part.training for part in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in folded.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_network_that_is_folded_stays_as_it_was(dtype: torch.dtype) -> None:
    module = lively(SmallNet(3)).to(dtype).train()
    module.stem.eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    folded = fold_batch_norms(module)
    with torch.inference_mode():
        folded(images(size=32))
    assert [part.training for part in module.modules()] == modes
    assert all(parameter.requires_grad for parameter in module.parameters())
    after = module.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], before[name]) and after[name].dtype == before[name].dtype for name in before)


def test_folded_network_keeps_nothing_in_common_with_the_original() -> None:
    module = lively(SmallNet(3)).eval()
    folded = fold_batch_norms(module)
    with torch.inference_mode():
        before = folded(images(size=32))
        for tensor in module.state_dict().values():
            tensor.zero_()
        assert torch.equal(folded(images(size=32)), before)


def test_threads_that_fold_at_once_do_not_disturb_each_other_or_who_uses_a_network() -> None:
    network, own, x = nn.Sequential(*[lively(nn.Sequential(conv(3, 3), norm(3))) for _ in range(30)]), conv(), images()
    expected, failures, is_over = own(x), [], threading.Event()

    def use() -> None:
        while not is_over.is_set():
            assert torch.equal(own(x), expected)

    def fold() -> None:
        for _ in range(5):
            assert not norms_of(fold_batch_norms(network))

    def note(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)

    user, *folders = (threading.Thread(target=note, args=(act,)) for act in (use, fold, fold, fold))
    for thread in (user, *folders):
        thread.start()
    for thread in folders:
        thread.join()
    is_over.set()
    user.join()
    assert failures == []
    assert torch.equal(own(x), expected)
