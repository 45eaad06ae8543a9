"""ONNX networks: heatmaps are found among the outputs or asked for, and joints are never taken in a wrong order."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from robustpose import UserError, estimators
from robustpose.data.coco import read_coco
from robustpose.estimators.options import read_options
from robustpose.estimators.running.backends import find_device
from robustpose.evaluation import predict
from robustpose.pose.skeletons import COCO, MPII
from robustpose.pose.types import reorder_joints
from tests.conftest import make_onnx
from tests.network_files import HEIGHT, WIDTH, make_onnx_of_input, make_outputs
from tests.people import assert_same_poses

MAPS = ("maps", (17, 16, 12), "float32")


@pytest.fixture(scope="module")
def people(coco_folder):
    return read_coco(coco_folder / "people.json", coco_folder / "images")


def find(people, spec, **options):
    frames = [people.frame(i) for i in range(2)]
    return predict(frames, estimators.build(spec, people.skeleton, options))


OTHERS = [
    ("features", (32, 16, 12), "float32"),
    ("tags", (34, 16, 12), "float32"),
    ("points", (17, 2), "float32"),
    ("sure", (17, 1, 1), "float32"),
    ("found", (17, 16, 12), "uint8"),
    ("odd", (17, 15, 12), "float32"),
]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_the_one_output_that_can_be_heatmaps_is_taken_wherever_it_stands(tmp_path, people, backend):
    if backend == "openvino":
        pytest.importorskip("openvino")
    alone = estimators.build(make_outputs(tmp_path / "a.onnx", MAPS), COCO, {})
    assert "output" not in alone.provenance
    wanted = find(people, make_outputs(tmp_path / "a.onnx", MAPS), backend=backend)
    if backend == "openvino":  # sets the batch size, which these constants do not follow
        others = [("features", (32, 16, 12), "float32")]
        assert_same_poses(find(people, make_outputs(tmp_path / "b.onnx", *others, MAPS), backend=backend), wanted)
        return
    spec = make_outputs(tmp_path / "b.onnx", *OTHERS[:3], MAPS, *OTHERS[3:])
    assert_same_poses(find(people, spec), wanted)
    assert estimators.build(spec, COCO, {}).provenance["output"] == "maps"


def test_where_several_outputs_can_be_heatmaps_the_user_is_asked_for_the_name(tmp_path, people):
    spec = make_outputs(tmp_path / "m.onnx", ("early", (17, 16, 12), "float32"), MAPS, ("half", (17, 8, 6), "float32"))
    with pytest.raises(UserError, match="has several outputs that can be the heatmaps") as error:
        estimators.build(spec, COCO, {})
    assert "early (1, 17, 16, 12), maps (1, 17, 16, 12), half (1, 17, 8, 6)" in str(error.value)
    assert "--model-set output=" in str(error.value)
    wanted = find(people, make_outputs(tmp_path / "a.onnx", MAPS))
    assert_same_poses(find(people, spec, output="maps"), wanted)
    assert estimators.build(spec, COCO, {"output": "half"}).input_spec.stride == 8
    with pytest.raises(UserError, match=r"has no output 'map' \(did you mean 'maps'\?\): it has early, maps, half"):
        estimators.build(spec, COCO, {"output": "map"})


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([("x", (17, 96), "float32"), ("y", (17, 120), "float32")], "like SimCC's of another input"),
        ([("points", (17, 2), "float32")], "gives coordinates, and does not say which: points=xy-01"),
        ([("points", (17, 3), "float32")], "gives coordinates, and does not say which: points=xy-01"),
        ([("points", (51,), "float32")], "these look like flat coordinates, export them as (batch, 17, 3)"),
        ([("flat", (17 * 16 * 12,), "float32")], "these are flat"),
        ([("stages", (2, 17, 16, 12), "float32")], "these are heatmaps of several stages in one"),
        ([("levels", (17, 16, 12), "uint8")], "these are of uint8, export them in float32"),
        ([("odd", (17, 15, 12), "float32")], "the sides do not divide by one stride"),
        ([("other", (15, 16, 12), "float32")], "finds 15 joints, but skeleton 'coco' of the annotations has 17"),
        ([("scores", (1000,), "float32")], "is this a network of poses?"),
    ],
)
def test_outputs_that_are_no_heatmaps_are_called_what_they_are(tmp_path, outputs, message):
    with pytest.raises(UserError) as error:
        estimators.build(make_outputs(tmp_path / "m.onnx", *outputs), COCO, {})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_heatmaps_of_half_precision_are_taken(tmp_path):
    spec = make_outputs(tmp_path / "m.onnx", ("half", (17, 16, 12), "float16"))
    assert estimators.build(spec, COCO, {}).input_spec.stride == 4


@pytest.mark.parametrize(
    ("image", "inputs", "message"),
    [
        (("image", (3, HEIGHT, WIDTH), "int64"), 1, "export it with an input of float32, float16, uint8 or int32"),
        (("image", (1, HEIGHT, WIDTH), "float32"), 1, "must have one input, images (batch, 3, height, width)"),
        (("image", (HEIGHT, WIDTH), "float32"), 1, "must have one input, images (batch, 3, height, width)"),
        (("image", (3, HEIGHT, WIDTH), "float32"), 2, "must have one input, images (batch, 3, height, width)"),
        (("image", (3, HEIGHT, 3), "float32"), 1, "pass --model-set layout=nchw (first) or layout=nhwc (last)"),
        (("image", (3, 10**6, 10**6), "float32"), 1, "sides must be 1 to 10,000 px"),
    ],
)
def test_other_inputs_are_one_line(tmp_path, image, inputs, message):
    spec = make_outputs(tmp_path / "m.onnx", ("x", (17, 16, 12), "float32"), image=image, inputs=inputs)
    with pytest.raises(UserError) as error:
        estimators.build(spec, COCO, {})
    assert message in str(error.value)


def test_tflite_file_is_told_its_own_flag(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 100)
    with pytest.raises(UserError, match="it is a TFLite file: --model tflite:") as error:
        estimators.build(f"onnx:{path}", COCO, {})
    assert str(error.value).endswith(str(path))


@pytest.mark.parametrize("batch", [1, 3, "batch"])
@pytest.mark.parametrize("is_constant", [False, True])
def test_batch_that_is_fixed_inside_of_a_file_runs_in_openvino_as_it_is(tmp_path, people, batch, is_constant):
    pytest.importorskip("openvino")
    spec, n = make_onnx_of_input(tmp_path / "m.onnx", batch=batch), 1 if batch == "batch" else batch
    model = onnx.load(str(tmp_path / "m.onnx"))
    nodes, constants = model.graph.node, model.graph.initializer
    if is_constant:
        nodes[-1].CopyFrom(onnx.helper.make_node("Identity", ["constant"], ["maps"]))
        noise = np.random.default_rng(0).random((n, 17, 16, 12)).astype(np.float32)
        constants.append(numpy_helper.from_array(noise, "constant"))
    else:
        nodes[-1].output[0] = "found"
        nodes.append(onnx.helper.make_node("Reshape", ["found", "shape"], ["maps"]))
        constants.append(numpy_helper.from_array(np.array([n, 17, 16, 12]), "shape"))
    onnx.save(model, str(tmp_path / "m.onnx"))
    wanted, found = (find(people, spec, backend=backend)[0] for backend in ("onnxruntime", "openvino"))
    np.testing.assert_allclose(found.confidence, wanted.confidence, rtol=1e-4, atol=1e-5)


def test_open_input_size_is_asked_for_without_one_that_may_not_fit(tmp_path):
    spec = make_onnx_of_input(tmp_path / "m.onnx")
    model = onnx.load(str(tmp_path / "m.onnx"))
    for side in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[side].dim_param = f"side{side}"
    onnx.save(model, str(tmp_path / "m.onnx"))
    with pytest.raises(UserError, match="input=WIDTHxHEIGHT, such as 192x256 of people or 640x640 of whole images"):
        estimators.build(spec, COCO, {})


def test_heatmaps_that_are_no_numbers_name_the_model(tmp_path, people):
    path = make_onnx(tmp_path / "broken.onnx")
    model = onnx.load(str(path))
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((17, 3, 1, 1), np.nan, np.float32), "mix"))
    onnx.save(model, str(path))
    with pytest.raises(UserError, match=r"model '.*broken.*' gives values that are not finite"):
        find(people, f"onnx:{path}")


@pytest.mark.parametrize("skeleton", [COCO, MPII], ids=["coco", "mpii"])
def test_published_joints_in_another_order_are_asked_for(tmp_path, people, skeleton):
    spec = f"onnx:{make_onnx(tmp_path / 'm.onnx', n_joints=skeleton.n_joints)}"
    order = list(range(skeleton.n_joints))[::-1]
    turned = replace(skeleton.arrange([skeleton.joints[i] for i in order]), name="mine")
    with pytest.raises(UserError, match=f"--model-set joints={skeleton.name} .* or with joints=data") as error:
        estimators.build(spec, turned, {})
    assert "\n" not in str(error.value)
    frames = [people.frame(0)]
    own = predict(frames, estimators.build(spec, skeleton, {}))
    by_name = estimators.build(spec, turned, {"joints": skeleton.name})
    assert by_name.provenance["joints"] == skeleton.name
    assert_same_poses(predict(frames, by_name), [reorder_joints(poses, order) for poses in own])
    as_they_stand = estimators.build(spec, turned, {"joints": "data", "flip_test": "no"})
    plain = predict(frames, estimators.build(spec, skeleton, {"flip_test": "no"}))
    np.testing.assert_array_equal(predict(frames, as_they_stand)[0].confidence, plain[0].confidence)


def test_published_joints_in_their_order_are_asked_for_nothing(onnx_file):
    respelt = replace(COCO, joints=tuple(name.replace("left_", "L_").replace("right_", "R_") for name in COCO.joints))
    for options in ({}, {"joints": "coco"}, {"joints": "data"}):
        for skeleton in (COCO, respelt):
            assert "joints" not in estimators.build(f"onnx:{onnx_file}", skeleton, options).provenance
    with pytest.raises(UserError, match="finds 17 joints, but joints=mpii are 16: name another"):
        estimators.build(f"onnx:{onnx_file}", COCO, {"joints": "mpii"})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch_size", "１６", "must be a whole number"),
        ("batch_size", "1_6", "must be a whole number"),
        ("batch_size", 10**12, "must be at most"),
        ("threads", 10**6, "must be at most 1024"),
        ("input", "1000000000x1000000000", "of at most 10000 px each"),
        ("input", "1_92x256", "must be WIDTHxHEIGHT in px"),
        ("mean", "0.5,0_5,0.5", "must be made of numbers"),
    ],
)
def test_numbers_that_are_huge_or_oddly_written_are_one_line(onnx_file, name, value, message):
    with pytest.raises(UserError, match=f"option '{name}' .*{message}"):
        estimators.build(f"onnx:{onnx_file}", COCO, {name: value})


def test_spaces_around_a_number_do_not_matter():
    from robustpose.estimators.onnx import Options

    assert read_options("onnx", Options, {"batch_size": " 16 ", "input": " 192x256 "}).batch_size == 16


def test_batch_beyond_memory_is_one_line(onnx_file, monkeypatch):
    monkeypatch.setenv("ROBUSTPOSE_MAX_MEMORY_MB", "10")
    estimators.build(f"onnx:{onnx_file}", COCO, {"batch_size": 16})
    with pytest.raises(UserError, match="batch_size=1000 takes 71 MB, and the limit is 10"):
        estimators.build(f"onnx:{onnx_file}", COCO, {"batch_size": 1000})


@pytest.mark.parametrize("device", ["meta", "gpu", "", "cuda:1000000000000", "cpu:x", "-1"])
def test_device_that_cannot_be_used_is_one_line(device):
    with pytest.raises(UserError, match=f"device '{device}' cannot be used here: ") as error:
        find_device(device)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch-size", 4, "--model-set", "batch_size=8"], "--batch-size and --model-set batch_size= are the same"),
        (["--model-set", "flip_test=0", "--model-set", "flip-test=1"], "gives 'flip_test' twice, '0' and '1'"),
        (["--model-set", "=3"], "--model-set takes KEY=VALUE"),
    ],
)
def test_an_option_that_is_given_twice_is_one_line(run, tmp_path, words, message):
    code, _, errors = run("bench", "--model", "demo", "--data", "toy", "--limit", 1, "--out", tmp_path / "o", *words)
    assert code == 2
    assert message in " ".join(errors.split())


def test_batch_size_of_a_callable_is_one_line(run, tmp_path):
    words = ["--data", "toy", "--limit", 1, "--out", tmp_path / "o", "--batch-size", 4]
    code, _, errors = run("bench", "--model", "tests.outside:guess_from_pixels", *words)
    assert code == 2
    assert "an image at a time: leave out batch_size" in " ".join(errors.split())
