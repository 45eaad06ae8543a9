"""Networks that adapt: what their norms take, from whom it is, and on what it does not depend."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import robustpose
from robustpose import estimators, models
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.estimators import heatmaps
from robustpose.estimators.adapting.entropy import choose_heatmaps, measure_entropy
from robustpose.estimators.adapting.moments import measure, merge
from robustpose.estimators.adapting.network import AdaptiveNetwork
from robustpose.estimators.adapting.options import Adapting, Sharpening
from robustpose.estimators.adapting.turns import Turn
from robustpose.estimators.running.backends import AdaptiveCall, as_callable, as_image_callable
from robustpose.estimators.running.numerics import Numerics
from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import DecodedFields
from robustpose.models.small import SmallFieldsNet, SmallNet, SmallTagsNet
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import no_poses
from tests.networks import make_lively
from tests.people import assert_same_poses

pytestmark = pytest.mark.usefixtures("one_thread")

WH = (64, 64)
ALONE = Adapting(n_images=1, prior=0)


@pytest.fixture(scope="module")
def lively() -> SmallNet:
    return make_lively().eval()


def crops(n: int, seed: int = 0, side: int = 64) -> Any:
    """Return crops (n, 3, side, side) that are not what the network was trained on."""
    return np.random.default_rng(seed).normal(0.5, 2, (n, 3, side, side)).astype(np.float32)


def adapt(call: Any, *batches: Any) -> AdaptiveCall:
    """Have a network adapt to a group of batches, and return it."""
    call.adapt([partial(np.copy, batch) for batch in batches])
    return call


def make(network: nn.Module, adapting: Adapting = ALONE, **engine: Any) -> Any:
    return as_callable(network, 1, WH, adapting=adapting, **engine)


def adapt_one_after_the_other(network: nn.Module, x: Any, n: int, prior: int) -> Any:
    """Return outputs for one batch, each norm adapted when the batch comes to it, by the formula as it is written."""
    network = copy.deepcopy(network).eval()

    def take(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0].double(), (0, 2, 3), correction=1 if prior else 0)
        norm.running_mean = (prior / (prior + n) * norm.running_mean + n / (prior + n) * mean).float()
        norm.running_var = (prior / (prior + n) * norm.running_var + n / (prior + n) * variance).float()

    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.register_forward_pre_hook(take)
    with torch.inference_mode():
        return network(torch.from_numpy(x)).numpy()


# Statistics


def test_merged_moments_are_those_of_all_values() -> None:
    x = torch.from_numpy(crops(5) + 1000.0).float()
    found = merge([measure(x[:2]), measure(x[2:3]), measure(x[3:])])
    variance, mean = torch.var_mean(x.double(), (0, 2, 3), correction=0)
    assert found.count == 5 * 64 * 64
    torch.testing.assert_close(found.mean, mean, rtol=1e-12, atol=0)
    torch.testing.assert_close(found.squares / found.count, variance, rtol=1e-5, atol=0)


@pytest.mark.parametrize("prior", [0, 16])
def test_norms_mix_training_and_group_each_after_those_before_it(lively: SmallNet, prior: int) -> None:
    x = crops(11)
    call = adapt(make(lively, Adapting(4, prior)), x[:8], x[8:])
    np.testing.assert_allclose(call(x), adapt_one_after_the_other(lively, x, 11, prior), rtol=1e-3, atol=2e-4)


def test_without_a_prior_it_is_the_network_in_training_mode(lively: SmallNet) -> None:
    x = crops(6)
    with torch.no_grad():
        expected = copy.deepcopy(lively).train()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(adapt(make(lively), x)(x), expected, rtol=1e-3, atol=2e-4)


def test_with_a_prior_without_end_nothing_changes(lively: SmallNet) -> None:
    x = crops(6)
    found = adapt(make(lively, Adapting(1, 10**9)), x)(x)
    np.testing.assert_allclose(found, as_callable(lively, 1, WH)(x), rtol=1e-4, atol=1e-4)


def test_a_group_of_nobody_leaves_the_network_as_it_was_trained(lively: SmallNet) -> None:
    call, x = make(lively), crops(3)
    before = call(x)
    assert np.abs(adapt(call, x)(x) - before).max() > 0.01
    np.testing.assert_array_equal(adapt(call)(x), before)
    np.testing.assert_allclose(before, as_callable(lively, 1, WH)(x), atol=1e-4)


class Pooled(nn.Module):
    """Give heatmaps scaled by a norm that sees one value a channel and crop, and is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.head = nn.Conv2d(3, 4, 4, 4), nn.BatchNorm1d(4), nn.Conv2d(4, 17, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.head(x * (self.norm(x.mean((2, 3))) + self.norm(x.amax((2, 3))))[:, :, None, None])


def test_a_norm_may_be_called_twice_and_keeps_its_statistics_where_there_is_one_value() -> None:
    torch.manual_seed(0)
    network, x = Pooled().eval(), crops(4)
    call = make(network)
    with torch.inference_mode():
        np.testing.assert_allclose(adapt(call, x[:1])(x), network(torch.from_numpy(x)).numpy(), atol=1e-5)
        two = copy.deepcopy(network).train()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(adapt(call, x)(x), two, atol=1e-4)


@pytest.mark.parametrize(("scale", "offset"), [(0.25, 3.0), (4.0, -2.0)])
def test_a_known_affine_of_the_input_is_undone(scale: float, offset: float) -> None:
    network = models.build("small", 17)
    network.load_state_dict(load_demo().state_dict())
    network.stem[0].padding_mode = "replicate"  # zeros would not be shifted
    network.stem[0]._reversed_padding_repeated_twice = [1] * 4
    spec = InputSpec("shifted", (96, 128), COCO.joints)
    options = {"adapt": "bn", "adapt_prior": 0, "adapt_images": 6}

    def score(options: dict[str, Any], *affine: float) -> float:
        module = network if not affine else Shifted(network, *affine)
        return robustpose.evaluate(module, "toy", limit=6, input=spec, options=options, progress=False)["AP"]

    clean = score(options)
    assert score({}, scale, offset) < clean - 0.1
    assert score(options, scale, offset) == pytest.approx(clean, abs=0.01)
    assert clean == pytest.approx(score({}), abs=0.05)


class Shifted(nn.Module):
    """A network whose inputs are shifted."""

    def __init__(self, network: nn.Module, scale: float, offset: float) -> None:
        super().__init__()
        self.network, self.scale, self.offset = network, scale, offset

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x * self.scale + self.offset)


