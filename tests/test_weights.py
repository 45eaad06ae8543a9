from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from robustpose import models
from robustpose.errors import UserError
from robustpose.models.small import SmallNet
from robustpose.models.weights import (
    KEY,
    load_backbone,
    load_tensors,
    load_weights,
    read_input_spec,
    read_weights,
    save_pth,
)

Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    """Return weights of a small network in which no two tensors of one shape are alike."""
    generator = torch.Generator().manual_seed(0)
    state = SmallNet(3).state_dict()
    return {
        name: torch.randn(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


def in_parallel(tensors: Tensors) -> Tensors:
    return {f"module.{name}": tensor for name, tensor in tensors.items()}


def as_training_saves_it(tensors: Tensors) -> dict[str, Any]:
    """Return what the published training programs write after an epoch."""
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(2))])
    optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
    optimizer.step()
    return {
        "epoch": 140,
        "model": "pose_resnet",
        "state_dict": tensors,
        "best_state_dict": {name: tensor + 1 for name, tensor in tensors.items()},
        "perf": np.float64(0.704),
        "history": np.linspace(0, 0.7, 5),
        "best": np.array(True),
        "optimizer": optimizer.state_dict(),
    }


def same(found: Tensors, expected: Tensors) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


FORMS: dict[str, Callable[[Tensors], Any]] = {
    "names to tensors": lambda tensors: tensors,
    "parallel": in_parallel,
    "state_dict": lambda tensors: {"state_dict": tensors},
    "state_dict, parallel": lambda tensors: {"state_dict": in_parallel(tensors)},
    "model": lambda tensors: {"epoch": 3, "model": tensors},
    "model_state_dict": lambda tensors: {"model_state_dict": tensors, "loss": 0.1},
    "wrapped twice": lambda tensors: {"model": {"state_dict": tensors}},
    "of a training": as_training_saves_it,
    "of a parallel training": lambda tensors: as_training_saves_it(in_parallel(tensors)),
}


@pytest.mark.parametrize("is_old", [False, True], ids=["zip", "old format"])
@pytest.mark.parametrize("form", FORMS)
def test_tensors_are_found_in_whatever_wraps_them(tensors: Tensors, tmp_path: Path, form: str, is_old: bool) -> None:
    path = tmp_path / "a.pth.tar"
    torch.save(FORMS[form](tensors), path, _use_new_zipfile_serialization=not is_old)
    found, input_spec = read_weights(path)
    assert same(found, tensors)
    assert input_spec is None
    network = SmallNet(3)
    assert load_weights(network, path) is None
    assert same(network.state_dict(), tensors)


def test_files_from_before_batch_norms_counted_are_loaded(tensors: Tensors, tmp_path: Path) -> None:
    older = {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    torch.save(older, tmp_path / "a.pth")
    network = SmallNet(3)
    load_weights(network, tmp_path / "a.pth")
    assert same(network.state_dict(), tensors)


def test_counters_of_batch_norms_that_there_are_not_are_left_out(tmp_path: Path) -> None:
    tensors = {"weight": torch.ones(1, 1), "bias": torch.ones(1), "bn.num_batches_tracked": torch.tensor(3)}
    network = nn.Linear(1, 1)
    load_tensors(network, tensors, "a file")
    assert network.weight.item() == 1


@pytest.mark.parametrize(("old", "new"), [("core", "_core"), ("_core", "core")])
def test_files_of_older_and_newer_numpy_are_read(tensors: Tensors, tmp_path: Path, old: str, new: str) -> None:
    torch.save(as_training_saves_it(tensors), tmp_path / "here.pth")
    replaced = {f"cnumpy.{old}.multiarray".encode(): f"cnumpy.{new}.multiarray".encode()}
    rewrite_pickle(tmp_path / "here.pth", tmp_path / "elsewhere.pth", replaced)
    assert same(read_weights(tmp_path / "elsewhere.pth")[0], tensors)


def rewrite_pickle(source: Path, target: Path, replaced: dict[bytes, bytes]) -> None:
    """Copy a file that PyTorch saved, with some bytes of its pickle replaced."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                for before, after in replaced.items():
                    content = content.replace(before, after)
            new.writestr(entry, content)


@pytest.mark.parametrize("is_old", [False, True], ids=["zip", "old format"])
def test_pickled_network_is_refused_with_the_reason(tmp_path: Path, is_old: bool) -> None:
    torch.save(SmallNet(3), tmp_path / "a.pth", _use_new_zipfile_serialization=not is_old)
    with pytest.raises(
        UserError, match=r"refers to robustpose\.models\.small\.SmallNet.* save the network's state_dict"
    ):
        read_weights(tmp_path / "a.pth")


class Touch:
    """Make a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch '{self.path}'",)


def test_file_that_would_run_a_command_is_refused_and_runs_none(tensors: Tensors, tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    content = {"state_dict": tensors, "extra": Touch(marker)}
    torch.save(content, tmp_path / "zip.pth")
    torch.save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Touch(marker), protocol=2))
    for name in ("zip", "old", "bare"):
        with pytest.raises(
            UserError, match=rf"{name}\.pth would have to run code .*\.system\), and is refused"
        ) as error:
            read_weights(tmp_path / f"{name}.pth")
        assert "\n" not in str(error.value)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Touch(marker)))  # the command would have worked
    assert marker.exists()


