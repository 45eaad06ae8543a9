"""Files of networks: whatever input a file has, the same crops get into it."""

import numpy as np
import pytest

from robustpose import Frame, UserError, estimators
from robustpose.estimators.onnx import _choose_providers
from robustpose.pose.skeletons import COCO
from tests.network_files import make_onnx_of_input, make_outputs
from tests.people import assert_same_poses
from tests.scenes import draw_scene

RAW = {"scale": 255, "mean": "0,0,0", "std": "1,1,1"}
BOXES = np.array([[5.0, 8, 45, 78], [45, 10, 83, 70], [10, 10, 60, 50]])


def find(spec, **options):
    return estimators.build(spec, COCO, options).predict([Frame(1, lambda: draw_scene(96, 128, seed=4), BOXES)])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_onnx_of_input(tmp_path_factory.mktemp("plain") / "m.onnx")


@pytest.mark.parametrize("last", [False, True])
def test_channels_and_joints_may_be_last(tmp_path, plain, last):
    assert_same_poses(find(make_onnx_of_input(tmp_path / "m.onnx", "nhwc", last=last)), find(plain))


@pytest.mark.parametrize("kind", ["UINT8", "INT32"])
def test_whole_numbers_are_grey_levels(tmp_path, plain, kind):
    spec = make_onnx_of_input(tmp_path / "m.onnx", kind=kind)
    assert_same_poses(find(spec), find(plain, **RAW))
    for options in ({"scale": 1}, {"mean": "0.5,0.5,0.5"}, {"mean": "1,1,1", "std": "2,2,2", "scale": 255}):
        with pytest.raises(UserError, match=f"takes {kind.lower()}, which are grey levels as they are: leave out mean"):
            find(spec, **options)


def test_half_precision_is_rounded_once(tmp_path, plain):
    spec = make_onnx_of_input(tmp_path / "m.onnx", kind="FLOAT16")
    np.testing.assert_allclose(find(spec)[0].confidence, find(plain)[0].confidence, atol=0.01)
    assert_same_poses(find(spec, **RAW), find(plain, **RAW))  # grey levels are exact


@pytest.mark.parametrize("batch", [1, 2, "batch"])
def test_number_of_crops_of_a_call_changes_nothing(tmp_path, plain, batch):
    assert_same_poses(find(make_onnx_of_input(tmp_path / "m.onnx", batch=batch)), find(plain))


def test_layout_that_a_file_leaves_open_is_asked_for(tmp_path):
    outputs = [("x", (17, 16, 12), "float32")]
    spec = make_outputs(tmp_path / "m.onnx", *outputs, image=("image", ("c", "h", "w"), "float32"))
    with pytest.raises(UserError, match=r"layout=nchw \(first\) or layout=nhwc \(last\)"):
        estimators.build(spec, COCO, {"input": "48x64"})
    found = estimators.build(spec, COCO, {"input": "48x64", "layout": "nchw"})
    assert found.provenance["layout"] == "nchw"
    known = make_outputs(tmp_path / "k.onnx", *outputs)
    assert "layout" not in estimators.build(known, COCO, {"layout": "nchw"}).provenance  # changes nothing
    with pytest.raises(UserError, match="layout=nhwc does not fit, leave it out"):
        estimators.build(make_outputs(tmp_path / "n.onnx", *outputs), COCO, {"layout": "nhwc"})


@pytest.mark.parametrize("shape", [[1, 3, 64, 48], [-1, 1, 64, 48]])
def test_file_whose_batch_is_not_as_open_as_it_says_runs_one_by_one(tmp_path, shape):
    """A size that is written into the graph shows in the first batch: it fails, or gives other rows than crops."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from tests.test_tflite import THREE

    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("Reshape", ["flat", "one"], ["back"]),
        helper.make_node("Mul", ["back", "of"], ["x"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(shape), "shape"),
        numpy_helper.from_array(np.array([1, 3, 64, -1]), "one"),
        numpy_helper.from_array(np.ones((1, 3, 64, 48), np.float32), "of"),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, 64, 48]) for name in ("image", "x")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    estimator = estimators.build(f"onnx:{tmp_path / 'm.onnx'}", THREE, {})
    frames = [Frame(i, lambda: draw_scene(96, 128), BOXES) for i in range(2)]
    first, second = estimator.predict(frames)
    assert len(first.score) == len(second.score) == len(BOXES)
    np.testing.assert_array_equal(first.xy, second.xy)


@pytest.mark.parametrize("n_people", [1, 3])
def test_constant_outputs_are_those_of_every_crop(tmp_path, n_people):
    outputs = [("points", (17, 3), "float32")]
    estimator = estimators.build(
        make_outputs(tmp_path / "m.onnx", *outputs, batch="batch", most=1), COCO, {"points": "xy-01"}
    )
    boxes = np.repeat(BOXES[:1], n_people, axis=0)
    for poses in estimator.predict([Frame(i, lambda: draw_scene(96, 128), boxes) for i in range(2)]):
        assert len(poses.score) == n_people
        np.testing.assert_array_equal(poses.xy, poses.xy[:1].repeat(n_people, axis=0))


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "tpu", "cuda:x", "", "cuda:", "CPU", "mps"])
def test_device_that_cannot_be_used_is_one_line(plain, device):
    with pytest.raises(UserError, match=f"device '{device}' cannot be used here: ") as error:
        find(plain, device=device)
    assert "\n" not in str(error.value)


def test_cpu_and_auto_are_the_same_without_a_gpu(plain):
    assert_same_poses(find(plain, device="cpu"), find(plain, device="auto"))
    gpu = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert _choose_providers(gpu, "cpu") == _choose_providers(gpu[1:], "auto") == gpu[1:]
    assert _choose_providers(gpu, "auto")[-1] == gpu[1]
    assert _choose_providers(gpu, "cuda:1")[0][1]["device_id"] == "1"


def test_openvino_runs_other_layouts(tmp_path, plain):
    pytest.importorskip("openvino")
    nhwc = make_onnx_of_input(tmp_path / "m.onnx", "nhwc")
    assert_same_poses(find(nhwc, backend="openvino"), find(plain, backend="openvino"))
    with pytest.raises(UserError, match="device 'cuda' cannot be used here"):
        find(plain, backend="openvino", device="cuda")
