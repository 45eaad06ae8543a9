from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from robustpose import models
from robustpose.errors import UserError
from robustpose.models.pifpaf import NETWORKS, FieldHead, PifPaf
from robustpose.models.shufflenet import ShuffleNetV2, ShuffleUnit
from tests.networks import assert_tensors_are_named, error_of, outline

pytestmark = pytest.mark.usefixtures("one_thread")

# What the reference data call the official networks -> ours.
OFFICIAL = {
    "shufflenetv2x2": "pifpaf_shufflenetv2x2",
    "resnet50": "pifpaf_resnet50",
    "resnet101block5": "pifpaf_resnet101",
}


def test_reference_holds_every_published_network_and_no_other(shared: Path) -> None:
    keys = json.loads((shared / "goldens/pifpaf_keys.json").read_text())["keys"]
    assert keys.keys() == OFFICIAL.keys()
    assert set(OFFICIAL.values()) == set(NETWORKS)


@pytest.mark.parametrize("official", OFFICIAL)
def test_tensors_have_the_official_names_shapes_and_order(shared: Path, official: str) -> None:
    expected = json.loads((shared / "goldens/pifpaf_keys.json").read_text())["keys"][official]
    assert_tensors_are_named(outline(OFFICIAL[official]), expected)


@pytest.mark.parametrize("name", ["pifpaf_shufflenetv2x2", "pifpaf_resnet50"])
def test_outputs_are_those_of_the_published_program(shared: Path, fill: ModuleType, name: str) -> None:
    network = outline(name).to_empty(device="cpu")
    network.load_state_dict(fill.fill(network.state_dict()))
    with torch.inference_mode():
        heads = network.eval()(fill.image(8, 97, 129))
    found = {f"{name}__{i}__{j}": component.numpy() for i, head in enumerate(heads) for j, component in enumerate(head)}
    with np.load(shared / "goldens/model_outputs.npz") as outputs:
        expected = {key: outputs[key] for key in outputs if key.startswith(name)}
    assert found.keys() == expected.keys()
    for key, component in found.items():
        assert error_of(component, expected[key]) <= 1e-5, key


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size_hw", [(97, 129), (96, 128), (641, 428)])
def test_fields_have_a_cell_every_8_px(name: str, size_hw: tuple[int, int]) -> None:
    pif, paf, paf25 = outline(name)(torch.zeros(2, 3, *size_hw, device="meta"))
    h, w = (-(-side // 16) * 2 - 1 for side in size_hw)
    assert [tuple(x.shape) for x in pif] == [(2, 17, h, w), (2, 17, 2, h, w), (2, 17, h, w), (2, 17, h, w)]
    for head, k in ((paf, 19), (paf25, 25)):
        assert [tuple(x.shape) for x in head] == [(2, k, h, w)] + 2 * [(2, k, 2, h, w)] + 2 * [(2, k, h, w)]


@pytest.fixture(scope="module")
def network() -> PifPaf:
    """Return a fresh network of four joints and three connections."""
    torch.manual_seed(0)
    return PifPaf(ShuffleNetV2(), n_joints=4, n_connections=(3,))


def image() -> Tensor:
    return torch.randn(1, 3, 65, 49, generator=torch.Generator().manual_seed(0))


def test_network_of_another_skeleton_has_its_joints_and_connections(network: PifPaf) -> None:
    with torch.inference_mode():
        pif, paf = network.eval()(image())
    assert [tuple(x.shape) for x in pif] == [(1, 4, 9, 7), (1, 4, 2, 9, 7), (1, 4, 9, 7), (1, 4, 9, 7)]
    assert [tuple(x.shape) for x in paf] == [(1, 3, 9, 7)] + 2 * [(1, 3, 2, 9, 7)] + 2 * [(1, 3, 9, 7)]


def test_published_networks_are_for_17_joints_alone() -> None:
    with pytest.raises(UserError, match=r"COCO's 17 joints .* got 16 joints: PifPaf\(trunk, n_joints, n_connections\)"):
        NETWORKS["pifpaf_resnet50"](16)


def test_network_is_built_by_its_path() -> None:
    with torch.device("meta"):
        assert isinstance(models.build("robustpose.models.pifpaf:pifpaf_resnet50", 17), PifPaf)


def test_heads_for_training_can_be_dropped_and_the_others_stay_as_they_were() -> None:
    network = outline("pifpaf_shufflenetv2x2").to_empty(device="cpu").eval()
    for tensor in network.state_dict().values():
        tensor.fill_(0.01)
    names = [name for name in network.state_dict() if not name.startswith("head_nets.2.")]
    with torch.inference_mode():
        before = network(image())
        network.keep_heads(2)
        after = network(image())
    assert list(network.state_dict()) == names
    assert len(after) == 2
    for old, new in zip(before, after, strict=False):
        assert all(torch.equal(a, b) for a, b in zip(old, new, strict=True))


def test_training_gives_logits_and_everything_else_as_evaluation_does(network: PifPaf) -> None:
    head = network.head_nets[1]
    features = torch.randn(1, 2048, 3, 4, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        raw, *others = head.train()(features)
        confidence, *expected = head.eval()(features)
    assert raw.min() < 0
    assert torch.equal(raw.sigmoid(), confidence)
    assert all(torch.equal(a, b) for a, b in zip(others, expected, strict=True))


def test_components_have_their_ranges() -> None:
    torch.manual_seed(0)
    head = FieldHead(5, 6, n_vectors=1, has_scale=True).eval()
    with torch.inference_mode():
        confidence, vector, spread, scale = head(20 * torch.randn(1, 5, 9, 9))
    assert 0 <= confidence.min() < 0.1 < 0.9 < confidence.max() <= 1
    assert vector.min() < -5
    assert -2.5 < spread.min() < -2  # drawn towards -2 with a slope of 0.01
    assert spread.max() > 5
    assert scale.min() == 0


def test_cells_are_placed_by_pixel_shuffle_and_the_last_row_and_column_go() -> None:
    head = FieldHead(1, 1, n_vectors=1, has_scale=False)
    with torch.inference_mode():
        for parameter in head.parameters():
            parameter.zero_()
        bias = head.reg_convs[0].bias
        assert isinstance(bias, Tensor)
        bias.copy_(torch.arange(8))  # of x: up left, up right, below left, below right; then of y
        _, vector, _ = head(torch.zeros(1, 1, 2, 2))
    assert vector[0, 0, 0].tolist() == [[0, 1, 0], [2, 3, 2], [0, 1, 0]]
    assert vector[0, 0, 1].tolist() == [[4, 5, 4], [6, 7, 6], [4, 5, 4]]


def test_unit_of_stride_1_keeps_the_first_half_as_every_second_channel() -> None:
    unit = ShuffleUnit(6, 6, 1).eval()
    x = torch.randn(1, 6, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = unit(x)
        assert torch.equal(found[:, 0::2], x[:, :3])
        assert torch.equal(found[:, 1::2], unit.branch2(x[:, 3:]))


def test_all_batch_norms_have_the_published_epsilon() -> None:
    for name in NETWORKS:
        norms = [module for module in outline(name).modules() if isinstance(module, torch.nn.BatchNorm2d)]
        assert {norm.eps for norm in norms} == {1e-4}


def test_input_is_not_changed(network: PifPaf) -> None:
    x = image()
    before = x.clone()
    with torch.inference_mode():
        network.eval()(x)
    assert torch.equal(x, before)


def test_fresh_network_gives_fields_of_moderate_size(network: PifPaf) -> None:
    with torch.inference_mode():
        values = torch.cat([component.flatten() for head in network.eval()(image()) for component in head])
    assert values.isfinite().all()
    assert 0.05 < values.std() < 5


def test_trace_gives_the_same_fields(network: PifPaf) -> None:
    traced = torch.fx.symbolic_trace(network.eval())
    with torch.inference_mode():
        for found, expected in zip(traced(image()), network(image()), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