def damage(path: Path, tensors: Tensors, how: str) -> None:
    torch.save(tensors, path, _use_new_zipfile_serialization="old" not in how)
    whole = path.read_bytes()
    parts = {
        "empty": b"",
        "text": b"<html>404</html>\n",
        "zeros": bytes(1000),
        "a zip of something else": b"PK\x03\x04" + bytes(100),
        "cut": whole[: len(whole) // 2],
        "old, cut": whole[: len(whole) // 2],
        "old, cut early": whole[:30],
        "changed": whole[:200] + bytes(100) + whole[300:],
    }
    path.write_bytes(parts[how])


@pytest.mark.parametrize(
    "how", ["empty", "text", "zeros", "a zip of something else", "cut", "old, cut", "old, cut early", "changed"]
)
def test_damaged_files_are_one_line(tensors: Tensors, tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.pth"
    damage(path, tensors, how)
    with pytest.raises(UserError, match=r"a\.pth is no PyTorch file, or a damaged one") as error:
        read_weights(path)
    assert "\n" not in str(error.value)
    assert "weights_only" not in str(error.value)  # no advice to run what is in it


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        (torch.zeros(2), "it holds: Tensor"),
        ([torch.zeros(2)], "it holds: list"),
        ({}, "it holds: "),
        ({"epoch": 3, "model": "pose_resnet"}, "it holds: epoch, model"),
        ({"state_dict": {}, "epoch": 3}, "it holds: state_dict, epoch"),
        ({str(number): number for number in range(9)}, "it holds: dict"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_files_without_tensors_by_name_say_what_they_hold(tmp_path: Path, content: Any, holds: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(UserError, match=f"must hold tensors by name.*; {holds}$"):
        read_weights(tmp_path / "a.pth")


def test_all_that_does_not_fit_is_one_message(tensors: Tensors, tmp_path: Path) -> None:
    spoilt = {
        **tensors,
        "head.weight": torch.zeros(4, 32, 1, 1),
        "head.bias": torch.zeros(4),
        "deconv_layers.0.weight": torch.zeros(1),
    }
    del spoilt["stem.0.weight"]
    torch.save(spoilt, tmp_path / "a.pth")
    network = SmallNet(3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(UserError) as error:
        load_weights(network, tmp_path / "a.pth")
    assert str(error.value) == (
        f"{tmp_path / 'a.pth'} does not fit SmallNet: 1 missing (stem.0.weight); 1 unknown (deconv_layers.0.weight); "
        "2 of another shape (head.weight must be (3, 32, 1, 1), got (4, 32, 1, 1); head.bias must be (3,), got (4,))"
    )
    assert same(network.state_dict(), before)


def test_many_names_are_shown_as_the_first_few(tensors: Tensors) -> None:
    with pytest.raises(UserError, match=r"\d\d missing \(stem\.0\.weight; stem\.1\.weight; stem\.1\.bias; …\)$"):
        load_tensors(SmallNet(3), {"head.weight": tensors["head.weight"], "head.bias": tensors["head.bias"]}, "a")


def test_saved_pth_comes_back_and_is_read_by_pytorch_alone(tmp_path: Path) -> None:
    network = SmallNet(3)
    save_pth(network, tmp_path / "a.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]
    expected = dict(network.state_dict())
    assert same(read_weights(tmp_path / "a.pth")[0], expected)
    plain = torch.load(tmp_path / "a.pth", weights_only=True)
    assert same(plain, expected)
    other = SmallNet(3)
    other.load_state_dict(plain)
    assert same(other.state_dict(), expected)


def imagenet_file(name: str, path: Path) -> Tensors:
    """Write what an ImageNet program would save of the trunk of a pose network, and return the trunk."""
    with torch.device("meta"):
        state = models.build(name, 2).state_dict()
    trunk = {
        key: torch.full_like(tensor, number, device="cpu")
        for number, (key, tensor) in enumerate(state.items())
        if not key.startswith(("final_layer.", "final_layers.", "deconv_layers."))
    }
    if name.startswith("sbl"):
        extras = {"fc.weight": torch.zeros(10, 2048), "fc.bias": torch.zeros(10)}
    else:
        extras = {
            "incre_modules.0.0.conv1.weight": torch.zeros(2, 2, 1, 1),
            "incre_modules.0.0.bn1.num_batches_tracked": torch.tensor(7),
            "downsamp_modules.2.0.bias": torch.zeros(2),
            "final_layer.0.weight": torch.zeros(2048, 1024, 1, 1),
            "final_layer.1.running_mean": torch.zeros(2048),
            "classifier.weight": torch.zeros(10, 2048),
            "classifier.bias": torch.zeros(10),
            **{f"stage4.2.fuse_layers.{i}.0.0.0.weight": torch.zeros(1) for i in (1, 2, 3)},
            "stage4.2.fuse_layers.3.0.0.1.num_batches_tracked": torch.tensor(7),
        }
    torch.save({**trunk, **extras}, path)
    return trunk


@pytest.mark.parametrize("name", ["sbl_r50", "hrnet_w32", "higherhrnet_w32"])
def test_backbone_fills_the_trunk_and_leaves_the_head_as_it_was(tmp_path: Path, name: str) -> None:
    trunk = imagenet_file(name, tmp_path / "a.pth")
    network = models.build(name, 17)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items() if key not in trunk}
    assert load_backbone(network, tmp_path / "a.pth") == list(trunk)
    state = network.state_dict()
    assert same({key: state[key] for key in trunk}, trunk)
    assert same({key: state[key] for key in before}, before)
    assert any(key.startswith(("final_layer.", "final_layers.")) for key in before)


def test_backbone_of_another_depth_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    imagenet_file("sbl_r50", tmp_path / "a.pth")
    with torch.device("meta"):
        deeper, other = models.build("sbl_r101", 17), models.build("hrnet_w32", 17)
    with pytest.raises(UserError, match=r"a\.pth is no backbone of SimpleBaseline: \d+ missing \(layer3\.6\.conv1"):
        load_backbone(deeper, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"is no backbone of HRNet: \d+ missing .*; \d+ unknown .*; \d+ of another"):
        load_backbone(other, tmp_path / "a.pth")


def test_backbone_without_its_counters_is_loaded(tmp_path: Path) -> None:
    network = models.build("sbl_r50", 2)
    older = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(("final_layer.", "deconv_layers.")) and not name.endswith("num_batches_tracked")
    }
    torch.save({"state_dict": in_parallel(older)}, tmp_path / "a.pth")
    assert load_backbone(network, tmp_path / "a.pth") == list(older)


# Input specs.


@pytest.mark.parametrize(
    ("written", "family"),
    [
        ({"family": "topdown"}, "heatmaps"),
        ({"family": "bottomup"}, "tags"),
        ({"family": "fields"}, "fields"),
        ({"family": "heatmaps"}, "heatmaps"),
        ({"family": "tags"}, "tags"),
        ({}, "heatmaps"),
    ],
)
def test_families_of_old_files_are_read_by_their_names_of_today(
    tmp_path: Path, written: dict[str, str], family: str
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {KEY: json.dumps({"name": "x", "input_wh": [64, 96], **written})})
    for input_spec in (read_input_spec(path), read_weights(path)[1]):
        assert input_spec is not None
        assert (input_spec.family, input_spec.input_wh) == (family, (64, 96))


def test_family_that_there_is_not_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {KEY: json.dumps({"name": "x", "input_wh": [64, 96], "family": "topup"})})
    with pytest.raises(UserError, match=r"input spec in .* cannot be read: family must be 'heatmaps', 'tags'"):
        read_input_spec(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"family": []}, "family must be"),
        ({"std": [0, 1, 1]}, "std.0 must be greater than 0"),
        ({"mean": [1e400, 0, 0]}, "mean.0 must be"),
        ({"input_wh": [-1, 96]}, "input_wh.0 must be"),
        ({"input_wh": [64, 10**9]}, "input_wh.1 must be"),
        ({"joints": ["a", "a"]}, "joints must have each joint once"),
        ({"joints": ["j"] * 5000}, "joints"),
        ({"joints": ["j" * 5000]}, "joints.0"),
        ({"name": ["x"]}, "name must be"),
        ({"stride": 0}, "stride must be"),
        ({"sigma": 0}, "sigma must be"),
    ],
)
def test_input_spec_that_makes_no_sense_is_one_short_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {KEY: json.dumps({"name": "x", "input_wh": [64, 96]} | changes)})
    with pytest.raises(UserError, match=r"input spec in .* cannot be read") as error:
        read_input_spec(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(path))
