"""Options of models, from words of the command line or values of Python: typed, bounded, described; else one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robustpose import estimators
from robustpose.cli.bench import parse_options
from robustpose.errors import UserError
from robustpose.estimators import demo, fields, heatmaps, onnx, tags
from robustpose.estimators.options import ELSEWHERE, ModelOptions, read_options
from robustpose.models.families import FAMILIES
from robustpose.pose.skeletons import COCO

KINDS = {"demo": demo, "onnx": onnx, **{name: family.estimating for name, family in FAMILIES.items()}}
SWITCHES = [
    (kind, name)
    for kind, module in KINDS.items()
    for name, field in module.Options.model_fields.items()
    if field.annotation is bool
]
COUNTS = [
    (kind, name)
    for kind, module in KINDS.items()
    for name, field in module.Options.model_fields.items()
    if field.annotation is int and any(getattr(bound, "ge", None) == 1 for bound in field.metadata)
]
YES = ("true", "True", "TRUE", "yes", "Yes", "on", "ON", "1", 1, True, " true ")
NO = ("false", "False", "FALSE", "no", "No", "off", "OFF", "0", 0, False)


def read(kind: str, **given: Any) -> Any:
    return read_options(kind, KINDS[kind].Options, given)


def message_of(read_wrong: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        read_wrong()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_kind_of_network_has_switches() -> None:
    assert {kind for kind, _ in SWITCHES} == set(KINDS)
    assert {kind for kind, _ in COUNTS} == set(KINDS)


@pytest.mark.parametrize(("kind", "name"), SWITCHES)
def test_switch_takes_the_usual_words_for_yes_and_no_in_any_case(kind: str, name: str) -> None:
    for values, expected in ((YES, True), (NO, False)):
        for value in values:
            assert getattr(read(kind, **{name: value}), name) is expected


@pytest.mark.parametrize("value", ["maybe", "t", "f", "y", "n", "2", "", "truee", 2, 1.0, -1])
@pytest.mark.parametrize(("kind", "name"), SWITCHES)
def test_any_other_word_for_a_switch_is_one_line(kind: str, name: str, value: Any) -> None:
    message = message_of(lambda: read(kind, **{name: value}))
    assert f"option '{name}' must be true or false, yes or no, on or off, 1 or 0, got {value!r}" in message
    assert "its options are" not in message


NEED_OTHERS = ("adapt_images", "adapt_steps")  # options that are given with others alone


@pytest.mark.parametrize(("kind", "name"), COUNTS)
def test_count_is_a_whole_number_from_one(kind: str, name: str) -> None:
    if name not in NEED_OTHERS:
        assert getattr(read(kind, **{name: "12"}), name) == getattr(read(kind, **{name: 12}), name) == 12
    for value, problem in (
        ("many", "must be a whole number"),
        ("1.5", "must be a whole number"),
        (1.5, "must be a whole number"),
        (float("nan"), "must be a whole number"),
        (float("inf"), "must be a whole number"),
        (True, "must be a whole number"),
        ([1], "must be a whole number"),
        ("", "must be a whole number"),
        ("0", "must be at least 1"),
        (-3, "must be at least 1"),
    ):
        assert f"option '{name}' {problem}, got {value!r}" in message_of(lambda v=value: read(kind, **{name: v}))


@pytest.mark.parametrize("kind", ["onnx", "heatmaps"])
def test_size_of_crops_is_width_and_height(kind: str) -> None:
    for value in ("192x256", "192X256", (192, 256), [192, 256]):
        assert read(kind, input=value).input == (192, 256)
    for value in ("big", "192", "1x2x3", "0x64", "-32x32", "64x", "1.5x2", 192, (1,), ("a", "b"), True):
        assert "option 'input' must be WIDTHxHEIGHT in px such as 192x256, got" in message_of(
            lambda v=value: read(kind, input=v)
        )


@pytest.mark.parametrize(("kind", "side", "least"), [("tags", 480, 64), ("fields", 640, 33)])
def test_size_of_whole_images_is_one_side(kind: str, side: int, least: int) -> None:
    for value in ("640x480", "480X640", (640, 480), side, str(side)):
        assert read(kind, input=value).input == side
    for value in ("large", "1x2x3", "nan", float("inf"), "512.5"):
        assert "option 'input' must be px of one side such as 512, or 512x512, got" in message_of(
            lambda v=value: read(kind, input=v)
        )
    assert f"option 'input' must be at least {least}, got '10'" in message_of(lambda: read(kind, input="10"))


def test_scales_and_threshold_are_checked_and_kept_as_they_were_written() -> None:
    assert read("tags", scales="0.50,1").scales == "0.50,1"
    assert read("tags", scales=(0.5, 1)).scales == "0.5,1"
    assert read("tags", scales=1).scales == "1"
    assert read("tags", threshold="0.20").threshold == "0.20"
    assert read("tags", threshold=0.2).threshold == "0.2"
    for value in ("", "x", "0.1,0.2", "-0.1", "nan", "inf", object):
        assert "option 'threshold' must be " in message_of(lambda v=value: read("tags", threshold=v))


def test_mean_and_std_are_three_finite_numbers_and_std_is_above_zero() -> None:
    for value in ("0.5,0.25,1e-1", "0.5, 0.25, 0.1", (0.5, 0.25, 0.1)):
        options = read("onnx", mean=value, std=value)
        assert options.mean == options.std == (0.5, 0.25, 0.1)
    for name in ("mean", "std"):
        for value in ("1,2", "1,2,3,4", "1;2;3", "nan,1,1", "inf,1,1", "", 3):
            assert f"option '{name}' must be " in message_of(lambda n=name, v=value: read("onnx", **{n: v}))
    for value in ("0,1,1", "1,1,-1", (1, 0.0, 1)):
        assert f"option 'std' must be three numbers above 0, got {value!r}" in message_of(
            lambda v=value: read("onnx", std=v)
        )
    assert read("onnx", mean="0,0,0").mean == (0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "name", "wrong", "allowed"),
    [
        ("heatmaps", "backend", "opnvino", "torch, compile or openvino"),
        ("demo", "backend", "onnxruntime", "torch, compile or openvino"),
        ("tags", "backend", "compile", "torch or openvino"),
        ("fields", "backend", "compile", "torch or openvino"),
        ("onnx", "backend", "torch", "onnxruntime or openvino"),
        ("heatmaps", "precision", "half", "float32, bf16 or fp16"),
        ("onnx", "precision", "fp16", "float32 or bf16"),
        ("onnx", "channels", "RGB", "rgb or bgr"),
        ("fields", "protocol", "plian", "openpifpaf or plain"),
    ],
)
def test_choice_that_there_is_not_is_one_line_with_the_choices(kind: str, name: str, wrong: str, allowed: str) -> None:
    assert f"option '{name}' must be {allowed}, got '{wrong}'" in message_of(lambda: read(kind, **{name: wrong}))


def test_options_that_do_not_go_together_are_one_line() -> None:
    message = message_of(lambda: read("onnx", precision="bf16"))
    assert "precision of backend onnxruntime must be float32, got 'bf16'" in message
    assert read("onnx", precision="bf16", backend="openvino").precision == "bf16"


@pytest.mark.parametrize("kind", KINDS)
def test_option_that_a_kind_does_not_have_is_one_line_with_those_it_has(kind: str) -> None:
    message = message_of(lambda: read(kind, thread="1"))
    assert f"model '{kind}': there is no option 'thread' (did you mean 'threads'?); its options are " in message
    assert all(name in message for name in KINDS[kind].Options.model_fields)


def test_several_mistakes_are_one_line() -> None:
    message = message_of(lambda: read("onnx", thread="1", flip_test="maybe", batch_size=0, mean="1"))
    assert "option 'batch_size' must be at least 1, got 0; option 'flip_test' must be true" in message
    assert all(part in message for part in ("option 'mean' must be three numbers", "there is no option 'thread'"))
    assert "in all" not in message
    message = message_of(lambda: read("onnx", **{f"x{i}": 1 for i in range(12)}))
    assert message.count("there is no option") == 10
    assert "12 mistakes in all; its options are " in message


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("conf", "threshold"),
        ("imgsz", "input"),
        ("Iou-Threshold", "iou"),
        ("nms", "iou"),
        ("kpt_shape", "joints"),
        ("flip", "flip_test"),
        ("chanels", "channels"),
        ("batchsize", "batch_size"),
        ("fps", None),
        ("verbose", None),
    ],
)
def test_words_of_other_programs_are_known_and_no_others_are_guessed(word: str, meant: str | None) -> None:
    hint = "" if meant is None else f" (did you mean '{meant}'?)"
    assert f"there is no option '{word}'{hint}; its options are" in message_of(lambda: read("onnx", **{word: "1"}))


@pytest.mark.parametrize("name", ["device", "decode", "input", "conf"])
def test_no_option_is_taken_for_one_that_only_looks_like_it(name: str) -> None:
    message = message_of(lambda: read_options("small", ModelOptionsOfTwo, {name: "1"}))
    assert f"there is no option '{name}'; its options are columns, joints, devise_at" in message


class ModelOptionsOfTwo(ModelOptions):
    columns: int = 0
    joints: int = 0
    devise_at: int = 0


def test_every_word_of_another_program_stands_for_one_option_that_exists() -> None:
    words = [word for others in ELSEWHERE.values() for word in others]
    fields = {name for module in KINDS.values() for name in module.Options.model_fields}
    assert len(words) == len(set(words))
    assert set(ELSEWHERE) <= fields
    assert not fields.intersection(words)


@pytest.mark.parametrize("name", ["flip_test", "batch_size", "batched", "anything"])
def test_objects_take_no_option_and_results_only_that_of_their_joints(name: str, coco_folder: Path) -> None:
    message = message_of(lambda: estimators.build("tests.outside:Centre", COCO, {name: "true", "threads": None}))
    assert message == f"model 'tests.outside:Centre' has no options: leave out {name}"
    message = message_of(lambda: estimators.build(f"results:{coco_folder}", COCO, {name: "true", "threads": None}))
    assert message == f"model 'results': there is no option '{name}'; its options are joints"


def test_misspelt_kind_is_said_before_its_options() -> None:
    message = message_of(lambda: estimators.build("sbl_r5:x.pth", COCO, {"flip_test": "no"}))
    assert "did you mean 'sbl_r50'?" in message


def test_options_set_to_none_are_not_given() -> None:
    assert read("demo", batch_size=None, flip_test=None) == demo.Options()
    estimators.build("tests.outside:guess_from_pixels", COCO, {"batch_size": None})


def test_words_of_the_command_line_turn_the_mirror_test_off() -> None:
    for word in ("flip-test=0", "flip_test=false", "flip-test=No"):
        estimator = estimators.build("demo", COCO, parse_options([word]))
        assert estimator.provenance["flip_test"] is False
    assert parse_options(["flip-test=0", "input=1=2", "a="]) == {"flip_test": "0", "input": "1=2", "a": ""}


def test_input_of_an_onnx_file_that_says_another_is_one_line(onnx_file: Path) -> None:
    assert estimators.build(f"onnx:{onnx_file}", COCO, {"input": "48x64"}).input_spec.input_wh == (48, 64)
    message = message_of(lambda: estimators.build(f"onnx:{onnx_file}", COCO, {"input": "96x128"}))
    assert message.endswith("says that its input is 48x64: leave out input=96x128")


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ("demo", demo.Options),
        ("onnx:x.onnx", onnx.Options),
        ("hrnet_w32", heatmaps.Options),
        ("hrnet_w32:x.pth", heatmaps.Options),
        ("higherhrnet_w32", tags.Options),
        ("pifpaf_resnet50:x.safetensors", fields.Options),
        ("tests.outside_network:TwoLayers:gone.safetensors", heatmaps.Options),
    ],
)
def test_options_of_a_spec_can_be_listed(spec: str, options: type[ModelOptions]) -> None:
    assert estimators.options_of(spec) is options
    for field in options.model_fields.values():
        assert field.description
        assert "\n" not in field.description
        assert not field.is_required()


@pytest.mark.parametrize("spec", ["tests.outside:Centre", "nobody.knows:it"])
def test_options_of_a_spec_without_any_are_none(spec: str) -> None:
    assert not estimators.options_of(spec).model_fields


def test_options_can_be_listed_without_pytorch() -> None:
    code = (
        "import sys\nfrom robustpose import estimators\n"
        "for spec in ('demo', 'onnx:x', 'results:x', 'small', 'small_tags', 'small_fields', 'a.b:c'):\n"
        "    estimators.options_of(spec)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_the_same_door(name: str) -> None:
    module = FAMILIES[name].estimating
    assert issubclass(module.Options, ModelOptions)
    assert callable(module.build)
    assert callable(module.as_estimator)
