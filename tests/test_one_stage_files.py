"""Files of one-stage networks: a file and nothing else finds everybody, the same whoever runs it and however."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from robustpose import estimators
from robustpose.errors import UserError
from robustpose.estimators.file_estimators import build_estimator
from robustpose.estimators.file_options import FileOptions
from robustpose.estimators.network_file import NetworkFile, OpenFile, Port
from robustpose.image_files.opening import read_image
from robustpose.pose.shared_joints import OtherJoints
from robustpose.pose.skeletons import COCO, MPII
from robustpose.pose.types import Frame
from tests.crowds import bench_crowds, frame_of
from tests.test_one_stage_decoding import draw_people, write_rows

SIDE = 64


def write_onnx(path, nodes, outputs, constants, batch=1):
    from onnx import TensorProto, helper, numpy_helper, save

    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def write_constant(path, **arrays):
    """Write a network that finds the same in every image."""
    from onnx import helper

    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        *(helper.make_node("Add", [f"{name}_", "nothing"], [name]) for name in arrays),
    ]
    constants = {f"{name}_": np.asarray(array, np.float32) for name, array in arrays.items()}
    shapes = {name: list(np.shape(array)) for name, array in arrays.items()}
    return write_onnx(path, nodes, shapes, {"zero": np.zeros((), np.float32), **constants})


def write_looking(path):
    """Write a network with a row for each 8 x 8 px, whose numbers are mixed from their mean colours."""
    from onnx import helper

    rng = np.random.default_rng(0)
    mix = rng.uniform(0, 60, (56, 3, 1, 1))
    mix[4] = 0.3
    nodes = [
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["pooled", "mix"], ["maps"]),
        helper.make_node("Reshape", ["maps", "shape"], ["rows"]),
    ]
    constants = {"mix": mix.astype(np.float32), "shape": np.array([1, 56, 64])}
    return write_onnx(path, nodes, {"rows": [1, 56, 64]}, constants)


def rows_of(kind, n_joints=17, n=7):
    boxes, scores, joints = draw_people(n, n_joints)
    if kind == "movenet":
        boxes, joints = boxes / SIDE, joints * [1 / SIDE, 1 / SIDE, 1]
    return write_rows(kind, boxes, scores, joints), scores


@pytest.mark.parametrize("kind", ["yolo", "yolo-nms", "rtmo"])
def test_file_alone_finds_everybody(tmp_path, kind):
    outputs, scores = rows_of(kind)
    arrays = {"people": outputs[0]} if kind != "rtmo" else {"joints": outputs[1], "boxes": outputs[0]}
    path = write_constant(tmp_path / "m.onnx", **arrays)
    estimator = estimators.build(f"onnx:{path}", COCO, {})
    assert not estimator.needs_boxes
    assert estimator.provenance["form"] == "one-stage"
    assert estimator.provenance["rows"] == kind
    for image_wh in ((80, 60), (1, 500)):
        (poses,) = estimator.predict([frame_of(np.zeros((image_wh[1], image_wh[0], 3), np.uint8))])
        assert np.sort(poses.score) == pytest.approx(np.sort(scores), rel=1e-6)


def test_run_does_not_depend_on_workers_and_needs_no_boxes(tmp_path):
    path = write_looking(tmp_path / "m.onnx")
    summary, results = bench_crowds(f"onnx:{path}", {}, tmp_path)
    assert summary["provenance"]["estimator"]["threshold"] == 0.001
    assert len(results) > 20


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_backends_find_the_same(tmp_path, backend):
    path = write_looking(tmp_path / "m.onnx")
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    expected = estimators.build(f"onnx:{path}", COCO, {}).predict([frame_of(image)])[0]
    poses = estimators.build(f"onnx:{path}", COCO, {"backend": backend}).predict([frame_of(image)])[0]
    np.testing.assert_allclose(poses.score, expected.score, rtol=1e-4)
    np.testing.assert_allclose(poses.xy, expected.xy, atol=1e-2)


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        (
            (1, 41, 84),
            {},
            "gives people (1, 41, 84): these are rows of people with 12 joints, but the annotations have 17",
        ),
        ((1, 57, 84), {}, "rows=yolo classes=2 (x y v of each joint), or rows=yolo classes=19 (x y of"),
        ((1, 84, 84), {}, "these look like a detector's, 84 numbers in a row"),
        ((1, 7, 57), {"classes": "2", "category": "1"}, "leave out classes=2 (category= alone says which people are)"),
        ((1, 6, 56), {"category": "1"}, "rows=movenet have no classes: leave out category=1"),
        ((1, 56, 84), {"flip_test": "true"}, "one-stage networks have no mirror test: leave out flip_test=true"),
        ((1, 56, 84), {"rows": "movenet"}, "rows=movenet must be (1, 6, 3·K + 5), of K = 17 joints"),
        ((1, 56, 84), {"margin": "1.2"}, "is of form one-stage: leave out margin, of form coordinates"),
        ((1, 56, 84), {"form": "heatmaps"}, "that is form=one-stage (--model-set form=one-stage, or leave form out)"),
    ],
)
def test_file_that_cannot_be_read_as_asked_is_one_line(tmp_path, shape, options, said):
    path = write_constant(tmp_path / "m.onnx", people=np.zeros(shape))
    with pytest.raises(UserError) as error:
        estimators.build(f"onnx:{path}", COCO, options)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_columns_are_in_results_only_where_they_tell(tmp_path):
    path = write_constant(tmp_path / "m.onnx", people=np.zeros((1, 56, 84)))
    plain, said = (estimators.build(f"onnx:{path}", COCO, options) for options in ({}, {"columns": "first"}))
    assert said.provenance == plain.provenance
    path = write_constant(tmp_path / "n.onnx", people=np.zeros((1, 56, 56)))
    assert estimators.build(f"onnx:{path}", COCO, {"columns": "last"}).provenance["columns"] == "last"


def test_joints_without_confidences_carry_a_warning(tmp_path):
    for n, kind in ((39, "yolo"), (56, "yolo"), (40, "yolo-nms")):
        shape = (1, 7, 40) if kind == "yolo-nms" else (1, n, 84)
        estimator = estimators.build(f"onnx:{write_constant(tmp_path / 'm.onnx', people=np.zeros(shape))}", COCO, {})
        assert estimator.provenance["rows"] == kind
        assert any("gives no confidences of joints: all count as sure" in line for line in estimator.warnings) == (
            n != 56
        )


def test_joints_of_another_skeleton_are_named(tmp_path):
    path = write_constant(tmp_path / "m.onnx", people=np.zeros((1, 6, 56)))
    with pytest.raises(OtherJoints) as error:
        estimators.build(f"onnx:{path}", MPII, {})
    assert error.value.joints == COCO.joints
    path = write_constant(tmp_path / "m.onnx", people=np.zeros((1, 6, 53)))
    with pytest.raises(UserError, match="rows of people with 16 joints, but the annotations have 17: use a model of"):
        estimators.build(f"onnx:{path}", COCO, {})


def test_several_classes_are_read_where_they_are_said(tmp_path):
    boxes, scores, joints = draw_people(7, 17)
    (rows,) = write_rows("yolo", boxes, scores, joints, [np.linspace(0.91, 0.97, 7)[:, None]])
    path = write_constant(tmp_path / "m.onnx", people=rows.transpose(0, 2, 1))
    for category, expected in ((0, scores), (1, np.linspace(0.91, 0.97, 7))):
        options = {"classes": "2", "category": str(category), "iou": "1"}
        (poses,) = estimators.build(f"onnx:{path}", COCO, options).predict([frame_of(np.zeros((64, 64, 3), np.uint8))])
        assert np.sort(poses.score) == pytest.approx(np.sort(expected), rel=1e-6)


@pytest.mark.parametrize(("model", "units"), [("onnx", "px"), ("tflite", "01")])
def test_yolo_has_shares_of_the_input_in_tflite_files(model, units):
    outputs, _ = rows_of("yolo")
    port = Port("image", (1, SIDE, SIDE, 3), "float32")
    file = NetworkFile(OpenFile(Path(__file__), [port], ["people"], lambda x, names: outputs))
    for said in (None, "px", "01"):
        options = FileOptions() if said is None else FileOptions(units=said)
        estimator = build_estimator(model, file, COCO, options, lambda form, n: file.as_network(form.outputs, n))
        assert estimator.describe()["units"] == (said or units)


def test_movenet_multipose_is_that_of_its_reference(shared):
    """The input to the last bit, and whom it finds, of a real file and a real image."""
    weights, images = shared / "weights", shared / "data/coco-mini/images/val2017"
    known = np.load(weights / "reference_outputs.npz")
    name = "movenet_multipose_384|785|"
    estimator = estimators.build(f"onnx:{weights / 'movenet_multipose_384.onnx'}", COCO, {})
    seen, network = [], estimator._network

    def watch(x):
        seen.append(x)
        return network(x)

    estimator._network = watch
    image = read_image(images / "000000000785.jpg")
    (poses,) = estimator.predict([Frame(785, lambda: image)])
    tensor = np.ascontiguousarray(seen[0].transpose(0, 2, 3, 1))
    assert hashlib.sha256(tensor.tobytes()).hexdigest() == str(known[name + "input_tensor_sha256"])
    n = len(poses.score)
    assert n == (known[name + "decoded_score"] > 0).sum()
    np.testing.assert_allclose(poses.xy, known[name + "decoded_xy"][:n], rtol=1e-4)
    np.testing.assert_allclose(poses.confidence, known[name + "decoded_keypoint_score"][:n], rtol=1e-4)
    np.testing.assert_allclose(poses.score, known[name + "decoded_score"][:n], rtol=1e-4)
