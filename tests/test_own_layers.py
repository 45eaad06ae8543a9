"""Own layers: hooks, a `forward` that is put in place, and variables are part of what a network in memory does."""

import pytest
import torch
from torch import nn

from robustpose.api.models import make_maker
from robustpose.benchmark.identity import identify_estimator
from robustpose.changes import list_changes
from robustpose.estimators.in_memory import describe_layers
from robustpose.pose.skeletons import COCO
from tests.memory_models import make_net

SIGN = 1.0


class Signed(nn.Module):
    """A layer that reads a variable."""

    def forward(self, x):
        return x * SIGN


def plain_net():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Conv2d(3, 17, 3, 4, 1))


def negate(layer, inputs, output):
    return -output


def replace_forward(network):
    network.forward = lambda x: x.new_zeros(1, 17, 32, 24)


def identify(network):
    return identify_estimator(make_maker(network, input="96x128")(COCO))[0]


CHANGES = {
    "hook": lambda network: network.register_forward_hook(negate),
    "hook before": lambda network: network.register_forward_pre_hook(lambda layer, inputs: (inputs[0] * 2,)),
    "hook of a layer": lambda network: next(network.children()).register_forward_hook(negate),
    "forward": replace_forward,
}


@pytest.mark.parametrize("make", [plain_net, make_net])
@pytest.mark.parametrize("change", CHANGES)
def test_network_that_does_something_else_is_another(make, change):
    network, before = make(), identify(make())
    CHANGES[change](network)
    assert list_changes(before, identify(network))
    assert list_changes(identify(network), before)
    assert describe_layers(network) != describe_layers(make())


def test_hook_that_holds_another_number_is_another_and_what_it_has_seen_does_not_count():
    def make(factor, seen):
        network = plain_net()
        network.register_forward_hook(lambda layer, inputs, output: seen.append(1) or output * factor)
        return identify(network)

    assert make(2, []) == make(2, [1, 2])
    assert list_changes(make(2, []), make(3, [])) == ["hooks of what is benched has changed since this run was begun"]


def test_variable_that_forward_reads_is_known(monkeypatch):
    network = nn.Sequential(plain_net(), Signed())
    before, layers = identify(network), describe_layers(network)
    monkeypatch.setitem(globals(), "SIGN", -1.0)
    assert list_changes(before, identify(network)) == ["SIGN of what is benched has changed since this run was begun"]
    assert describe_layers(network) != layers
