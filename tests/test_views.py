"""What holds of every view: its own random numbers, crops of any shape, any family, any K, the same in any process."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from robustpose.corruptions import TABLE
from robustpose.data.images import read_image
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Image
from robustpose.train.heatmaps import PersonCrops
from robustpose.train.loop import Progress, train
from robustpose.train.samples import CropSource
from robustpose.train.seeding import make_rng
from robustpose.train.settings_groups import AugmentSettings
from robustpose.train.views.autoaugment import N_DRAWN, apply_autoaugment
from robustpose.train.views.gridmask import draw_grid
from robustpose.train.views.table import VIEWS, ViewInput, corrupt_at_random, draw_views
from tests.scenes import draw_scene
from tests.test_strategies import first_weights, settings_of  # noqa: F401
from tests.test_train_loop import Dots
from tests.training import settings_for_crowds, stop_at

pytestmark = pytest.mark.usefixtures("one_thread")

NEW = ["fourier", "augmix", "pixmix", "patch-noise", "lowpass"]
each_new_view = pytest.mark.parametrize("name", NEW)


def input_of(image: Image, number: int = 0, asked: list[str] | None = None) -> ViewInput:
    """Return what views are drawn from, of a crop that is the image; purposes of generators are noted in `asked`."""

    def make(purpose: str) -> np.random.Generator:
        if asked is not None:
            asked.append(purpose)
        return make_rng(5, purpose, 0, number)

    return ViewInput(image, lambda whole: whole, (image.shape[0], image.shape[1]), make)


@each_new_view
@pytest.mark.parametrize("shape_hw", [(64, 48), (48, 64), (32, 32), (33, 47), (401, 401), (600, 40)])
def test_view_is_a_new_crop_of_the_same_shape(name: str, shape_hw: tuple[int, int]) -> None:
    image = draw_scene(*shape_hw)
    kept = image.copy()
    image.flags.writeable = False
    for number in range(6):
        crop = VIEWS[name].draw(input_of(image, number))
        assert (crop.dtype, crop.shape, crop.flags.writeable) == (np.uint8, image.shape, True)
        assert not np.shares_memory(crop, image)
    assert np.array_equal(image, kept)
    turned = np.ascontiguousarray(image.swapaxes(0, 1)).swapaxes(0, 1)  # not contiguous
    for number in range(6):
        drawn = [VIEWS[name].draw(input_of(some, number)) for some in (image, turned)]
        assert np.array_equal(*drawn)


@each_new_view
def test_view_differs_from_crop_to_crop_and_shows_the_crop_still(name: str) -> None:
    image = draw_scene(64, 48)
    crops = [VIEWS[name].draw(input_of(image, number)) for number in range(40)]
    assert len({crop.tobytes() for crop in crops}) > 30
    alike = [np.corrcoef(crop.ravel(), image.ravel())[0, 1] for crop in crops]
    assert np.median(alike) > 0.4


@each_new_view
@pytest.mark.parametrize("value", [0, 128, 255])
def test_view_takes_a_flat_crop(name: str, value: int) -> None:
    image = np.full((48, 40, 3), value, np.uint8)
    for number in range(20):
        assert VIEWS[name].draw(input_of(image, number)).shape == image.shape


@each_new_view
def test_fourier_alone_shows_what_a_suite_tests(name: str) -> None:
    seen = VIEWS[name].seen
    assert seen == (("single_frequency_greyscale", "cocentric_sine_waves") if name == "fourier" else ())
    assert set(seen) <= set(TABLE)


@pytest.mark.parametrize("module", ["augmix", "fourier", "fractals", "lowpass", "patch_noise", "pixmix"])
def test_examples_of_views_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"robustpose.train.views.{module}"))
    assert found.attempted
    assert not found.failed


@each_new_view
def test_view_has_random_numbers_of_its_own_and_leaves_global_ones(name: str) -> None:
    asked: list[str] = []
    legacy, of_torch = np.random.get_state()[1].copy(), torch.get_rng_state()
    draw_views(input_of(draw_scene(48, 40), asked=asked), [name])
    assert asked == [name]
    assert np.array_equal(np.random.get_state()[1], legacy)
    assert torch.equal(torch.get_rng_state(), of_torch)


def test_earlier_views_draw_what_they_drew_before_there_were_others() -> None:
    image = draw_scene(64, 48)
    drawn = draw_views(input_of(image, 3), list(VIEWS))
    crops = drawn["crops"].numpy()
    assert np.array_equal(crops[0], image)
    assert np.array_equal(crops[1], apply_autoaugment(image, make_rng(5, "views", 0, 3)))
    assert np.array_equal(crops[2], corrupt_at_random(image, make_rng(5, "corrupted", 0, 3)))
    rng = make_rng(5, "views", 0, 3)
    rng.random(N_DRAWN)
    assert np.array_equal(drawn["grid"].numpy(), draw_grid((64, 48), rng))


def test_view_is_the_same_whatever_is_drawn_beside_it() -> None:
    image = draw_scene(64, 48)
    together = draw_views(input_of(image), ["clean", *reversed(NEW)])["crops"]
    for name, crop in zip(reversed(NEW), together[1:], strict=True):
        assert torch.equal(draw_views(input_of(image), [name])["crops"][0], crop)


def test_views_are_the_same_from_any_number_of_processes() -> None:
    spec = InputSpec("tiny", (32, 64), COCO.joints, sigma=1.0)
    crops = PersonCrops(CropSource(Dots(), spec, 0, views=("clean", *NEW)), AugmentSettings())
    order = [(0, person) for person in range(len(crops))]
    here = torch.stack([crops[draw]["crops"] for draw in order])
    loader = DataLoader(crops, batch_sampler=[order[i : i + 2] for i in range(0, len(order), 2)], num_workers=2)
    assert torch.equal(torch.cat([batch["crops"] for batch in loader]), here)


@pytest.mark.parametrize(
    "views",
    [*([name] for name in NEW), ["fourier", "pixmix"], ["autoaugment", "gridmask", "lowpass"], NEW[1:], NEW],
    ids="+".join,
)
def test_advmix_learns_from_any_number_of_them(
    views: list[str],
    tmp_path: Path,
    first_weights: Path,  # noqa: F811
) -> None:
    seen: list[Progress] = []
    settings = settings_of("advmix", first_weights, batch_size=6, mixing={"views": ["clean", *views], "unseen": "none"})
    train(settings, tmp_path, seen.append)
    assert seen[-1].step == 2
    losses = seen[-1].losses
    assert sum(losses[f"view{i}"] for i in range(len(views) + 1)) == pytest.approx(1, abs=1e-5)
    assert all(np.isfinite(loss) for loss in losses.values())
    assert read_image(tmp_path / "sheets/epoch-001.png").shape[1] == (2 * len(views) + 3) * 34


@pytest.mark.parametrize("strategy", ["supervised", "equalmix"])
def test_strategies_without_a_generator_take_them(
    strategy: str,
    tmp_path: Path,
    first_weights: Path,  # noqa: F811
) -> None:
    views = ["pixmix"] if strategy == "supervised" else ["clean", *NEW]
    train(settings_of(strategy, first_weights, mixing={"views": views, "unseen": "none"}), tmp_path)


@pytest.mark.filterwarnings("ignore:.* images of val_data are learned from")
@pytest.mark.parametrize("family", ["tags", "fields"])
def test_whole_images_have_them_too(family: str, tmp_path: Path) -> None:
    seen: list[Progress] = []
    side = 64 if family == "tags" else 65
    settings = settings_for_crowds(
        model=f"small_{family}",
        input_wh=[side, side],
        strategy="advmix",
        mixing={"views": ["clean", *NEW], "unseen": "none", "alpha": 0, "generator_width": 4},
    )
    train(settings, tmp_path, seen.append)
    assert "view5" in seen[-1].losses


def test_stopped_run_with_new_views_ends_with_the_same_bits(
    tmp_path: Path,
    first_weights: Path,  # noqa: F811
) -> None:
    settings = settings_of("advmix", first_weights, epochs=2, mixing={"views": ["clean", *NEW], "unseen": "none"})
    train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", stop_at(5))
    train(settings, tmp_path / "run")
    products = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert products[0] == products[1]
