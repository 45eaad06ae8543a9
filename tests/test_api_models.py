"""Models in memory: what is taken, whose numbers they give, what identifies them, and whether they can be sent."""

import copy
import json
import pickle
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from robustpose import models
from robustpose.api.models import make_maker
from robustpose.benchmark.identity import identify_estimator
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import COCO, MPII
from tests.memory_models import Answer, Net, Nobody, find_centres, make_net

SMALL = "96x128"


def identify(model, input=SMALL, **options):
    return identify_estimator(make_maker(model, input=input, options=options)(COCO))[0]


def predict(maker):
    dataset = ToyPeople(n_images=2)
    return maker(dataset.skeleton).predict([dataset.frame(0), dataset.frame(1)])


def same(first, second):
    return all(
        np.array_equal(a.xy, b.xy) and np.array_equal(a.score, b.score) for a, b in zip(first, second, strict=True)
    )


def test_same_weights_are_the_same_in_training_mode_after_gradients_and_inside_wrappers():
    network = make_net()
    identity = identify(network.train())
    network(torch.zeros(2, 3, 8, 8)).sum().backward()
    network.norm.load_state_dict(make_net().norm.state_dict())
    compiled = nn.Identity()
    compiled._orig_mod = network  # as torch.compile keeps it, which takes seconds to import
    for other in (network.eval(), copy.deepcopy(network), nn.DataParallel(network), compiled):
        assert identify(other) == identity
    assert json.loads(json.dumps(identity)) == identity


@pytest.mark.parametrize("change", ["weight", "number of a layer", "setting of a layer", "input"])
def test_network_that_differs_in_one_thing_is_another(change):
    network, other = make_net(), make_net()
    if change == "weight":
        with torch.no_grad():
            other.last.bias[3] += 1e-6
    elif change == "number of a layer":
        other.gain.gain = 3.0
    elif change == "setting of a layer":
        other.first.padding_mode = "reflect"
    assert identify(other, "128x96" if change == "input" else SMALL) != identify(network)


