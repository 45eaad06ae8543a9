"""Forms of files: found by the shapes of outputs, and each refusal names the form that fits."""

from dataclasses import replace

import numpy as np
import pytest

from robustpose import UserError, estimators
from robustpose.estimators.coordinates import CoordinateEstimator
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.one_stage import OneStageEstimator
from robustpose.estimators.simcc import SimccEstimator
from robustpose.pose.skeletons import COCO, MPII
from tests.network_files import HEIGHT, WIDTH, make_outputs

FLOAT = "float32"
assert (HEIGHT, WIDTH) == (64, 48)  # which these shapes are made for
FILES = {
    "heatmaps": ("heatmaps", [("maps", (17, 16, 12), FLOAT)]),
    "joints last": ("heatmaps", [("last", (16, 12, 17), FLOAT)]),
    "simcc": ("simcc", [("simcc_x", (17, 96), FLOAT), ("simcc_y", (17, 128), FLOAT)]),
    "simcc, y first": ("simcc", [("b", (17, 128), FLOAT), ("a", (17, 96), FLOAT)]),
    "movenet": ("coordinates", [("keypoints", (1, 17, 3), FLOAT)]),
    "regression": ("coordinates", [("points", (17, 3), FLOAT)]),
    "regression, bare": ("coordinates", [("points", (17, 2), FLOAT)]),
    "regression, scores apart": ("coordinates", [("sure", (17,), FLOAT), ("points", (17, 2), FLOAT)]),
    "yolo": ("one-stage", [("output0", (56, 64), FLOAT)]),
    "yolo, suppressed": ("one-stage", [("output0", (300, 57), FLOAT)]),
    "rtmo": ("one-stage", [("dets", (9, 5), FLOAT), ("keypoints", (9, 17, 3), FLOAT)]),
    "movenet multipose": ("one-stage", [("people", (6, 56), FLOAT)]),
}
FORMS = {
    "heatmaps": HeatmapEstimator,
    "simcc": SimccEstimator,
    "coordinates": CoordinateEstimator,
    "one-stage": OneStageEstimator,
}


def build(folder, outputs, skeleton=COCO, **options):
    return estimators.build(make_outputs(folder / "m.onnx", *outputs), skeleton, options)


def options_of(name):
    return {"points": "xy-01"} if name.startswith("regression") else {}


def message_of(*arguments, **options):
    with pytest.raises(UserError) as error:
        build(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", FILES)
def test_form_is_found_by_the_outputs_or_said(tmp_path, name):
    form, outputs = FILES[name]
    found = build(tmp_path, outputs, **options_of(name))
    assert isinstance(found, FORMS[form])
    said = build(tmp_path, outputs, form=form, **options_of(name))
    assert said.provenance == found.provenance
    assert found.provenance.get("form", "heatmaps") == form


@pytest.mark.parametrize("asked", FORMS)
@pytest.mark.parametrize("name", FILES)
def test_form_that_a_file_does_not_have_is_refused_by_the_name_of_the_one_it_has(tmp_path, name, asked):
    form, outputs = FILES[name]
    if asked == form:
        return
    message = message_of(tmp_path, outputs, form=asked)
    assert f"m.onnx does not fit form={asked}, which is " in message
    assert all(f"{output} (1, {', '.join(map(str, shape))}" in message for output, shape, _ in outputs)
    assert message.endswith(f"that is form={form} (--model-set form={form}, or leave form out)")


@pytest.mark.parametrize("name", [name for name in FILES if name != "yolo, suppressed"])
def test_other_joints_are_counted_in_every_form(tmp_path, name):
    message = message_of(tmp_path, FILES[name][1], MPII)
    assert "17 joints" in message
    assert " 16" in message
    assert "use a model of that skeleton" in message


@pytest.mark.parametrize(
    "outputs",
    [
        [("boxes", (1000, 4), FLOAT), ("labels", (1000,), "int64")],
        [("p3", (255, 8, 6), FLOAT)],
        [("features", (768,), FLOAT)],
        [("found", (84, 64), FLOAT)],
    ],
)
def test_what_is_no_network_of_poses_is_not_said_to_find_joints(tmp_path, outputs):
    message = message_of(tmp_path, outputs)
    assert "network of poses" in message or "name a model of poses" in message
    assert " finds " not in message


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((17, 4), "export x, y and a confidence alone, (batch, 17, 3)"),
        ((2, 17), "these look like coordinates, export them as (batch, 17, 2)"),
        ((34,), "these look like flat coordinates, export them as (batch, 17, 2)"),
        ((57,), "this looks like one row of people, which is read as (1, N, 57)"),
        ((195,), "these look like BlazePose's, 195 numbers for 39 points, of which 33 are joints"),
        ((17, 192), "these look like flat heatmaps, or like SimCC's of another input"),
    ],
)
def test_what_is_nearly_of_a_form_is_said(tmp_path, shape, message):
    assert message in message_of(tmp_path, [("found", shape, FLOAT)])


