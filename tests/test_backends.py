from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from robustpose import estimators, models
from robustpose.errors import UserError
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.running.backends import as_callable, check_backend, find_device, limit_threads
from robustpose.estimators.running.batches import CROPS_PER_CALL, run_in_batches
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import save_weights
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import Frame
from robustpose.processes import WORKER_NUMBER
from tests.conftest import make_onnx
from tests.networks import error_of, make_lively
from tests.outside_network import TwoLayers
from tests.people import assert_same_poses
from tests.scenes import draw_scene

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL_WH = (64, 64)
OWN = "tests.outside_network:TwoLayers"
HAS_GPU = torch.cuda.is_available()
ON_GPU = pytest.mark.skipif(not HAS_GPU, reason="needs a GPU that PyTorch can use")


@pytest.fixture(scope="module")
def lively() -> nn.Module:
    return make_lively()


@pytest.fixture(scope="module")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a weights file with an input spec of somebody's own network."""
    path = tmp_path_factory.mktemp("own") / "mine.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_weights(TwoLayers(17), InputSpec("mine", (48, 64), COCO.joints), path)
    return path


def crops(n: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(n).normal(size=(n, 3, 64, 64)).astype(np.float32)


def relative_error(found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> float:
    assert found.dtype == np.float32
    return error_of(found, expected)


def people() -> list[Frame]:
    rng = np.random.default_rng(0)
    frames = []
    for image_id, n_people in ((1, 4), (2, 7)):
        corners = rng.uniform(0, 80, (n_people, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(40, 110, (n_people, 2))], axis=1)
        image = draw_scene(200, 200, image_id)
        frames.append(Frame(image_id, lambda image=image: image, boxes, one_pose_per_box=True))  # type: ignore[misc]
    return frames


def test_openvino_gives_the_heatmaps_of_torch(lively: nn.Module) -> None:
    x = crops(CROPS_PER_CALL + 3)
    expected = as_callable(lively, 1)(x)
    assert relative_error(as_callable(lively, 1, SMALL_WH, backend="openvino")(x), expected) < 1e-4


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_bf16_is_close_to_float32_and_not_the_same(lively: nn.Module, backend: str) -> None:
    x = crops(CROPS_PER_CALL)
    expected = as_callable(lively, 1)(x)
    error = relative_error(as_callable(lively, 1, SMALL_WH, backend=backend, precision="bf16")(x), expected)
    assert error < 0.03
    if backend == "torch":  # OpenVINO keeps to float32 where the processor does not multiply bf16
        assert error > 1e-4


WAYS = [
    ("torch", "float32", "cpu"),
    ("torch", "bf16", "cpu"),
    ("openvino", "float32", "cpu"),
    ("openvino", "bf16", "cpu"),
    *(pytest.param("torch", precision, "cuda", marks=ON_GPU) for precision in ("float32", "bf16", "fp16")),
]


@pytest.mark.parametrize(("backend", "precision", "device"), WAYS)
def test_heatmaps_do_not_depend_on_the_batch_to_the_last_bit(
    lively: nn.Module, backend: str, precision: str, device: str
) -> None:
    find_heatmaps = as_callable(lively, 1, SMALL_WH, backend=backend, precision=precision, device=torch.device(device))
    x = crops(2 * CROPS_PER_CALL + 3)
    together = find_heatmaps(x)
    for batch_size in (1, 5, CROPS_PER_CALL):
        apart = [find_heatmaps(x[start : start + batch_size]) for start in range(0, len(x), batch_size)]
        assert np.array_equal(np.concatenate(apart), together)
    order = np.random.default_rng(1).permutation(len(x))
    assert np.array_equal(find_heatmaps(x[order]), together[order])


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_network_gives_the_heatmaps_of_torch_whatever_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    network = TwoLayers(3)
    find_heatmaps = as_callable(network, 1, backend="compile")
    x = crops(CROPS_PER_CALL + 3)
    together = find_heatmaps(x)
    assert relative_error(together, as_callable(network, 1)(x)) < 1e-4
    assert np.array_equal(find_heatmaps(x[3:5]), together[3:5])


def test_batches_have_one_shape_filled_up_with_zeros() -> None:
    seen = []

    def run(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        seen.append(batch.copy())
        return batch * 2

    x = crops(10)
    assert np.array_equal(run_in_batches(run, x, 4), x * 2)
    assert [batch.shape for batch in seen] == [(4, 3, 64, 64)] * 3
    assert not seen[2][2:].any()


def test_threads_are_as_before_after_a_call(lively: nn.Module) -> None:
    with limit_threads(2):
        as_callable(lively, 1)(crops(1))
        assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "opnvino"}, r"must be torch, compile or openvino, got 'opnvino' \(did you mean 'openvino'"),
        ({"precision": "bf32"}, r"'precision' must be float32, bf16 or fp16, got 'bf32'"),
        ({"precision": "fp16", "device": "cpu"}, "precision fp16 is for GPUs: on a CPU use bf16"),
        ({"device": "gpu"}, "device 'gpu' cannot be used here"),
        ({"device": "cuda:9"}, "device 'cuda:9' cannot be used here"),
        ({"device": ""}, "device '' cannot be used here"),
        ({"input": "96x128"}, r"says that its input is 48x64: leave out input=96x128"),
        ({"input": "big"}, r"option 'input' must be WIDTHxHEIGHT in px such as 192x256, got 'big'"),
    ],
)
def test_wrong_option_of_a_network_is_one_line(own_file: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        estimators.build(f"{OWN}:{own_file}", COCO, options)
    assert "\n" not in str(error.value)


def test_openvino_on_a_gpu_is_refused() -> None:
    with pytest.raises(UserError, match="openvino runs on the CPU, not on cuda: add --model-set device=cpu"):
        check_backend("openvino", "float32", torch.device("cuda"))


@pytest.mark.parametrize("spec", [f"{OWN}:{{own}}", "onnx:{onnx}"])
def test_openvino_that_is_not_installed_is_one_line(
    own_file: Path, onnx_file: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *more: None if name == "openvino" else find_spec(name, *more)
    )
    with pytest.raises(
        UserError, match=r"needs OpenVINO, which is not installed: pip install 'robustpose\[openvino\]'"
    ):
        estimators.build(spec.format(own=own_file, onnx=onnx_file), COCO, {"backend": "openvino"})


@pytest.mark.skipif(HAS_GPU, reason="would use the GPU")
def test_processes_take_turns_at_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv(WORKER_NUMBER, "3")
    for name in ("auto", "cuda"):
        with pytest.raises(UserError, match="device 'cuda:1' cannot be used here"):
            find_device(name)


@pytest.mark.skipif(HAS_GPU, reason="is the GPU here")
def test_device_is_the_cpu_where_there_is_no_gpu() -> None:
    assert find_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match="device 'cuda' cannot be used here"):
        find_device("cuda")


