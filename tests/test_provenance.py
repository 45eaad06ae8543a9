"""What results say of an estimator, key by key: a finished run folder goes on only if every byte is as it was."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustpose import Poses, estimators, models
from robustpose.models import DEMO
from robustpose.models.weights import save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.results_json import write_results
from robustpose.pose.skeletons import COCO
from tests.outside_network import TwoLayers

OWN = "tests.outside_network:TwoLayers"
TORCH = {"torch": torch.__version__}
RUN = {"backend": "torch", "precision": "float32", "device": "cpu", **TORCH}
HEATMAPS = {"input": "96x128", "channels": "rgb", "flip_test": True}
TAGS = {"input": "64x64", "scales": "1", "channels": "rgb", "flip_test": True, "refine": True, "max_people": 30}
ONNX: dict[str, Any] = {
    "input": "48x64",
    "channels": "rgb",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
ONNX |= {"flip_test": True, "backend": "onnxruntime", "precision": "float32"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of one small network of each family, and a folder of results."""
    folder = tmp_path_factory.mktemp("kinds")
    torch.manual_seed(0)
    for name, input_wh in (("small", (96, 128)), ("small_tags", (64, 64)), ("small_fields", (129, 97))):
        save_weights(models.build(name), make_input_spec(name, COCO, input_wh), folder / f"{name}.safetensors")
    save_weights(TwoLayers(17), make_input_spec("small", COCO, (96, 128)), folder / "own.safetensors")
    write_results(folder / "clean.json", [Poses(1, np.ones((1, 17, 2)), np.ones((1, 17)), np.ones(1))])
    return folder


def of_file(kind: str, path: Path) -> dict[str, str]:
    return {"kind": kind, "name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({}, {}),
        ({"batch_size": "4", "threads": "2", "device": "cpu", "backend": "torch", "input": "96x128"}, {}),
        ({"flip_test": False, "precision": "bf16"}, {"flip_test": False, "precision": "bf16"}),
    ],
)
@pytest.mark.parametrize("kind", ["small", OWN])
def test_of_heatmaps(folder: Path, kind: str, options: dict[str, Any], changed: dict[str, Any]) -> None:
    path = folder / ("small.safetensors" if kind == "small" else "own.safetensors")
    found = dict(estimators.build(f"{kind}:{path}", COCO, {"device": "cpu", **options}).provenance)
    if kind == OWN:
        assert next(iter(found.pop("code"))) == "tests/outside_network.py"  # type: ignore[call-overload]
        assert list(found.pop("state")) == ["TwoLayers", "(names)"]  # type: ignore[call-overload]
    assert json.dumps(found) == json.dumps({**of_file(kind, path), **HEATMAPS, **RUN, **changed})


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({}, {}),
        (
            {"input": "128x256", "scales": "0.50,1,2.0", "max_people": "4", "threshold": "0.20", "refine": False},
            {"input": "128x128", "scales": "0.50,1,2.0", "max_people": 4, "threshold": "0.20", "refine": False},
        ),
        ({"input": 192, "threads": 2, "flip_test": True}, {"input": "192x192"}),
    ],
)
def test_of_tags(folder: Path, options: dict[str, Any], changed: dict[str, Any]) -> None:
    path = folder / "small_tags.safetensors"
    found = estimators.build(f"small_tags:{path}", COCO, {"device": "cpu", **options}).provenance
    assert json.dumps(found) == json.dumps({**of_file("small_tags", path), **TAGS, "threshold": "0.1", **RUN} | changed)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({}, {}),
        (
            {"input": "97x65", "complete": False, "protocol": "plain"},
            {"input": "97x97", "complete": False, "protocol": "plain"},
        ),
    ],
)
def test_of_fields(folder: Path, options: dict[str, Any], changed: dict[str, Any]) -> None:
    path = folder / "small_fields.safetensors"
    found = estimators.build(f"small_fields:{path}", COCO, {"device": "cpu", **options}).provenance
    expected = {"input": "129x129", "channels": "rgb", "complete": True, "protocol": "openpifpaf"}
    assert json.dumps(found) == json.dumps({**of_file("small_fields", path), **expected, **RUN, **changed})


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({}, {}),
        (
            {"channels": "bgr", "mean": "0.5,0.25,1e-1", "std": "1, 2,3", "flip_test": False, "batch_size": "3"},
            {"channels": "bgr", "mean": [0.5, 0.25, 0.1], "std": [1.0, 2.0, 3.0], "flip_test": False},
        ),
    ],
)
def test_of_onnx(onnx_file: Path, options: dict[str, Any], changed: dict[str, Any]) -> None:
    found = estimators.build(f"onnx:{onnx_file}", COCO, options).provenance
    version = {"onnxruntime": metadata.version("onnxruntime")}
    assert json.dumps(found) == json.dumps({**of_file("onnx", onnx_file), **ONNX, **changed, **version})


@pytest.mark.parametrize(("options", "changed"), [({}, {}), ({"flip_test": False}, {"flip_test": False})])
def test_of_the_demo(options: dict[str, Any], changed: dict[str, Any]) -> None:
    found = estimators.build("demo", COCO, options).provenance
    assert json.dumps(found) == json.dumps({**of_file("small", DEMO), **HEATMAPS, **RUN, **changed})


def test_of_results_and_callables(folder: Path) -> None:
    content = hashlib.sha256((folder / "clean.json").read_bytes()).digest()
    digest = hashlib.sha256(b"clean.json" + content).hexdigest()
    expected = {"kind": "results", "name": folder.name, "sha256": digest, "files": {"clean.json": content.hex()}}
    assert json.dumps(estimators.build(f"results:{folder}", COCO, {}).provenance) == json.dumps(expected)
    found = estimators.build("tests.outside:guess_from_pixels", COCO, {}).provenance
    assert json.dumps(found) == json.dumps({"kind": "function", "name": "tests.outside:guess_from_pixels"})
