from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from robustpose import estimators, registry
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.estimators.heatmaps import HeatmapEstimator, Options, build
from robustpose.estimators.running.backends import as_callable
from robustpose.estimators.running.batches import CROPS_PER_CALL
from robustpose.evaluation import evaluate
from robustpose.models import DEMO, TABLE, family_of
from robustpose.models.input_spec import InputSpec
from robustpose.models.small import SmallNet
from robustpose.models.weights import load_weights, read_weights, save_weights
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.types import Frame
from robustpose.train.recipes import find_recipe_file
from tests.networks import make_lively
from tests.people import assert_same_poses

pytestmark = pytest.mark.usefixtures("one_thread")

INPUT_SPEC = InputSpec("small", (96, 128), COCO.joints, sigma=1.5)


@pytest.fixture
def lively() -> nn.Module:
    return make_lively()


def crops(n: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(n).normal(size=(n, 3, 128, 96)).astype(np.float32)


@pytest.mark.parametrize("name", TABLE)
def test_every_network_gives_what_its_family_gives(name: str) -> None:
    n_joints = 17 if family_of(name) == "fields" else 5
    with torch.device("meta"):
        found = registry.load(name, TABLE)(n_joints)(torch.zeros(2, 3, 64, 128))
    if family_of(name) == "heatmaps":
        assert found.shape == (2, 5, 16, 32)
    elif family_of(name) == "tags":
        coarse, fine = found
        assert coarse.shape == (2, 10, 16, 32)
        assert fine.shape == (2, 5, 32, 64)
    else:
        joints, connections = found[:2]
        assert [tuple(part.shape) for part in joints] == [(2, 17, 7, 15), (2, 17, 2, 7, 15), *[(2, 17, 7, 15)] * 2]
        vectors = [(2, 19, 2, 7, 15)] * 2
        assert [tuple(part.shape) for part in connections] == [(2, 19, 7, 15), *vectors, *[(2, 19, 7, 15)] * 2]


def test_small_network_fits_in_three_megabytes(tmp_path: Path) -> None:
    save_weights(SmallNet(17), INPUT_SPEC, tmp_path / "small.safetensors")
    assert (tmp_path / "small.safetensors").stat().st_size < 3e6


@pytest.mark.parametrize("batch_size", [1, 5, 16])
def test_heatmaps_do_not_depend_on_the_batch_to_the_last_bit(lively: nn.Module, batch_size: int) -> None:
    find_heatmaps, x = as_callable(lively), crops(19)
    together = find_heatmaps(x)
    apart = [find_heatmaps(x[start : start + batch_size]) for start in range(0, len(x), batch_size)]
    assert np.array_equal(np.concatenate(apart), together)
    order = np.random.default_rng(1).permutation(len(x))
    assert np.array_equal(find_heatmaps(x[order]), together[order])


def test_callable_gives_the_networks_own_heatmaps(lively: nn.Module) -> None:
    x = crops(CROPS_PER_CALL + 1)
    with torch.inference_mode():
        expected = lively.eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(as_callable(lively)(x), expected, atol=1e-5)


def test_callable_leaves_the_network_as_it_was(lively: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in lively.state_dict().items()}
    as_callable(lively.train())(crops(1))
    assert lively.training
    assert all(parameter.requires_grad for parameter in lively.parameters())
    after = lively.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_and_card_come_back_as_they_were_saved(lively: nn.Module, tmp_path: Path) -> None:
    input_spec = replace(INPUT_SPEC, channels="bgr", mean=(0.1, 0.2, 0.3))
    save_weights(lively, input_spec, tmp_path / "a.safetensors")
    other = SmallNet(17)
    assert load_weights(other, tmp_path / "a.safetensors") == input_spec
    assert all(
        torch.equal(a, b) for a, b in zip(lively.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_same_weights_give_the_same_bytes(lively: nn.Module, tmp_path: Path) -> None:
    save_weights(lively, INPUT_SPEC, tmp_path / "a.safetensors")
    save_weights(lively.to(memory_format=torch.channels_last), INPUT_SPEC, tmp_path / "b.safetensors")  # type: ignore[call-overload]
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_weights(SmallNet(16), INPUT_SPEC, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"head.weight must be \(17, 32, 1, 1\), got \(16, 32, 1, 1\)"):
        load_weights(SmallNet(17), tmp_path / "a.safetensors")
    save_weights(nn.Linear(2, 2), INPUT_SPEC, tmp_path / "b.safetensors")
    with pytest.raises(UserError, match=r"102 missing \(stem.0.weight; .*; 2 unknown \(bias; weight\)"):
        load_weights(SmallNet(17), tmp_path / "b.safetensors")


def test_files_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(UserError, match="there is no weights file"):
        read_weights(path)
    path.write_bytes(b"not at all")
    with pytest.raises(UserError, match="no safetensors file"):
        read_weights(path)
    save_file({"a": torch.zeros(1)}, path)
    assert read_weights(path)[1] is None
    with pytest.raises(UserError, match="carries no input spec"):
        build("small", str(path), COCO, Options())
    save_file({"a": torch.zeros(1)}, path, {"robustpose": json.dumps({"name": "x"})})
    with pytest.raises(UserError, match=r"input spec .* cannot be read: input_wh"):
        read_weights(path)


def test_shipped_weights_are_those_of_the_recipe() -> None:
    assert hashlib.sha256(DEMO.read_bytes()).hexdigest() in find_recipe_file("demo").read_text()
    assert all(torch.isfinite(tensor).all() for tensor in load_file(DEMO).values())


def people() -> list[Frame]:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (200, 200, 3), np.uint8)
    corners = rng.uniform(0, 80, (7, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(40, 110, (7, 2))], axis=1)
    return [Frame(1, lambda: image, boxes[:3]), Frame(2, lambda: image, boxes[3:])]


def build_demo(**options: object) -> HeatmapEstimator:
    estimator = estimators.build("demo", COCO, options)
    assert isinstance(estimator, HeatmapEstimator)
    return estimator


def test_demo_scores_do_not_depend_on_the_batch_size() -> None:
    found = [build_demo(batch_size=size).predict(people()) for size in (1, 5, 16)]
    for other in found[1:]:
        assert_same_poses(other, found[0])


def test_demo_finds_drawn_people() -> None:
    figures = evaluate(ToyPeople(16), build_demo())
    assert 0.3 < figures["AP"] < 0.9


def test_own_weights_are_an_estimator_with_provenance(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_weights(SmallNet(17), INPUT_SPEC, path)
    estimator = build("small", str(path), COCO, Options())
    assert estimator.input_spec == INPUT_SPEC
    assert estimator.provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [poses.image_id for poses in estimator.predict(people())] == [1, 2]


def test_demo_on_another_skeleton_says_so() -> None:
    two = Skeleton("two", ("a", "b"), (), (0.1, 0.1))
    with pytest.raises(UserError, match="use a model of that skeleton"):
        estimators.build("demo", two, {})


def test_estimators_ask_for_the_target_they_need() -> None:
    with pytest.raises(UserError, match="small:FILE"):
        build("small", "", COCO, Options())
    with pytest.raises(UserError, match=r"small:mine\.safetensors"):
        estimators.build("demo:mine.safetensors", COCO, {})