def load_demo() -> nn.Module:
    from robustpose.models import DEMO
    from robustpose.models.weights import load_tensors, read_weights

    network = models.build("small", 17)
    load_tensors(network, read_weights(DEMO)[0], "demo")
    return network


# What they do not depend on


def test_found_heatmaps_depend_on_the_group_and_the_crop_alone(lively: SmallNet) -> None:
    x, group = crops(19, seed=1), crops(11)
    call = adapt(make(lively), group[:8], group[8:])
    together = call(x)
    adapt(call, x[:3])
    adapt(call, group[:8], group[8:])
    small_first = adapt(make(lively), x[:1])
    np.testing.assert_array_equal(adapt(small_first, group[:8], group[8:])(x), together)
    for start, stop in ((0, 1), (1, 6), (6, 19)):
        np.testing.assert_array_equal(call(x[start:stop]), together[start:stop])
    adapted = adapt(as_callable(lively, 2, WH, adapting=ALONE), group[:8], group[8:])  # two threads
    np.testing.assert_array_equal(adapted(x), together)


def test_poses_do_not_depend_on_the_batch_size_and_on_the_groups_before() -> None:
    toy = ToyPeople(6)
    frames = [toy.frame(index) for index in range(6)]

    def build(**options: Any) -> Any:
        return estimators.build("demo", COCO, {"adapt": "bn", "adapt_images": 4, **options})

    together = build().predict(frames)
    assert_same_poses(build(batch_size=3).predict(frames), together)
    alone = build(batch_size=1)
    assert alone.images_per_group == 4
    assert_same_poses(alone.predict(frames[4:]), together[4:])
    assert_same_poses(alone.predict(frames[:4]), together[:4])
    plain = estimators.build("demo", COCO, {}).predict(frames)
    assert any(np.abs(one.xy - other.xy).max() > 0.1 for one, other in zip(plain, together, strict=True))


