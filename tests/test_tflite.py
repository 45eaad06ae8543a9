"""TFLite files: taken as ONNX files are, numbers as the file says what they stand for, and nothing is printed."""

import numpy as np
import pytest
from PIL import Image

from robustpose import Frame, UserError, estimators
from robustpose.pose.skeletons import COCO, Skeleton
from tests.elsewhere import bring_model
from tests.network_files import HEIGHT, WIDTH, make_onnx_of_input, make_tflite
from tests.people import assert_same_poses
from tests.scenes import draw_scene

THREE = Skeleton("three", ("a", "b", "c"), (), (0.1, 0.1, 0.1), flip_pairs=())
BOXES = np.array([[5.0, 8, 45, 78], [45, 10, 83, 70], [10, 10, 60, 50]])
UNIT = {"mean": "0.5,0.5,0.5", "std": "0.5,0.5,0.5"}


@pytest.fixture(autouse=True)
def _litert():
    pytest.importorskip("ai_edge_litert")


def find(spec, skeleton=THREE, **options):
    return estimators.build(spec, skeleton, options).predict([Frame(1, lambda: draw_scene(96, 128, seed=4), BOXES)])


def test_quantised_numbers_are_what_they_stand_for(tmp_path):
    real = find(make_tflite(tmp_path / "real.tflite", quantised=False), **UNIT)[0]
    small = find(make_tflite(tmp_path / "small.tflite"), **UNIT)[0]
    np.testing.assert_allclose(small.confidence, real.confidence, atol=2 / 255 + 1e-6)
    assert np.abs(real.confidence).max() > 0.1


def test_values_are_those_that_the_numbers_of_a_file_stand_for(tmp_path):
    spec = make_tflite(tmp_path / "m.tflite")
    assert_same_poses(find(spec), find(spec, **UNIT))
    with pytest.raises(UserError, match=r"m\.tflite takes numbers from -1\.004 to 0\.9961, and images would be -2\.1"):
        find(spec, mean="0.485,0.456,0.406", std="0.229,0.224,0.225")


def test_poses_do_not_depend_on_the_batch(tmp_path):
    wanted = find(make_tflite(tmp_path / "one.tflite"), **UNIT)
    spec = make_tflite(tmp_path / "open.tflite", n_open=-1)
    for batch_size in (1, 2, 16):
        assert_same_poses(find(spec, batch_size=batch_size, **UNIT), wanted)


def test_what_a_file_takes_and_runs_on_is_in_the_results(tmp_path):
    found = estimators.build(make_tflite(tmp_path / "m.tflite"), THREE, {"threads": 2, "device": "cpu"}).provenance
    assert (found["kind"], found["input"], found["name"]) == ("tflite", f"{WIDTH}x{HEIGHT}", "m.tflite")
    assert found["ai_edge_litert"]
    assert "form" not in found


def test_file_that_is_brought_elsewhere_finds_the_same(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "brought").mkdir()
    spec = make_tflite(tmp_path / "home/m.tflite")
    before = estimators.build(spec, THREE, UNIT)
    about = before.provenance
    brought = bring_model(spec, UNIT, tmp_path / "brought", tmp_path / "home")(THREE)
    assert brought.provenance == about
    frames = [Frame(1, lambda: draw_scene(96, 128, seed=4), BOXES)]
    assert_same_poses(brought.predict(frames), before.predict(frames))


def test_nothing_is_printed(tmp_path, capfd):
    find(make_tflite(tmp_path / "real.tflite", n_open=-1, quantised=False))
    (tmp_path / "cut.tflite").write_bytes((tmp_path / "real.tflite").read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be loaded as a TFLite network"):
        find(f"tflite:{tmp_path / 'cut.tflite'}")
    assert capfd.readouterr() == ("", "")


def test_files_without_names_are_taken(tmp_path):
    find(make_tflite(tmp_path / "m.tflite", names=("", "")))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "name the TFLite file: --model tflite:FILE"),
        ("{}/none.tflite", "does not exist"),
        ("{}", "is a folder: name a file"),
    ],
)
def test_file_that_is_not_there_is_one_line(tmp_path, target, message):
    with pytest.raises(UserError, match=message):
        find(f"tflite:{target.format(tmp_path)}")


def test_other_files_are_one_line(tmp_path):
    for content in (b"", b"TFL3", b"text" * 100, b"\0" * 4 + b"TFL3" + b"\xff" * 100):
        (tmp_path / "x.tflite").write_bytes(content)
        with pytest.raises(UserError, match=r"x\.tflite cannot be loaded as a TFLite network: ") as error:
            find(f"tflite:{tmp_path / 'x.tflite'}")
        assert "\n" not in str(error.value)


def test_onnx_file_is_told_its_own_flag(tmp_path):
    path = make_onnx_of_input(tmp_path / "m.tflite").removeprefix("onnx:")
    with pytest.raises(UserError, match="it is an ONNX file: --model onnx:") as error:
        find(f"tflite:{path}")
    assert str(error.value).endswith(path)


def test_other_joints_and_devices_are_one_line(tmp_path):
    spec = make_tflite(tmp_path / "m.tflite")
    with pytest.raises(UserError, match="option 'device' must be auto or cpu, got 'cuda'"):
        find(spec, device="cuda")
    with pytest.raises(UserError, match="finds 3 joints, but skeleton 'coco'"):
        find(spec, COCO)


def test_missing_library_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=r"needs ai-edge-litert, .* pip install 'robustpose\[tflite\]'"):
        find(make_tflite_without_library(tmp_path))


def make_tflite_without_library(folder):
    (folder / "x.tflite").write_bytes(b"")
    return f"tflite:{folder / 'x.tflite'}"


def test_movenet_finds_a_person(shared):
    spec = f"tflite:{shared / 'weights/movenet_single_pose_lightning_ptq.tflite'}"
    reference = np.load(shared / "weights/reference_outputs.npz")
    image = np.asarray(Image.open(shared / "data/coco-mini/images/val2017/000000000785.jpg").convert("RGB"))
    x, y, width, height = reference["movenet_lightning|785|box_xywh"]
    poses = estimators.build(spec, COCO, {"mask": 0}).predict(
        [Frame(785, lambda: image, np.array([[x, y, x + width, y + height]]))]
    )[0]
    off = np.linalg.norm(poses.xy[0] - reference["movenet_lightning|785|decoded_xy"], axis=1)
    assert np.median(off) < 0.03 * height
