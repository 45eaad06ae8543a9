"""harden from Python: which network comes out, on what it goes on, what stays as it was, what is refused."""

import copy
import json
import re
import warnings
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

import robustpose
from robustpose import models
from robustpose.api.hardening_settings import Given, make_start
from robustpose.api.several_devices import train_by_command
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.models import DEMO
from robustpose.models.weights import load_weights, read_weights
from robustpose.train.loop import train
from tests.memory_models import make_net
from tests.training import same

TWO = {"name": "toy", "n_images": 2}
QUICK = {"batch_size": 4, "mixing.generator_width": 1, "sheet_people": 0, "engine": {"threads": 1, "workers": 0}}


@pytest.fixture(autouse=True)
def quiet():
    """Two images are next to nothing to learn from, which training says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def harden(model, train=TWO, val=TWO, *, settings=(), epochs=1, **arguments):
    return robustpose.harden(
        model, train, val, epochs=epochs, progress=False, settings={**QUICK, **dict(settings)}, **arguments
    )


def make_small():
    network = models.build("small")
    network.input_spec = load_weights(network, DEMO)
    return network


def test_network_in_memory_is_hardened_and_stays_as_it_was(tmp_path):
    network = make_net().train()
    before = copy.deepcopy(network.state_dict())
    hardened = harden(network, input="96x128", out=tmp_path / "run")
    assert same(network.state_dict(), before)
    assert network.training
    assert type(hardened.network) is type(network)
    assert not hardened.network.training
    assert not same(hardened.network.state_dict(), before)
    assert same(hardened.network.state_dict(), read_weights(hardened.weights)[0])
    assert same(before, read_weights(hardened.folder / "start.safetensors")[0])
    assert hardened.log[-1]["figures"] == hardened.figures
    figures = robustpose.evaluate(hardened.network, TWO, progress=False)  # which knows its input
    assert figures["AP"] == pytest.approx(hardened.figures["AP"], abs=1e-3)


def test_network_of_some_joints_is_evaluated_with_the_arguments_of_its_training(coco_folder):
    data = {"annotations": coco_folder / "people.json", "images": coco_folder / "images", "limit": 2}
    data |= {"joints": ("nose", "left_hip", "right_hip")}
    hardened = harden(make_net(joints=3), data, data, strategy="supervised", input="96x128")
    assert hardened.network.input_spec.joints == data["joints"]
    for size in ({}, {"input": "96x128"}, {"input": {"input_wh": (96, 128)}}):
        figures = robustpose.evaluate(hardened.network, data, progress=False, **size)
        assert figures["AP"] == pytest.approx(hardened.figures["AP"], abs=1e-3)


def test_plan_and_tables_call_a_network_by_its_class(capsys):
    hardened = robustpose.harden(make_net(), TWO, TWO, input="96x128", epochs=1, settings=QUICK)
    errors = capsys.readouterr().err
    assert "hardening Net: advmix" in errors
    assert re.search(r"^\d+ \w+, 1 epoch, \d+ steps? of 4, Net \(.*on cpu", errors, re.MULTILINE)
    assert "Using" not in errors
    run = robustpose.bench(hardened.network, TWO, corruptions="none", progress=False)
    assert run.name == "Net"


def test_teacher_is_the_network_that_was_handed_over(tmp_path):
    hardened = harden(make_net(), input="96x128", out=tmp_path)
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["step"]["teacher"]
    assert same(state, make_net().state_dict())
    assert hardened.log[0]["losses"]["distill"] > 0


def test_layers_that_do_not_learn_stay_so():
    network = make_net()
    network.first.requires_grad_(False)
    hardened = harden(network, input="96x128").network
    assert torch.equal(hardened.first.weight, network.first.weight)
    assert not torch.equal(hardened.last.weight, network.last.weight)


def test_network_of_ours_gives_what_the_command_gives(tmp_path):
    ours = harden(make_small(), out=tmp_path / "memory").network
    named = harden("demo", out=tmp_path / "name").network
    assert same(ours.state_dict(), named.state_dict())
    assert "model: small\n" in (tmp_path / "memory/settings.yaml").read_text()


def test_stopped_call_goes_on_and_ends_with_the_same_bits(tmp_path, monkeypatch):
    from robustpose.api import hardening

    whole = harden(make_net(), input="96x128", epochs=2, out=tmp_path / "whole")

    class Stopped(BaseException):
        pass

    def stop_after_an_epoch(settings, out, on_progress, fresh, announce):
        def stop(progress):
            if progress.epoch == 2:
                raise Stopped

        return train(settings, out, stop, fresh)

    for out in (tmp_path / "stopped", None):  # a temporary folder is gone on with as well
        with monkeypatch.context() as patch:
            patch.setattr("robustpose.train.loop.train", stop_after_an_epoch)
            with pytest.raises(Stopped):
                harden(make_net(), input="96x128", epochs=2, out=out)
        steps = []
        with monkeypatch.context() as patch:
            patch.setattr(hardening, "choose_display", partial(_note_steps, steps))
            again = harden(make_net(), input="96x128", epochs=2, out=out)
        assert steps[0] > again.log[0]["step"]
        assert same(again.network.state_dict(), whole.network.state_dict())


def _note_steps(steps, wanted):
    return nullcontext(lambda label, progress: steps.append(progress.done))


def test_other_weights_or_layers_are_another_run(tmp_path):
    harden(make_net(), input="96x128", out=tmp_path)
    other = make_net()
    with torch.no_grad():
        other.last.bias[0] += 1e-6
    with pytest.raises(
        UserError, match=r"holds a run that started from other weights: choose another out=, .*fresh=True"
    ):
        harden(other, input="96x128", out=tmp_path)
    other = make_net()
    other.gain.gain = 3.0
    with pytest.raises(UserError, match=r"other settings \(model: '.*Net_.*' there, '.*Net_"):
        harden(other, input="96x128", out=tmp_path)
    assert len(harden(other, input="96x128", out=tmp_path, fresh=True).log) == 1


def test_weights_that_layers_share_stay_shared():
    network = make_net()
    network.other = network.last
    hardened = harden(network, input="96x128", strategy="supervised").network
    assert hardened.other.weight is hardened.last.weight
    assert not torch.equal(hardened.last.weight, network.last.weight)


def test_weights_that_hooks_compute_are_refused():
    network = make_net()
    network.first = nn.utils.weight_norm(network.first)
    with pytest.raises(UserError, match=r"hook computes \(WeightNorm\).*torch.nn.utils.parametrizations"):
        harden(network, input="96x128")


def test_datasets_in_memory_are_learned_from():
    by_name = harden("demo", {"name": "toy", "n_images": 2, "split": "train"}, TWO, strategy="supervised")
    in_memory = harden("demo", ToyPeople(2, split="train"), ToyPeople(2), strategy="supervised")
    assert same(by_name.network.state_dict(), in_memory.network.state_dict())


def test_without_a_recipe_settings_are_for_fine_tuning_and_epochs_move_the_decay(tmp_path):
    import yaml

    harden("demo", out=tmp_path / "default", settings={"lr": 1e-3})
    said = yaml.safe_load((tmp_path / "default/settings.yaml").read_text())
    assert (said["strategy"], said["epochs"], said["decay_at"], said["lr"]) == ("advmix", 1, [1], 1e-3)
    harden("demo", None, None, recipe="advmix/toy", strategy="supervised", out=tmp_path / "recipe",
           settings={"train_data.n_images": 2, "val_data.n_images": 2})  # fmt: skip
    said = yaml.safe_load((tmp_path / "recipe/settings.yaml").read_text())
    assert (said["strategy"], said["decay"], said["train_data"]["seed"], said["sigma"]) == ("supervised", 0.3, 1, 1.5)


def test_like_stands_in_the_place_of_the_settings_for_fine_tuning():
    given = Given("demo", TWO, TWO, None, None, None, {"like": "hrnet_w32_256x192"}, None, None, False)
    with ExitStack() as held:
        settings = make_start(given, held).settle(Path(), is_fresh=False)
    assert (settings.epochs, settings.lr, settings.model, settings.strategy) == (210, 1e-3, "small", "advmix")


def test_code_of_a_recipe_is_not_run_unless_it_is_trusted(tmp_path, monkeypatch):
    (tmp_path / "code_of_recipe.py").write_text("raise RuntimeError('was run')")
    monkeypatch.syspath_prepend(tmp_path)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("val_data: {name: 'code_of_recipe:data'}")
    with pytest.raises(UserError, match=r"val_data.name.*code_of_recipe:data.*trust="):
        harden(make_net(), TWO, None, recipe=recipe, input="96x128")
    with pytest.raises(UserError, match="was run"):
        harden(make_net(), TWO, None, recipe=recipe, input="96x128", trust=True)


def test_several_devices_are_of_the_command_and_its_mistakes_are_told(tmp_path):
    given = Given("demo", TWO, TWO, None, None, None, QUICK, None, None, False)
    with ExitStack() as held:
        settings = make_start(given, held).settle(Path(), is_fresh=False)
    lost = settings.model_copy(update={"start_from": tmp_path / "lost.safetensors"})
    with pytest.raises(UserError, match=r"^start_from.*there is no weights file .*lost.safetensors"):
        train_by_command(lost, tmp_path / "run", is_fresh=False, progress=False)


def test_result_shows_itself():
    hardened = harden("demo")
    assert repr(hardened).startswith("Hardened(1 epoch, AP ")
    assert "<th>AP</th>" in hardened._repr_html_()
    json.dumps(hardened.log)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "onnx:x.onnx"}, "model 'onnx:x.onnx' cannot be trained: expected NETWORK:FILE"),
        ({"model": "small"}, "cannot be trained"),
        ({"model": "small:nothing.safetensors"}, "there is no weights file nothing.safetensors"),
        ({"model": 3}, "must be a network to train.*got int"),
        ({"model": make_net()}, 'does not say what its input is: give input="192x256"'),
        ({"model": make_net(), "input": "100x100"}, "multiples of 32"),
        ({"model": make_net(joints=16), "input": "96x128"}, r"\(1, 17, 32, 24\).*got \(1, 16, 32, 24\)"),
        ({"model": make_net().to("meta"), "input": "96x128"}, "no weights yet"),
        ({"model": make_net().requires_grad_(False), "input": "96x128"}, "no parameters that can be trained"),
        ({"model": make_net(), "input": {"input_wh": "96x128", "channels": "bgr"}}, "channels bgr, but is"),
        ({"train": None}, "say what to learn from: train="),
        ({"val": None}, "say what to evaluate on: val="),
        ({"train": {"name": "toi"}}, "unknown dataset 'toi'"),
        ({"strategy": "advmx"}, "advmx.*did you mean 'advmix'"),
        ({"recipe": "advmix/toi"}, "did you mean 'advmix/toy'"),
        ({"settings": {"mixing.alfa": 1}}, "unknown key 'mixing.alfa'"),
        ({"settings": {"epochs": 3}}, "settings= cannot say 'epochs': that is epochs="),
        ({"settings": {"lr.x": 3}}, "'lr' is one value"),
        ({"epochs": 0}, "epochs= must be a whole number of at least 1, got 0"),
        ({"devices": 0}, "devices= must be a whole number"),
        ({"model": make_net(), "input": "96x128", "devices": 2}, "do not find the network in memory: name"),
        ({"val": ToyPeople(2), "devices": 2}, "do not find the val in memory"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_leave_nothing(arguments, message, tmp_path):
    settings = arguments.pop("settings", {})
    given = {"model": "demo", **arguments}
    with pytest.raises(UserError, match=message) as raised:
        harden(given.pop("model"), settings=settings, out=tmp_path / "run", **given)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run/last.ckpt").exists()


@pytest.mark.parametrize("name", ["fresh", "progress", "trust"])
def test_switch_is_true_or_false(name):
    with pytest.raises(UserError, match=rf"^{name}= must be True or False, got 'no'$"):
        robustpose.harden("demo", TWO, TWO, **{name: "no"})


def test_modes_of_the_program_change_nothing(tmp_path):
    expected = harden(make_net(), input="96x128", strategy="supervised").network.state_dict()
    network = make_net()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            hardened = harden(network, input="96x128", strategy="supervised")
            run = robustpose.bench(
                hardened.network, "toy", limit=1, corruptions="none", workers=1, resamples=0, progress=False
            )
    finally:
        torch.set_default_dtype(torch.float32)
    assert same(hardened.network.state_dict(), expected)
    again = robustpose.bench(
        hardened.network, "toy", limit=1, corruptions="none", workers=1, resamples=0, progress=False
    )
    assert again.summary == run.summary


def test_training_on_other_pixels_is_refused(tmp_path):
    class Dark(ToyPeople):
        """Drawn people, with less light."""

        def frame(self, index):
            frame = super().frame(index)
            return robustpose.Frame(frame.image_id, lambda: frame.image // self.factor, frame.boxes)

    def make(factor):
        data = Dark(n_images=2)
        data.factor = factor
        return data

    train_on = partial(harden, make_net(), val=TWO, input="96x128", out=tmp_path, strategy="supervised")
    train_on(make(1))
    train_on(make(1))
    with pytest.raises(UserError, match="the pixels that the dataset gives"):
        train_on(make(3))