def test_network_stays_as_it_was():
    network = make_net().train()
    seen = []
    network.first.register_forward_hook(lambda *arguments: seen.append(1))
    network.last.weight.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    predict(make_maker(network, input=SMALL))
    assert network.training
    assert network.drop.training
    assert len(network.first._forward_hooks) == 1
    assert [parameter.requires_grad for parameter in network.last.parameters()] == [False, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_network_that_was_sent_gives_the_same_numbers():
    maker = make_maker(make_net(), input=SMALL)
    sent = pickle.loads(pickle.dumps(maker))
    assert same(predict(maker), predict(sent))
    assert same(predict(maker), predict(pickle.loads(pickle.dumps(maker))))  # whether or not it was opened before


def test_half_precision_network_runs_and_is_another():
    assert identify(make_net().half())["state_sha256"] != identify(make_net())["state_sha256"]
    assert len(predict(make_maker(make_net().half(), input=SMALL))) == 2


def test_scripted_network_gives_the_numbers_of_the_network():
    network = make_net().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch: it is deprecated
        scripted = torch.jit.script(network)
    own, others = predict(make_maker(network, input=SMALL)), predict(make_maker(scripted, input=SMALL))
    assert all(np.allclose(a.score, b.score, atol=1e-6) for a, b in zip(own, others, strict=True))
    with pytest.raises(UserError, match="cannot be sent"):
        pickle.dumps(make_maker(scripted, input=SMALL))


def test_networks_with_hooks_for_their_weights_are_copied():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = make_net()
        old.first = nn.utils.weight_norm(old.first)
    old(torch.zeros(1, 3, 8, 8))  # leaves a tensor that cannot be copied deeply
    new = make_net()
    nn.utils.parametrizations.weight_norm(new.first)
    assert len(predict(make_maker(old, input=SMALL))) == len(predict(make_maker(new, input=SMALL))) == 2


def test_stride_of_heatmaps_is_found_and_an_input_spec_is_carried():
    assert identify(make_net(stride=8))["stride"] == 8
    network = make_net()
    network.input_spec = InputSpec("mine", (96, 128), COCO.joints, channels="bgr")
    identity = identify(network, None)
    assert (identity["name"], identity["channels"], identity["input"]) == ("mine", "bgr", SMALL)


def test_networks_of_ours_know_their_input():
    assert identify(models.build("small"), None)["input"] == "192x256"
    assert identify(models.build("small_tags"), None)["kind"] == "tags"
    assert identify(models.build("small_fields"), None)["stride"] == 8
    sbl = models.build("small")
    sbl.built_as = "sbl_r50"
    assert identify(sbl, SMALL)["channels"] == "bgr"


def test_callables_and_estimators_are_taken_and_sent():
    for model in (find_centres, Nobody, Nobody(COCO)):
        maker = make_maker(model)
        assert same(predict(maker), predict(pickle.loads(pickle.dumps(maker))))
    assert make_maker(find_centres)(COCO).provenance["name"] == "tests.memory_models:find_centres"


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (make_net, {}, r"f\(image, boxes\)"),
        (Net, {"input": SMALL}, r"got the class Net: write Net\(…\)"),
        (Net(), {}, r'network .Net. does not say what its input is: give input="192x256"'),
        (Net(), {"input": "96"}, "must be WIDTHxHEIGHT in px such as 192x256, got '96'"),
        (Net(), {"input": {"input_wh": SMALL, "colour": "bgr"}}, "has no 'colour': expected name, input_wh, joints"),
        (Net(), {"input": {"input_wh": SMALL, "channels": "rbg"}}, "channels must be 'rgb' or 'bgr'"),
        (Net(), {"input": {"input_wh": SMALL, "mean": [123, 116, 103]}}, "are for values in 0..255"),
        (Net(), {"input": {"input_wh": SMALL, "stride": 8}}, r"\(1, 17, 16, 12\), got \(1, 17, 32, 24\)"),
        (Net(), {"input": SMALL, "options": {"flip": True}}, "no option 'flip' .did you mean 'flip_test'"),
        (Net(), {"input": SMALL, "options": {"input": SMALL}}, "is said twice"),
        (Net(15), {"input": SMALL}, r"must give heatmaps \(B, 17, h, w\).*got \(1, 15, 32, 24\).*network of 15 joints"),
        (Net().to("meta"), {"input": SMALL}, "no weights yet: 'first.weight' is on device meta"),
        (nn.LazyConv2d(17, 1), {"input": SMALL}, "no weights yet: 'weight' is not initialised"),
        (Answer(torch.full((1, 17, 32, 24), torch.nan)), {"input": SMALL}, "not finite, even of a black crop"),
        (Answer({"heatmaps": 1}), {"input": SMALL}, "got a dict of 1: wrap it"),
        (Answer(torch.zeros(1, 17, 2)), {"input": SMALL}, "coordinates are for a callable"),
        (Answer(ValueError("mine")), {"input": SMALL}, r"network 'Answer' raised ValueError: mine \(.*memory_mod"),
        (nn.Linear(3, 4), {"input": SMALL}, "network 'Linear' raised RuntimeError: mat1 and mat2"),
        (find_centres, {"input": SMALL}, "input= is for torch modules"),
        (Nobody(MPII), {}, "finds 16 joints"),
        (7, {}, "model must be what --model takes .*got int"),
        (None, {}, "got NoneType"),
        ("demo", {"input": SMALL, "options": {"input": SMALL}}, "are the same"),
        ("dmeo", {}, "did you mean 'demo'"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_one_line(model, arguments, message):
    with pytest.raises(UserError, match=message) as raised:
        predict(make_maker(model, **arguments))
    assert "\n" not in str(raised.value)


def test_models_of_packages_with_ways_of_their_own_are_told_where_they_go():
    class VitPose(nn.Module):
        __module__ = "transformers.models.vitpose"

    with pytest.raises(
        UserError, match=r"is a model of transformers: network.save_pretrained\(FOLDER\), then model='hf"
    ):
        make_maker(VitPose(), input=SMALL)(COCO)


def test_broken_weights_are_named():
    network = make_net()
    with torch.no_grad():
        network.last.weight[0] = torch.nan
    with pytest.raises(UserError, match=r"'Net' has weights that are not finite: 'last.weight'"):
        make_maker(network, input=SMALL)(COCO)


def test_what_cannot_be_sent_says_why_and_works_here():
    made_by_hand = types.ModuleType("made_by_hand")
    exec("def find(image, boxes): return []", vars(made_by_hand))
    parametrized = make_net()
    nn.utils.parametrizations.weight_norm(parametrized.first)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "made_by_hand", made_by_hand)
        for maker, why in (
            (make_maker(lambda image, boxes: []), "pickle"),
            (make_maker(made_by_hand.find), "do not find the module 'made_by_hand': put it into a file"),
            (make_maker(parametrized, input=SMALL), "parametrized modules is only supported through state_dict"),
        ):
            with pytest.raises(UserError, match=f"^model '.*' cannot be sent to worker processes .*{why}"):
                pickle.dumps(maker)
            assert maker(COCO)
