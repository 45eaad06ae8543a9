"""robustpose list: all that can be chosen is listed, fits a terminal, and is a line an entry where there is none."""

import os

import pytest

from robustpose.cli.described import describe_detector_options, describe_options, describe_settings
from robustpose.cli.listing import KINDS
from robustpose.train.settings import TrainSettings


@pytest.fixture
def terminal(monkeypatch):
    """A function that says how wide the terminal is; standard output is one from then on."""

    def be_wide(columns: int) -> None:
        size = os.terminal_size((columns, 24))
        monkeypatch.setattr("shutil.get_terminal_size", lambda: size)
        monkeypatch.setattr("robustpose.show.lists.terminal_width", lambda: columns)
        monkeypatch.setattr("robustpose.cli.listing.terminal_width", lambda: columns)

    return be_wide


def test_list_alone_says_what_can_be_listed(run):
    code, output, _ = run("list")
    assert code == 0
    assert all(f"list {kind} " in output for kind in KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "options"])
def test_every_list_fits_80_columns_of_a_terminal(run, terminal, kind):
    terminal(80)
    code, output, _ = run("list", kind)
    assert code == 0
    assert not [line for line in output.splitlines() if len(line) > 80]


def test_list_of_networks_says_which_columns_a_narrow_terminal_has_not(run, terminal):
    terminal(80)
    assert "Not shown at this width: half" in run("list", "networks", "hrnet_w32")[1]
    terminal(200)
    assert "Not shown" not in run("list", "networks", "hrnet_w32")[1]


def test_every_setting_has_a_description_and_is_taken_as_it_is_named():
    settings = {one.name: one for one in describe_settings()}
    assert all(one.text for one in settings.values())
    assert settings["mixing.alpha"].default == "0.1"
    assert settings["loss"].kind == "mse|smooth_l1"
    assert settings["train_data.limit"].kind == "number"
    top = {name.partition(".")[0] for name in settings}
    assert top == set(TrainSettings.model_fields) - {"row"}


def test_options_of_no_model_are_the_models_that_have_some(run):
    code, output, _ = run("list", "options")
    assert code == 0
    assert "onnx, tflite, hf" in output
    assert "robustpose list options onnx" in output


def test_settings_can_be_chosen_by_a_part_of_their_names(run):
    _, output, _ = run("list", "settings", "mixing")
    lines = output.splitlines()[1:-1]
    assert lines
    assert all(line.startswith("mixing.") for line in lines)
    code, _, errors = run("list", "settings", "mixng")
    assert (code, errors) == (
        2,
        "error: no setting has 'mixng' in its name (did you mean 'mixing'?): leave it out, and all are listed\n",
    )


@pytest.mark.parametrize("kind", ["onnx", "demo", "hrnet_w32", "results", "hf"])
def test_options_of_a_kind_of_model_are_described(kind):
    assert all(one.text for one in describe_options(kind))


@pytest.mark.parametrize("kind", ["onnx", "tflite", "hf", "tests.test_detectors:find_two"])
def test_options_of_a_kind_of_detector_are_listed(run, kind):
    code, output, _ = run("list", "detectors", kind)
    assert code == 0
    assert "min_score  number" in output
    assert all(one.text for one in describe_detector_options(kind))


def test_sizes_and_lists_are_spelt_as_options_take_them():
    options = {one.name: one for one in describe_options("onnx")}
    assert options["input"].kind == "WIDTHxHEIGHT"
    assert options["mean"].kind == "number,number,number"
    assert options["flip_test"].default == "true"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nets"], "nothing is listed as 'nets' (did you mean 'networks'?): expected one of models, options"),
        (["options", "onx"], "unknown kind of model 'onx' (did you mean 'onnx'?)"),
        (["networks", "vit"], "none of the networks has 'vit' in its name: robustpose list networks shows all"),
        (["detectors", "yolo"], "none of the detectors has 'yolo' in its name: robustpose list detectors shows all"),
        (["corruptions", "fogg"], "none of the corruptions has 'fogg' in its name"),
    ],
)
def test_wrong_words_are_one_line(run, words, message):
    code, _, errors = run("list", *words)
    assert code == 2
    assert errors.startswith(f"error: {message}")
    assert errors.count("\n") == 1


def test_list_of_one_skeleton_shows_its_joints_with_sigmas_and_mirrors(run):
    code, output, _ = run("list", "skeletons", "crowdpose")
    assert code == 0
    lines = [line.split() for line in output.splitlines()]
    assert ["0", "left_shoulder", "0.079", "right_shoulder"] in lines
    assert ["13", "neck", "0.079", "–"] in lines
