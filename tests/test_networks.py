from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from robustpose import models
from robustpose.errors import UserError
from robustpose.models.zoo import ZOO, ZooNetwork, get_network, make_input_spec
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.train.settings import make_settings
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
CROPPED = [network for network in ZOO.values() if network.input_spec.family == "heatmaps"]
PUBLISHED_NETWORKS = sorted({network.network for network in CROPPED})
ROOT = Path(__file__).parents[1]


def test_reference_holds_every_official_network_and_no_other(shared: Path) -> None:
    assert json.loads((shared / "goldens/topdown_keys.json").read_text()).keys() == OFFICIAL.keys()


@pytest.mark.parametrize("official", OFFICIAL)
def test_tensors_have_the_official_names_and_shapes(shared: Path, official: str) -> None:
    expected = json.loads((shared / "goldens/topdown_keys.json").read_text())[official]
    assert_tensors_are_named(outline(*OFFICIAL[official]), expected)


@pytest.mark.parametrize(
    ("official", "seed", "size_hw"),
    [("sbl_r50_256x192", 1, (256, 192)), ("sbl_r50_mpii_256x256", 2, (256, 256)), ("hrnet_w32_256x192", 3, (256, 192))],
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


def test_every_network_of_the_zoo_is_one_that_there_is() -> None:
    assert {network.network for network in ZOO.values()} <= set(models.TABLE)
    assert set(PUBLISHED_NETWORKS) == {network for network, _ in OFFICIAL.values()}


@pytest.mark.parametrize("published", CROPPED, ids=lambda network: network.name)
def test_input_spec_says_how_the_published_network_wants_its_crops(published: ZooNetwork) -> None:
    input_spec = published.input_spec
    assert input_spec.channels == ("bgr" if published.network.startswith("sbl") else "rgb")
    assert input_spec.joints == published.skeleton.joints
    assert input_spec.input_wh == published.input_wh
    assert input_spec.sigma == {128: 1.0, 256: 2.0, 384: 3.0}[input_spec.input_wh[1]]
    assert (input_spec.mean, input_spec.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert published.name == f"{published.network}_{input_spec.input_wh[1]}x{input_spec.input_wh[0]}"
    if published.file is not None:
        assert f"_{input_spec.input_wh[1]}x{input_spec.input_wh[0]}.pth" in published.file


def test_official_files_have_names_of_their_own() -> None:
    files = [published.file for published in ZOO.values() if published.file is not None]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("published", ZOO.values(), ids=lambda network: network.name)
def test_training_lowers_its_rate_before_it_ends(published: ZooNetwork) -> None:
    first, second = published.training["decay_at"]
    assert 0 < first < second < published.training["epochs"]
    assert published.score is None or 0.5 < published.score < 1
    assert published.file is None or published.score is not None


def describe(published: ZooNetwork) -> tuple[Any, ...]:
    """Return epochs and drops, crops a device, and the spreads of rotation and scale, with half body."""
    training = published.training
    assert training["lr"] == 1e-3
    augment = training.get("augment") or training["image_augment"]
    schedule = (training["epochs"], *training["decay_at"], *training["batch"])
    return (*schedule, augment["rotation"], augment["scale"], augment.get("half_body_probability"))


def test_networks_were_trained_as_their_programs_train_them() -> None:
    coco = {"sbl": (140, 90, 120, 4, 32, 40, 0.3, 0), "hrnet": (210, 170, 200, 4, 32, 45, 0.35, 0.3)}
    mpii = {"sbl": (140, 90, 120, 4, 32, 30, 0.25, 0), "hrnet": (210, 170, 200, 4, 32, 30, 0.25, 0)}
    for published in CROPPED:
        expected = (coco if published.skeleton is COCO else mpii)[published.network.split("_")[0]]
        if published.name == "hrnet_w48_384x288":
            expected = (*expected[:4], 24, *expected[5:])
        assert describe(published) == expected, published.name
    for published in ZOO.values():
        if published.network.startswith("higherhrnet"):
            assert describe(published) == (300, 200, 260, 4, 12, 30, [0.75, 1.5], None)
        if published.network.startswith("pifpaf"):
            assert describe(published)[:5] == (75, 60, 70, 1, 8)


def test_clean_scores_are_those_of_the_protocol(shared: Path) -> None:
    text = (shared / "PROTOCOL.md").read_text()
    scores = {name: f"{100 * published.score:.1f}" for name, published in ZOO.items() if published.score is not None}
    line = text[text.index("- Clean COCO val2017") : text.index("- Training (from scratch")]
    families = {
        "SBL R50": "sbl_r50",
        "R101": "sbl_r101",
        "R152": "sbl_r152",
        "HRNet W32": "hrnet_w32",
        "W48": "hrnet_w48",
    }
    coco, mpii = line.split("MPII valid")
    for words, network in families.items():
        numbers = re.search(rf"{words} (?:256×192 )?(\d+\.\d), (?:384×288 )?(\d+\.\d)", coco)
        assert numbers is not None
        assert numbers.groups() == (scores.pop(f"{network}_256x192"), scores.pop(f"{network}_384x288"))
    for words, network in {"R50": "sbl_r50", "R101": "sbl_r101", "R152": "sbl_r152", "W32": "hrnet_w32"}.items():
        assert f"{words} {scores.pop(f'{network}_256x256')}" in mpii
    for name in ("W32-512", "W32-640", "W48-640"):
        assert re.search(rf"{name} {scores.pop('higherhrnet_' + name.lower().replace('-', '_'))}", text)
    for base in ("shufflenetv2x2", "resnet50", "resnet101"):
        assert f"{base} {scores.pop(f'pifpaf_{base}')}" in text
    assert not scores


def test_recipe_is_like_a_network_where_it_does_not_say_otherwise() -> None:
    data = {"train_data": {"name": "toy"}, "val_data": {"name": "toy"}}
    settings = make_settings({"like": "hrnet_w48_384x288", "lr": 0.01, "augment": {"rotation": 10}, **data})
    assert (settings.model, settings.input_wh, settings.sigma, settings.lr) == ("hrnet_w48", (288, 384), 3.0, 0.01)
    assert (settings.augment.rotation, settings.augment.scale, settings.augment.half_body_probability) == (
        10,
        0.35,
        0.3,
    )
    assert (settings.batch_size, settings.accumulate) == (96, 4)
    # Whatever shares a batch, batch norms see 24 crops.
    shared = make_settings({"like": "hrnet_w48_384x288", "engine": {"devices": 2}, **data})
    assert (shared.batch_size, shared.accumulate) == (96, 2)
    small = make_settings({"like": "hrnet_w48_384x288", "batch_size": 24, **data})
    assert (small.batch_size, small.accumulate) == (24, 1)
    with pytest.raises(UserError, match=r"unknown network 'hrnet_w32' \(did you mean 'hrnet_w32_.*list networks"):
        make_settings({"like": "hrnet_w32", **data})
    # Crops are smaller than whole images.
    pifpaf = get_network("pifpaf_resnet50")
    assert (pifpaf.input_wh, pifpaf.training_settings()["input_wh"]) == ((641, 641), [401, 401])
    with pytest.raises(UserError, match="batch_size must be a whole number"):
        make_settings({"like": "hrnet_w48_384x288", "batch_size": "many", "engine": 3, **data})


def test_list_networks_shows_training_and_files(run: Any) -> None:
    code, output, _ = run("list", "networks")
    assert code == 0
    (line,) = (line for line in output.splitlines() if line.startswith("hrnet_w32_256x192 "))
    assert "210 (170, 200)" in line
    assert "4 x 32" in line
    assert line.endswith("74.4   pose_hrnet_w32_256x192.pth")
    assert {line.split()[0] for line in output.splitlines()} >= set(ZOO)


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