@pytest.mark.parametrize(
    "options",
    [{}, {"backend": "openvino"}, {"precision": "bf16"}, {"flip_test": False}],
    ids=lambda options: "-".join(map(str, options.values())) or "torch",
)
def test_batch_size_never_changes_a_pose(own_file: Path, options: dict[str, Any]) -> None:
    found = []
    for batch_size in (1, 3, 64):
        more = {"device": "cpu", **options, "batch_size": batch_size}
        found.append(estimators.build(f"{OWN}:{own_file}", COCO, more).predict(people()))
    for other in found[1:]:
        assert_same_poses(other, found[0])


def test_poses_do_not_depend_on_the_backend(own_file: Path) -> None:
    plain, fast = (
        estimators.build(f"{OWN}:{own_file}", COCO, {"backend": backend, "device": "cpu"}).predict(people())
        for backend in ("torch", "openvino")
    )
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_allclose(one.xy, other.xy, atol=1e-3)
        np.testing.assert_allclose(one.score, other.score, rtol=1e-4, atol=1e-6)


def test_own_network_with_weights_and_card_is_an_estimator(own_file: Path) -> None:
    estimator = estimators.build(f"{OWN}:{own_file}", COCO, {"device": "cpu"})
    assert isinstance(estimator, HeatmapEstimator)
    assert estimator.input_spec.input_wh == (48, 64)
    assert [poses.xy.shape for poses in estimator.predict(people())] == [(4, 17, 2), (7, 17, 2)]
    assert estimator.provenance["kind"] == OWN
    assert estimator.provenance["name"] == "mine.safetensors"
    assert (estimator.provenance["backend"], estimator.provenance["precision"]) == ("torch", "float32")


