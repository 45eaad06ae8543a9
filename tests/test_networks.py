from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from robustpose import models
from robustpose.errors import UserError
from robustpose.models.zoo import PUBLISHED, Published, make_input_spec
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from tests.networks import assert_tensors_are_named, error_of, outline

pytestmark = pytest.mark.usefixtures("one_thread")

# What the reference data call the official networks -> ours, and the number of joints.
OFFICIAL = {
    "sbl_r50_256x192": ("sbl_r50", 17),
    "sbl_r50_mpii_256x256": ("sbl_r50", 16),
    "sbl_r101_256x192": ("sbl_r101", 17),
    "sbl_r101_mpii_256x256": ("sbl_r101", 16),
    "sbl_r152_256x192": ("sbl_r152", 17),
    "sbl_r152_mpii_256x256": ("sbl_r152", 16),
    "hrnet_w32_256x192": ("hrnet_w32", 17),
    "hrnet_w32_384x288": ("hrnet_w32", 17),
    "hrnet_w48_256x192": ("hrnet_w48", 17),
    "hrnet_w48_384x288": ("hrnet_w48", 17),
    "hrnet_w32_mpii_256x256": ("hrnet_w32", 16),
}
PUBLISHED_NETWORKS = sorted({published.network for published in PUBLISHED})


def test_reference_holds_every_official_network_and_no_other(shared: Path) -> None:
    assert json.loads((shared / "goldens/topdown_keys.json").read_text()).keys() == OFFICIAL.keys()


@pytest.mark.parametrize("official", OFFICIAL)
def test_tensors_have_the_official_names_and_shapes(shared: Path, official: str) -> None:
    expected = json.loads((shared / "goldens/topdown_keys.json").read_text())[official]
    assert_tensors_are_named(outline(*OFFICIAL[official]), expected)


@pytest.mark.parametrize(
    ("official", "seed", "size_hw"),
    [
        ("sbl_r50_256x192", 1, (256, 192)),
        ("sbl_r50_mpii_256x256", 2, (256, 256)),
        ("hrnet_w32_256x192", 3, (256, 192)),
    ],
)
def test_heatmaps_are_those_of_the_published_program(
    shared: Path, fill: ModuleType, official: str, seed: int, size_hw: tuple[int, int]
) -> None:
    network = outline(*OFFICIAL[official]).to_empty(device="cpu")
    network.load_state_dict(fill.fill(network.state_dict()))
    with torch.inference_mode():
        found = network.eval()(fill.image(seed, *size_hw)).numpy()
    with np.load(shared / "goldens/model_outputs.npz") as outputs:
        assert error_of(found, outputs[f"{official}__0"]) <= 1e-5


@pytest.mark.parametrize("name", PUBLISHED_NETWORKS)
def test_heatmaps_are_a_quarter_of_the_input(name: str) -> None:
    network = outline(name, 14)
    for height, width in ((128, 96), (256, 192), (384, 288)):
        heatmaps = network(torch.zeros(2, 3, height, width, device="meta"))
        assert heatmaps.shape == (2, 14, height // 4, width // 4)


@pytest.mark.parametrize("name", ["sbl_r50", "hrnet_w32"])
def test_input_is_not_changed(name: str) -> None:
    network = outline(name, 2).to_empty(device="cpu").eval()
    crops = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    before = crops.clone()
    with torch.inference_mode():
        network(crops)
    assert torch.equal(crops, before)


def test_every_published_checkpoint_is_of_a_network_there_is() -> None:
    assert set(PUBLISHED_NETWORKS) <= set(models.TABLE)
    assert set(PUBLISHED_NETWORKS) == {network for network, _ in OFFICIAL.values()}


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: f"{row.network}-{row.skeleton.name}-{row.input_wh[1]}")
def test_card_says_how_the_published_network_wants_its_crops(published: Published) -> None:
    input_spec = published.input_spec
    assert input_spec.channels == ("bgr" if published.network.startswith("sbl") else "rgb")
    assert input_spec.joints == published.skeleton.joints
    assert input_spec.input_wh == published.input_wh
    assert input_spec.sigma == {128: 1.0, 256: 2.0, 384: 3.0}[input_spec.input_wh[1]]
    assert (input_spec.mean, input_spec.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    if published.file is not None:
        assert f"_{input_spec.input_wh[1]}x{input_spec.input_wh[0]}.pth" in published.file


def test_official_files_have_names_of_their_own() -> None:
    files = [published.file for published in PUBLISHED if published.file is not None]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: f"{row.network}-{row.skeleton.name}-{row.input_wh[1]}")
def test_training_lowers_its_rate_before_it_ends(published: Published) -> None:
    first, second = published.training.decay_at
    assert 0 < first < second < published.training.epochs
    assert 0.5 < published.score < 1


def test_input_is_that_of_the_skeletons_benchmark() -> None:
    other = Skeleton("other", ("a", "b"), (), (0.1, 0.1))
    assert make_input_spec("hrnet_w32", COCO).input_wh == (192, 256)
    assert make_input_spec("hrnet_w32", MPII).input_wh == (256, 256)
    assert make_input_spec("hrnet_w32", other).input_wh == (192, 256)
    assert make_input_spec("hrnet_w32", COCO, (96, 128)).input_wh == (96, 128)


@pytest.mark.parametrize("input_wh", [(190, 256), (192, 0), (-32, 32)])
def test_input_with_a_side_that_32_does_not_divide_is_refused(input_wh: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=r"sides that are multiples of 32, got .* \(width x height\)"):
        make_input_spec("sbl_r50", COCO, input_wh)


def test_unknown_network_is_an_error_that_helps() -> None:
    with pytest.raises(UserError, match=r"unknown network 'sbl_r5' \(did you mean 'sbl_r50'\?\): expected one of"):
        models.build("sbl_r5")


@pytest.mark.parametrize("joints", [0, -1])
def test_network_without_joints_is_refused(joints: int) -> None:
    with pytest.raises(UserError, match=f"at least 1 joint, got {joints}"):
        models.build("sbl_r50", joints)


def test_own_network_is_built_by_its_path() -> None:
    assert models.build("tests.outside_network:TwoLayers", 3)(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 2, 2)


@pytest.mark.parametrize("official", ["higherhrnet_w32", "higherhrnet_w48"])
def test_higherhrnet_has_the_official_names_and_shapes(shared: Path, official: str) -> None:
    expected = json.loads((shared / "goldens/higherhrnet_keys.json").read_text())[official]
    assert_tensors_are_named(outline(official), expected)