# Whole images


def test_networks_of_whole_images_adapt_to_images_of_several_sizes() -> None:
    torch.manual_seed(0)
    x = [crops(1, seed, side) for seed, side in enumerate((64, 96, 128))]
    for network in (SmallTagsNet(17), DecodedFields(SmallFieldsNet())):
        call = as_image_callable(network.eval(), 1, adapting=Adapting(3, 1))
        before = call(x[0])
        found = adapt(call, *x)(x[0])
        assert [output.shape for output in found] == [output.shape for output in before]
        assert max(np.abs(one - other).max() for one, other in zip(found, before, strict=True)) > 1e-3
        other = adapt(as_image_callable(network, 1, adapting=Adapting(3, 1)), x[2])
        again = adapt(other, *x)(x[0])
        for one, other in zip(found, again, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["small_tags", "small_fields"])
def test_estimators_of_whole_images_adapt(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = models.build(name, 17)
    family = "tags" if name == "small_tags" else "fields"
    spec = InputSpec(name, (64, 64), COCO.joints, stride=4 if family == "tags" else 8, family=family)
    toy = ToyPeople(2, crowded=True)
    frames = [toy.frame(index) for index in range(2)]
    options = {"adapt": "bn", "adapt_images": 2, "input": 64}
    from robustpose.estimators import in_memory

    estimator: Any = in_memory.as_estimator(network, spec, COCO, options)
    groups: list[list[Any]] = []

    def note(batches: Any) -> None:
        groups.append([make() for make in batches])

    monkeypatch.setattr(estimator._checked._network, "adapt", note)
    monkeypatch.setattr(estimator, "_predict_one", lambda frame: no_poses(frame.image_id, 17))
    assert len(estimator.predict(frames * 2)) == 4
    assert [[x.shape[:2] for x in group] for group in groups] == [[(1, 3)] * 2] * 2
    assert estimator.provenance["adapt"] == "bn"
    assert estimator.provenance["images_per_group"] == 2
    assert "adapt" not in in_memory.as_estimator(network, spec, COCO, {"input": 64}).provenance


# Sharper heatmaps


def test_a_step_makes_heatmaps_sharper_and_every_group_begins_anew(lively: SmallNet) -> None:
    x, other = crops(6), crops(5, seed=3)
    plain = adapt(make(lively), x)(x)
    call = make(lively, Adapting(1, 0, Sharpening(3, 1e-3, 0.1)))
    sharp = adapt(call, x)(x)
    entropies = [float(measure_entropy([torch.from_numpy(maps)], 0.1)) for maps in (sharp, plain)]
    assert entropies[0] < entropies[1]
    adapt(call, other)
    np.testing.assert_array_equal(adapt(call, x)(x), sharp)
    assert np.abs(adapt(call)(x) - as_callable(lively, 1, WH)(x)).max() < 1e-4  # nobody


def test_entropy_is_that_of_the_cells_of_each_heatmap() -> None:
    maps = torch.tensor([[[[0.0, 1.0]], [[2.0, 2.0]]]])
    chances = torch.softmax(torch.tensor([0.0, 2.0]), 0)
    expected = (-(chances * chances.log()).sum() + np.log(2)) / 2
    torch.testing.assert_close(measure_entropy([maps], 0.5), expected)


def test_heatmaps_are_found_among_the_outputs() -> None:
    coarse, fine = torch.zeros(1, 34, 4, 4), torch.zeros(1, 17, 8, 8)
    assert [maps.shape[1] for maps in choose_heatmaps((coarse, fine))] == [17, 17]
    with pytest.raises(UserError, match="adapt=tent needs a network that gives heatmaps, got outputs"):
        choose_heatmaps((fine, coarse, fine))


# What is refused


class Turned(nn.Module):
    """Call norms in an order that depends on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(self.other(x)) if float(x.mean()) > 0 else self.other(self.one(x))


class Broken(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        super().forward(x)
        raise RuntimeError("the model fell over")


class Renamed(nn.BatchNorm2d):
    """A batch norm with a name of its own."""


class Doubled(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def norms(**settings: Any) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, **settings))


def folded() -> nn.Module:
    network = norms()
    nn.init.ones_(network[1].bias)
    return network


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Conv2d(3, 4, 3), "adapt needs a torch network with batch norms, and this one has none: leave out adapt"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)), "and this one has only GroupNorm"),
        (norms(track_running_stats=False), "'1' of this network keeps none"),
        (folded(), "are folded into its convolutions"),
        (nn.Sequential(Doubled(3)), "'0' of this network, a Doubled, does more than a batch norm"),
    ],
)
def test_networks_that_cannot_adapt_are_refused(network: nn.Module, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(network)


@pytest.mark.parametrize(
    "compile_", [torch.jit.script, lambda network: torch.jit.trace(network, torch.zeros(1, 3, 8, 8))]
)
def test_what_torch_jit_has_made_is_told_as_such(compile_: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls it deprecated
        network = compile_(norms().eval())
    for one in (network, nn.Sequential(network, nn.BatchNorm2d(4))):
        with pytest.raises(UserError, match=r"cannot reach into what torch\.jit has traced or scripted: hand over the"):
            make(one)


@pytest.mark.parametrize("network", [norms(affine=False), nn.Sequential(Renamed(3), nn.Conv2d(3, 4, 3))])
def test_norms_without_scale_and_shift_and_of_other_names_adapt(network: nn.Module) -> None:
    x = crops(4)
    with torch.no_grad():
        expected = copy.deepcopy(network).train()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(adapt(make(network.eval()), x)(x), expected, rtol=1e-3, atol=1e-4)


def test_norms_in_another_order_for_every_image_are_refused() -> None:
    with pytest.raises(UserError, match="in the same order for all images"):
        adapt(make(Turned()), np.ones((1, 3, 8, 8), np.float32), -np.ones((1, 3, 8, 8), np.float32))


class Functional(nn.Module):
    """A network that takes the numbers of its norm, and not the norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = make_lively_norm(3)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.batch_norm(x, self.norm.running_mean, self.norm.running_var)


def make_lively_norm(n: int, affine: bool = True) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(n, affine=affine).eval()
    norm.running_mean = torch.arange(n).float()
    return norm


def test_norms_that_nobody_calls_are_told() -> None:
    with pytest.raises(UserError, match="calls none of its 1 as a module"):
        adapt(make(Functional()), crops(2))


def test_norms_that_are_not_called_are_doubted(lively: SmallNet) -> None:
    half = nn.Sequential(nn.Conv2d(3, 3, 1), make_lively_norm(3), Functional())
    (doubt,) = make(half).check_group(2, WH)
    assert doubt.startswith("1 of the network's 2 batch norms are not called as modules")
    assert make(lively).check_group(2, WH) == ()


def test_steps_need_something_to_learn() -> None:
    network = nn.Sequential(nn.Conv2d(3, 17, 1), make_lively_norm(17, affine=False))
    with pytest.raises(UserError, match="those of this network have none"):
        adapt(make(network, Adapting(1, 0, Sharpening(0.1, 1e-3, 1))), crops(2))


def test_what_the_network_raises_is_raised() -> None:
    call = make(Broken(nn.BatchNorm2d(3)))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the model fell over"):
            adapt(call, crops(2), crops(3))


def test_memory_is_bounded(lively: SmallNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBUSTPOSE_MAX_MEMORY_MB", "1")
    adapt(make(lively), crops(1))
    with pytest.raises(UserError, match=r"adapting to 1 images at once \(adapt_images\) takes .* MB"):
        adapt(make(lively), *[crops(8)] * 4)
    options = {"adapt": "bn", "adapt_images": 4, "batch_size": 1}
    with pytest.raises(UserError, match=r"adapting to 4 images at once \(adapt_images\) takes .* MB"):
        robustpose.evaluate("demo", "toy", limit=4, options=options, progress=False)


def test_half_precision_and_a_device_without_float64(lively: SmallNet) -> None:
    x = crops(5)
    found = adapt(make(lively, precision="bf16"), x)(x)
    np.testing.assert_array_equal(adapt(make(lively, precision="bf16"), x)(x), found)
    expected = adapt(make(lively), x)(x)
    assert 0 < np.abs(found - expected).max() / np.abs(expected).max() < 0.1
    with pytest.raises(UserError, match="which device mps does not have: add --model-set device=cpu"):
        AdaptiveNetwork(lively, ALONE, Numerics(torch.device("mps")))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("demo", {"adapt": "bn", "adapt_images": 0}, "option 'adapt_images' must be at least 1, got 0"),
        ("demo", {"adapt": "bn", "adapt_images": 513}, "option 'adapt_images' must be at most 512, got 513"),
        ("demo", {"adapt": "bn", "adapt_prior": -1}, "option 'adapt_prior' must be at least 0, got -1"),
        ("demo", {"adapt": "bn", "adapt_prior": float("nan")}, "must be a whole number, got nan"),
        ("demo", {"adapt": "tent", "adapt_rate": "nan"}, "must be made of finite numbers, got 'nan'"),
        ("demo", {"adapt": "tent", "adapt_rate": 0}, "option 'adapt_rate' must be above 0"),
        ("demo", {"adapt": "mean"}, "option 'adapt' must be none, bn or tent"),
        ("demo", {"adapt_images": 4}, "adapt_images goes with adapt=bn or adapt=tent"),
        ("demo", {"adapt": "bn", "adapt_rate": 0.1}, "adapt_rate goes with adapt=tent: leave it out"),
        ("demo", {"adapt": "bn", "backend": "openvino"}, "adapt=bn needs backend=torch, got openvino"),
        ("onnx:net.onnx", {"adapt": "bn"}, "model 'onnx' cannot adapt: the batch norms of its file are folded away"),
        ("tflite:net.tflite", {"adapt": "bn"}, "model 'tflite' cannot adapt"),
        ("results:runs", {"adapt": "bn"}, "its poses were found before: leave out adapt"),
        ("tests.outside:guess_from_pixels", {"adapt": "bn"}, "nothing is known of a network inside of it"),
        ("small_fields:f", {"adapt": "tent"}, "needs a network that gives heatmaps, and this one gives fields"),
    ],
)
def test_options_that_cannot_be_are_one_line(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        estimators.build(kind, COCO, options)
    assert "\n" not in str(error.value)


# Turns


def test_calls_take_turns_in_order() -> None:
    seen: list[str] = []

    def call(name: str) -> Callable[[Turn], None]:
        def do(turn: Turn) -> None:
            for step in range(2):
                seen.append(f"{name}{step}")
                turn.pause(step)

        return do

    turns = [Turn(call("a")), Turn(call("b"))]
    assert [[turn.resume() for turn in turns] for _ in range(3)] == [[0, 0], [1, 1], [None, None]]
    assert seen == ["a0", "b0", "a1", "b1"]
    begun = Turn(call("c"))
    begun.resume()
    for turn in (*turns, begun, Turn(call("d"))):
        turn.stop()
    assert seen[4:] == ["c0"]


def test_default_is_none_and_says_nothing() -> None:
    assert heatmaps.Options().adapting is None
    assert heatmaps.Options().describe_adapting() == {}