def test_of_a_model_of_the_whole_body_the_joints_of_the_annotations_are_taken(tmp_path):
    estimator = build(tmp_path, [("x", (133, 96), FLOAT), ("y", (133, 128), FLOAT)])
    assert estimator.skeleton.joints == COCO.joints
    assert "its 133 are taken for those of coco-wholebody" in estimator.warnings[0]


def test_axes_of_simcc_are_told_by_their_lengths_or_names_and_else_asked_for(tmp_path):
    def square(*names, **options):
        outputs = [(name, (17, 128), FLOAT) for name in names]
        spec = make_outputs(tmp_path / "m.onnx", *outputs, image=("image", (3, 64, 64), FLOAT))
        return estimators.build(spec, COCO, options).provenance["output"]

    assert build(tmp_path, FILES["simcc, y first"][1]).provenance["output"] == "a,b"
    assert build(tmp_path, FILES["simcc"][1]).provenance["split_ratio"] == 2
    assert square("simcc_y", "simcc_x") == "simcc_x,simcc_y"
    assert square("first", "second", output="second,first") == "second,first"
    with pytest.raises(UserError, match=r"can be those of form simcc: .*; say which with --model-set output="):
        square("first", "second")


def test_width_and_height_that_are_exchanged_are_seen_by_the_names_of_axes(tmp_path):
    exchanged = [("simcc_y", (17, 96), FLOAT), ("simcc_x", (17, 128), FLOAT)]
    with pytest.raises(UserError, match=r"did you mean input=64x48, WIDTHxHEIGHT\? Or say output=simcc_y,simcc_x"):
        build(tmp_path, exchanged)
    assert build(tmp_path, exchanged, output="simcc_y,simcc_x").provenance["output"] == "simcc_y,simcc_x"


@pytest.mark.parametrize("side", [64, 96])
def test_third_axis_of_simcc_is_left_out_by_its_name(tmp_path, side):
    def build_3d(*names, **options):
        bins = (96, 2 * side, 96) if side == 64 else (192, 192, 192)
        outputs = [(name, (17, n), FLOAT) for name, n in zip(names, bins, strict=True)]
        image = ("image", (3, side, 48 if side == 64 else 96), FLOAT)
        return estimators.build(make_outputs(tmp_path / "m.onnx", *outputs, image=image), COCO, options)

    assert build_3d("simcc_x", "simcc_y", "simcc_z").provenance["output"] == "simcc_x,simcc_y"
    assert build_3d("a", "b", "c", output="a,b").provenance["output"] == "a,b"
    with pytest.raises(UserError, match="say which with --model-set output=X,Y, the names of two of them, x first"):
        build_3d("a", "b", "c")


POINTS, SURE = ("keypoints", (17, 2), FLOAT), ("sure", (17, 1), FLOAT)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([POINTS, ("sigma", (17, 2), FLOAT)], "keypoints, by their names, or others"),
        ([("log_sigma", (17, 2), FLOAT), POINTS], "keypoints, by their names, or others"),
        ([POINTS, ("keypointError", (17, 2), FLOAT), SURE], "keypoints,sure, by their names, or others"),
        ([POINTS, ("b", (17, 2), FLOAT)], "NAME"),
        ([POINTS, SURE, ("visible", (17,), FLOAT)], "keypoints,visible or output=keypoints,sure"),
        ([("heat", (17, 16, 12), FLOAT), ("tags", (17, 16, 12), FLOAT)], "heat, by their names, or others"),
        ([("stage1", (17, 16, 12), FLOAT), ("stage2", (17, 16, 12), FLOAT)], "NAME"),
    ],
)
def test_which_outputs_is_asked_and_what_is_named_otherwise_is_not_recommended(tmp_path, outputs, said):
    message = message_of(tmp_path, outputs, points="xy-01")
    assert "has several outputs that can be " in message
    assert message.endswith(f"; say which with --model-set output={said}")


def test_spread_of_positions_is_no_confidence_unless_it_is_said(tmp_path):
    outputs = [POINTS, ("sigma", (17, 1), FLOAT)]
    estimator = build(tmp_path, outputs, points="xy-01")
    assert estimator.provenance["output"] == "keypoints"
    assert "gives no confidences" in estimator.warnings[0]
    assert not build(tmp_path, outputs, points="xy-01", output="keypoints,sigma").warnings


def test_convention_of_coordinates_is_known_or_asked_for(tmp_path):
    assert build(tmp_path, FILES["movenet"][1]).provenance["points"] == "yx-01"
    for name in ("regression", "regression, bare", "regression, scores apart"):
        assert "does not say which: points=xy-01 if they are in 0..1" in message_of(tmp_path, FILES[name][1])
    assert build(tmp_path, FILES["regression"][1], points="xy-px").provenance["points"] == "xy-px"