def test_provenance_tells_ways_to_run_apart(own_file: Path) -> None:
    ways = [{}, {"backend": "openvino"}, {"precision": "bf16"}, {"flip_test": False}]
    found = [estimators.build(f"{OWN}:{own_file}", COCO, {"device": "cpu", **options}).provenance for options in ways]
    assert all(found[i] != found[j] for i in range(4) for j in range(i))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("tests.outside_network:Gone:{own}", "has no 'Gone'"),
        ("tests.outside_network:no_network:{own}", "must be a function of the number of joints that gives a torch"),
        ("tests.outside:not_callable:{own}", "must be a function of the number of joints that gives a torch"),
        ("tests.outside_network:TwoLayers:{own}.gone", "there is no weights file"),
        ("tests.outside_network:TwoLayers:", "name the weights: --model tests.outside_network:TwoLayers:FILE"),
        ("small:{own}", "does not fit SmallNet"),
    ],
)
def test_wrong_network_is_an_error_that_helps(own_file: Path, spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        estimators.build(spec.format(own=own_file), COCO, {"device": "cpu"})


def test_own_network_for_other_joints_is_refused(own_file: Path) -> None:
    with pytest.raises(UserError, match="use a model of that skeleton"):
        estimators.build(f"{OWN}:{own_file}", MPII, {"device": "cpu"})


def test_own_weights_without_a_card_are_refused(tmp_path: Path) -> None:
    torch.save(TwoLayers(17).state_dict(), tmp_path / "mine.pth")
    with pytest.raises(UserError, match=r"mine\.pth carries no input spec: expected a file written by robustpose"):
        estimators.build(f"{OWN}:{tmp_path / 'mine.pth'}", COCO, {"device": "cpu"})


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives a file of SBL's weights under a name of your choice."""
    folder = tmp_path_factory.mktemp("official")
    with torch.device("meta"):
        network = models.build("sbl_r50", 17)
    state = {f"module.{name}": torch.zeros_like(tensor, device="cpu") for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state}, folder / "whole")

    def give(name: str) -> Path:
        path = folder / name
        if not path.exists():
            os.link(folder / "whole", path)
        return path

    return give


def test_official_file_is_an_estimator_of_the_input_in_its_name(official: Callable[[str], Path]) -> None:
    estimator = estimators.build(f"sbl_r50:{official('pose_resnet_50_384x288.pth')}", COCO, {"device": "cpu"})
    assert estimator.input_spec.input_wh == (288, 384)
    assert estimator.input_spec.channels == "bgr"
    assert estimator.input_spec.sigma == 3
    assert estimator.input_spec.joints == COCO.joints
    assert estimator.provenance["input"] == "288x384"
    frame = people()[0]
    found = estimator.predict([Frame(1, frame.read, frame.boxes[:1])])  # type: ignore[index]
    assert found[0].xy.shape == (1, 17, 2)


@pytest.mark.parametrize(
    ("file", "options", "input_wh"),
    [
        ("model_best.pth.tar", {"input": "96x128"}, (96, 128)),
        ("pose_resnet_50_384x288.pth", {"input": "96x128"}, (96, 128)),
        ("model_best.pth.tar", {}, (192, 256)),
    ],
)
def test_input_is_what_is_asked_for_then_that_of_the_name_then_the_benchmarks(
    official: Callable[[str], Path], file: str, options: dict[str, Any], input_wh: tuple[int, int]
) -> None:
    estimator = estimators.build(f"sbl_r50:{official(file)}", COCO, {"device": "cpu", **options})
    assert estimator.input_spec.input_wh == input_wh


def test_input_of_the_skeletons_benchmark_is_the_default(tmp_path: Path) -> None:
    network = models.build("sbl_r50", 16)
    torch.save(network.state_dict(), tmp_path / "final_state.pth")
    estimator = estimators.build(f"sbl_r50:{tmp_path / 'final_state.pth'}", MPII, {"device": "cpu"})
    assert estimator.input_spec.input_wh == (256, 256)
    assert estimator.input_spec.joints == MPII.joints


