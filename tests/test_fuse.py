import pytest
import torch
import torch.nn.functional as F
from torch import nn

from robustpose import models
from robustpose.models.fast import fold_batch_norms, fuse_convolutions
from robustpose.models.fast.fuse import FusedConvolution, ShuffledConvolution, can_fuse

pytestmark = pytest.mark.skipif(not can_fuse(), reason="this PyTorch or processor has no fused convolutions")
SHAPE = (2, 3, 64, 64)


def compare(network, n_fused=None, shape=SHAPE):
    """Check that the fused network gives what it gave, and return its fused convolutions."""
    torch.manual_seed(0)
    x = torch.randn(shape)
    with torch.inference_mode():
        expected = network.eval()(x)
        fused = fuse_convolutions(fold_batch_norms(network), shape)
        came = fused(x.contiguous(memory_format=torch.channels_last))
    assert (came - expected).abs().max() <= 1e-5 * expected.abs().max()
    found = [module for module in fused.modules() if isinstance(module, FusedConvolution)]
    if n_fused is not None:
        assert len(found) == n_fused
    return fused


@pytest.mark.parametrize("name", ["small", "sbl_r50", "hrnet_w32", "mobilenet_v2"])
def test_networks_give_the_same_heatmaps(name):
    torch.manual_seed(1)
    network = models.build(name, 5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    fused = compare(network)
    assert not [module for module in fused.modules() if type(module) in (nn.Conv2d, nn.ConvTranspose2d)]


class Adds(nn.Module):
    """Additions of every kind, some of which cannot be fused."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1)
        self.b = nn.Conv2d(3, 8, 1)
        self.c = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        y = F.relu(self.a(x) + self.b(x))
        z = self.c(y)
        return torch.relu(z + 1) + z + z


def test_additions_of_tensors_are_fused_and_others_left():
    compare(Adds(), n_fused=3)


class Broadcasts(nn.Module):
    """Adds something of another shape."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 1)

    def forward(self, x):
        return F.relu(self.a(x) + x.mean((1, 2, 3), keepdim=True))


def test_addition_of_another_shape_is_left():
    compare(Broadcasts())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 8, 3, padding="same"),
        nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(3, 6, 3, groups=3),
        nn.Conv2d(3, 8, 3, dilation=2),
        nn.ConvTranspose2d(3, 6, 4, 2, 1, groups=3),
        nn.ConvTranspose2d(3, 8, 3, 2, 1, output_padding=1),
    ],
    ids=["same", "reflect", "groups", "dilation", "transposed-groups", "output-padding"],
)
def test_convolutions_of_every_kind_stay_right(layer):
    compare(nn.Sequential(layer, nn.ReLU()))


def test_other_batch_sizes_than_the_first_are_right():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 4, 4, 2, 1))
    fused = compare(network)
    x = torch.randn(5, 3, 32, 48)
    with torch.inference_mode():
        torch.testing.assert_close(fused(x), network(x), rtol=1e-4, atol=1e-5)


def test_network_that_cannot_be_traced_is_left_as_it_is():
    class Untraceable(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(3, 8, 1)

        def forward(self, x):
            return self.a(x) if float(x.sum()) > 0 else self.a(-x)

    network = fold_batch_norms(Untraceable())
    assert fuse_convolutions(network, SHAPE) is network


def test_asking_leaves_random_numbers_alone():
    can_fuse.cache_clear()
    before = torch.get_rng_state()
    assert can_fuse()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose2d(1024, 4, 4, 2, 1, bias=False),
        nn.ConvTranspose2d(1024, 4, 4, 2, 1),
        nn.ConvTranspose2d(1024, 4, 3, 2, 1, output_padding=1),
        nn.ConvTranspose2d(1024, 4, 2, 2, 0),
    ],
)
def test_transposed_convolutions_of_many_channels_are_shuffled(layer):
    fused = compare(nn.Sequential(nn.Conv2d(3, 1024, 1), layer, nn.ReLU()), n_fused=2, shape=(2, 3, 6, 4))
    assert sum(isinstance(module, ShuffledConvolution) for module in fused.modules()) == 1


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose2d(1024, 4, 4, (2, 1), 1),
        nn.ConvTranspose2d(1024, 4, 2, 2, 0, output_padding=1),
        nn.ConvTranspose2d(1024, 4, 3, 2, 1, dilation=2),
        nn.ConvTranspose2d(1024, 4, 3, 1, 1),
        nn.ConvTranspose2d(64, 4, 4, 2, 1),
    ],
)
def test_other_transposed_convolutions_are_not_shuffled(layer):
    fused = compare(nn.Sequential(nn.Conv2d(3, layer.in_channels, 1), layer), shape=(2, 3, 6, 4))
    assert not any(isinstance(module, ShuffledConvolution) for module in fused.modules())