def test_coordinates_without_confidences_carry_a_warning(tmp_path):
    doubts = {name: build(tmp_path, FILES[name][1], points="xy-01").warnings for name in FILES if "regression" in name}
    assert [name for name, warnings in doubts.items() if warnings] == ["regression, bare"]
    assert "gives no confidences" in doubts["regression, bare"][0]


def test_painted_surroundings_are_named_and_carry_a_warning(tmp_path):
    plain, painted = (build(tmp_path, FILES["movenet"][1], **options) for options in ({}, {"mask": 127}))
    assert "mask" not in plain.provenance
    assert not plain.warnings
    assert painted.provenance["mask"] == 127
    assert "mask=127 paints what is outside of a grown box" in painted.warnings[0]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("heatmaps", {"mask": 0, "margin": 1.2}, "leave out margin, mask, of form coordinates"),
        ("movenet", {"decode": "udp"}, "leave out decode, of form heatmaps"),
        ("movenet", {"rows": "yolo"}, "leave out rows, of form one-stage"),
        ("yolo", {"points": "xy-01"}, "leave out points, of form coordinates"),
        ("simcc", {"decode": "dark"}, "leave out decode, of form heatmaps"),
        ("yolo", {"flip_test": True}, "no mirror test"),
        ("movenet", {"margin": 0}, "'margin' must be at least 0.1, got 0"),
        ("movenet", {"mask": 256}, "'mask' must be a grey level, 0 to 255, got 256"),
        ("movenet", {"mask": "1e2"}, "'mask' must be a grey level, 0 to 255"),
        ("movenet", {"points": "xy"}, "must be xy-01, yx-01, xy-px or yx-px"),
        ("movenet", {"form": "heatmap"}, "did you mean 'heatmaps'?"),
        ("movenet", {"output": ""}, "'output' must be the name of an output, or several with commas"),
    ],
)
def test_options_of_other_forms_are_one_line(tmp_path, name, options, message):
    assert message in message_of(tmp_path, FILES[name][1], **options)


@pytest.mark.parametrize(
    ("name", "channels", "mean", "std"),
    [
        ("heatmaps", "rgb", 0.485, 0.229),
        ("simcc", "rgb", 0.485, 0.229),
        ("movenet", "rgb", 0, 1 / 255),
        ("regression", "rgb", 0.485, 0.229),
        ("yolo", "rgb", 0, 1),
        ("yolo, suppressed", "rgb", 0, 1),
        ("rtmo", "bgr", 0, 1 / 255),
        ("movenet multipose", "rgb", 0, 1 / 255),
    ],
)
def test_values_are_as_networks_of_a_form_are_trained(tmp_path, name, channels, mean, std):
    outputs, options = FILES[name][1], options_of(name)
    spec = build(tmp_path, outputs, **options).input_spec
    assert (spec.channels, spec.mean[0], spec.std[0]) == (channels, mean, pytest.approx(std))
    own = build(tmp_path, outputs, channels="bgr", mean="0.5,0.4,0.3", std="0.3,0.2,0.1", **options).input_spec
    assert (own.channels, own.mean, own.std) == ("bgr", (0.5, 0.4, 0.3), (0.3, 0.2, 0.1))
    if mean == 0:
        for scale in (1, 255):
            assert build(tmp_path, outputs, scale=scale, **options).input_spec.std == (1 / scale,) * 3


def test_coordinates_with_y_first_take_values_as_movenet_does(tmp_path):
    spec = build(tmp_path, FILES["regression"][1], points="yx-01").input_spec
    assert (spec.mean, spec.std) == ((0, 0, 0), (1 / 255,) * 3)


def test_joints_in_another_order_are_asked_for_in_every_form(tmp_path):
    order = list(range(17))[::-1]
    turned = replace(COCO.arrange([COCO.joints[i] for i in order]), name="mine")
    for name, (_, outputs) in FILES.items():
        with pytest.raises(UserError, match="say with --model-set joints=coco"):
            build(tmp_path, outputs, turned, **options_of(name))


@pytest.mark.parametrize(("image", "is_last"), [((3, 64, 64), False), ((64, 64, 3), True)])
def test_where_joints_could_be_first_or_last_they_are_where_the_colours_are(tmp_path, image, is_last):
    spec = make_outputs(tmp_path / "m.onnx", ("found", (16, 16, 16), FLOAT), image=("image", image, FLOAT))
    estimator = estimators.build(spec, MPII, {"flip_test": False})
    given = np.random.default_rng(1).random((1, 16, 16, 16)).astype(np.float32) * 9
    found = estimator._find_heatmaps(np.zeros((1, 3, 64, 64), np.float32))
    np.testing.assert_array_equal(found, given.transpose(0, 3, 1, 2) if is_last else given)