@pytest.mark.parametrize(
    ("n_joints", "skeleton", "options", "message"),
    [
        (18, COCO, {}, r"a_256x192\.pth finds 18 joints.*, but the annotations have 17 \(skeleton 'coco'\)"),
        (17, COCO, {"input": "190x256"}, r"must have sides that are multiples of 32, got 190x256 \(width x height\)"),
        (17, COCO, {"input": "-32x32"}, r"'input' must be WIDTHxHEIGHT in px such as 192x256, got '-32x32'"),
        (17, COCO, {"input": "1x2x3"}, r"'input' must be WIDTHxHEIGHT in px such as 192x256, got '1x2x3'"),
        (17, COCO, {}, r"does not fit SimpleBaseline: \d+ missing \(conv1\.weight; "),
    ],
)
def test_official_file_that_does_not_suit_is_one_line(
    tmp_path: Path, n_joints: int, skeleton: Skeleton, options: dict[str, Any], message: str
) -> None:
    head = {"final_layer.weight": torch.zeros(n_joints, 256, 1, 1), "final_layer.bias": torch.zeros(n_joints)}
    torch.save(head, tmp_path / "a_256x192.pth")
    with pytest.raises(UserError, match=message) as error:
        estimators.build(f"sbl_r50:{tmp_path / 'a_256x192.pth'}", skeleton, {"device": "cpu", **options})
    assert "\n" not in str(error.value)


def test_onnx_file_gives_the_same_poses_by_openvino(onnx_file: Path) -> None:
    plain, fast = (
        estimators.build(f"onnx:{onnx_file}", COCO, {"backend": backend}) for backend in ("onnxruntime", "openvino")
    )
    for one, other in zip(plain.predict(people()), fast.predict(people()), strict=True):
        np.testing.assert_allclose(one.xy, other.xy, atol=1e-3)
        np.testing.assert_allclose(one.score, other.score, rtol=1e-4, atol=1e-6)
    assert (plain.provenance["backend"], fast.provenance["backend"]) == ("onnxruntime", "openvino")


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_batch_size_never_changes_a_pose_of_an_onnx_file_in_openvino(onnx_file: Path, precision: str) -> None:
    options = {"backend": "openvino", "precision": precision}
    found = [
        estimators.build(f"onnx:{onnx_file}", COCO, {**options, "batch_size": size}).predict(people())
        for size in (1, 3, 64)
    ]
    for other in found[1:]:
        assert_same_poses(other, found[0])


def test_onnx_file_with_a_fixed_batch_size_runs_in_openvino(onnx_file: Path, tmp_path: Path) -> None:
    fixed = make_onnx(tmp_path / "fixed.onnx", batch=4)  # type: ignore[arg-type]
    found = [
        estimators.build(f"onnx:{path}", COCO, {"backend": "openvino"}).predict(people()) for path in (fixed, onnx_file)
    ]
    assert_same_poses(*found)


def test_onnx_file_with_an_open_input_size_runs_in_openvino(onnx_file: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(str(onnx_file))
    for value in (model.graph.input[0], model.graph.output[0]):
        for dimension, name in zip(value.type.tensor_type.shape.dim[2:], ("h", "w"), strict=True):
            dimension.dim_param = name + value.name
    onnx.save(model, str(tmp_path / "open.onnx"))
    opened = estimators.build(f"onnx:{tmp_path / 'open.onnx'}", COCO, {"backend": "openvino", "input": "48x64"})
    closed = estimators.build(f"onnx:{onnx_file}", COCO, {"backend": "openvino"})
    assert_same_poses(opened.predict(people()), closed.predict(people()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "torch"}, "'backend' must be onnxruntime or openvino, got 'torch'"),
        ({"backend": "opnvino"}, r"got 'opnvino' \(did you mean 'openvino'\?\)"),
        ({"precision": "bf16"}, "precision of backend onnxruntime must be float32, got 'bf16'"),
        ({"backend": "openvino", "precision": "fp16"}, "'precision' must be float32 or bf16, got 'fp16'"),
    ],
)
def test_wrong_backend_of_an_onnx_file_is_one_line(onnx_file: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        estimators.build(f"onnx:{onnx_file}", COCO, options)
    assert "\n" not in str(error.value)
