from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.estimators import build as build_estimator
from robustpose.estimators.tags import TagEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import read_weights
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.types import Frame, Image, Truth
from robustpose.train.geometry import placement_to_matrix
from robustpose.train.heatmaps import PersonCrops
from robustpose.train.loop import Progress, train
from robustpose.train.samples import CropSource, make_samples
from robustpose.train.settings import make_settings
from robustpose.train.settings_groups import ImageAugmentSettings
from robustpose.train.tags import MAX_PEOPLE, draw_people_targets, draw_tag_targets, place_joints
from robustpose.train.whole_images import WholeImages, find_kept, place_crop
from tests.scenes import draw_scene
from tests.training import (
    ADVMIX_LOSSES,
    UPDATES,
    assert_stopped_hardening_goes_on,
    same,
    settings_for_crowds,
    train_and_note,
)

pytestmark = pytest.mark.usefixtures("one_thread")

INPUT_SPEC = InputSpec("tiny", (64, 64), COCO.joints, sigma=1.0, family="tags")
STILL = ImageAugmentSettings(rotation=0, scale=(1, 1), translation=0, mirror_probability=0)
THREE = ("clean", "autoaugment", "gridmask")


class Two(Dataset):
    """Two people in each of three images of 96 x 80 px; one of the six has no joints, and one is a crowd."""

    skeleton = COCO
    metric = "coco_ap"

    def __len__(self) -> int:
        return 3

    def frame(self, index: int) -> Frame:
        return Frame(index, lambda: draw_scene(80, 96, index))

    def truth(self, index: int) -> Truth:
        rng = np.random.default_rng(index)
        xy = rng.uniform(12, 68, (2, 17, 2)) + np.array([8, 0])  # inside the square in the middle
        visible = np.full((2, 17), 2)
        visible[0, 3] = 0
        visible[1] = 2 if index else 0
        boxes = np.array([[8.0, 0, 60, 80], [60, 40, 80, 60]])
        return Truth(index, xy, visible, np.full(2, 900.0), boxes, np.array([False, index == 1]))


def open_images(
    augment: ImageAugmentSettings | None = None, seed: int = 0, dataset: Two | None = None, **options: Any
) -> WholeImages:
    source = CropSource(dataset or Two(), INPUT_SPEC, seed, **options)
    return WholeImages(source, augment or ImageAugmentSettings(), draw_tag_targets)


def sample(seed: int = 0, epoch: int = 0, index: int = 0, augment: ImageAugmentSettings | None = None) -> Any:
    return open_images(augment, seed)[epoch, index]


# Samples


def test_sample_holds_views_and_targets_of_both_resolutions() -> None:
    shapes = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in sample().items()}
    assert shapes == {
        "crops": ((1, 64, 64, 3), torch.uint8),
        "coarse": ((17, 16, 16), torch.float32),
        "fine": ((17, 32, 32), torch.float32),
        "coarse_kept": ((16, 16), torch.float32),
        "fine_kept": ((32, 32), torch.float32),
        "joints": ((MAX_PEOPLE, 17), torch.int64),
    }


def test_sample_depends_on_seed_epoch_and_index_alone() -> None:
    used = open_images(cache_mb=1)
    for epoch in (1, 0):
        for index in (2, 0, 1):
            used[epoch, index]
    for draw in ((1, 2), (0, 2), (0, 1)):
        assert same(used[draw], sample(0, *draw))
    others = [sample(), sample(seed=1), sample(epoch=1), sample(index=1)]
    for name in ("crops", "coarse", "joints"):
        for i, one in enumerate(others):
            assert not any(torch.equal(one[name], other[name]) for other in others[:i])


def test_images_that_are_alike_are_varied_differently() -> None:
    class Alike(Two):
        def frame(self, index: int) -> Frame:
            return super().frame(0)

        def truth(self, index: int) -> Truth:
            return super().truth(0)

    images = open_images(dataset=Alike(), views=THREE)
    for name in ("crops", "grid", "coarse"):
        assert not torch.equal(images[0, 0][name], images[0, 1][name])


def test_views_do_not_change_the_targets() -> None:
    plain = sample()
    for views in (THREE, ("clean", "sequential"), ("corrupted",)):
        other = open_images(views=views)[0, 0]
        for name in ("coarse", "fine", "coarse_kept", "fine_kept", "joints"):
            assert torch.equal(other[name], plain[name])


def test_prepared_batch_has_normalised_views_and_the_targets() -> None:
    images = open_images(views=THREE)
    batch = torch.utils.data.default_collate([images[0, index] for index in range(3)])
    prepared = images.prepare(batch)
    assert prepared["views"].shape == (3, 3, 3, 64, 64)
    assert set(prepared) == {"views", "coarse", "fine", "coarse_kept", "fine_kept", "joints"}
    clean = batch["crops"][:, 0].float() / 255
    expected = (clean - torch.tensor(INPUT_SPEC.mean)) / torch.tensor(INPUT_SPEC.std)
    torch.testing.assert_close(prepared["views"][:, 0], expected.permute(0, 3, 1, 2))
    assert torch.equal(prepared["fine"], batch["fine"])


@pytest.mark.parametrize("mirrored", [False, True])
def test_targets_peak_where_the_joints_are(mirrored: bool) -> None:
    augment = STILL.model_copy(update={"mirror_probability": float(mirrored)})
    found = sample(index=2, augment=augment)
    truth = Two().truth(2)
    crop_xy, visible = (truth.xy - [8, 0]) * 64 / 80, truth.visible
    if mirrored:
        order = list(COCO.flip_order)
        crop_xy = np.stack([64 - crop_xy[..., 0], crop_xy[..., 1]], axis=-1)[:, order]
        visible = visible[:, order]
    for name, stride in (("coarse", 4), ("fine", 2)):
        cells = np.floor(crop_xy / stride).astype(int)
        for joint in range(17):
            target = found[name][joint].numpy()
            expected = {(y, x) for (x, y), flag in zip(cells[:, joint], visible[:, joint], strict=True) if flag}
            assert {tuple(place) for place in np.argwhere(target == 1)} == expected
    cells = np.floor(crop_xy / 4).astype(int)
    expected_joints = np.where(visible > 0, cells[..., 1] * 16 + cells[..., 0], -1)
    np.testing.assert_array_equal(found["joints"][:2], expected_joints)
    assert (found["joints"][2:] == -1).all()
    assert (visible == 0).sum() == 1
    assert (visible[0] == 0).argmax() == (COCO.flip_order[3] if mirrored else 3)


def test_mirrored_crop_is_the_mirror_image() -> None:
    plain = sample(augment=STILL)["crops"][0].numpy().astype(int)
    mirrored = sample(augment=STILL.model_copy(update={"mirror_probability": 1.0}))["crops"][0].numpy().astype(int)
    # Crop pixel x is at 64 - x: the first column has no counterpart.
    assert np.abs(mirrored[:, 1:] - plain[:, :0:-1]).mean() < 1


def test_crowds_and_people_without_joints_are_no_targets_and_not_kept() -> None:
    for index in (0, 1):
        found = sample(index=index, augment=STILL)
        assert (found["joints"][0] >= 0).sum() == 16
        assert (found["joints"][1:] == -1).all()
        # Its box: 60..80 x 40..60 px; a fine pixel is 2.5 px of the image, less 8 to the left.
        kept = found["fine_kept"]
        assert not kept[17:24, 21:28].any()
        assert kept[:15].all()
        assert kept[:, :20].all()
    assert sample(index=2, augment=STILL)["fine_kept"].all()


def test_images_without_people_are_left_out() -> None:
    class Few(Two):
        def truth(self, index: int) -> Truth:
            full = super().truth(index)
            return full if index != 1 else Truth(1, *(getattr(full, name)[:0] for name in NAMES))

    class Unmarked(Two):
        def truth(self, index: int) -> Truth:
            full = super().truth(index)
            return Truth(index, full.xy, full.visible * 0, full.area, full.boxes, full.crowd)

    NAMES = ("xy", "visible", "area", "boxes", "crowd")
    images = open_images(STILL, dataset=Few())
    assert len(images) == 2
    assert torch.equal(images[0, 1]["joints"], sample(index=2, augment=STILL)["joints"])
    assert len(open_images(dataset=Unmarked())) == 0


def test_family_decides_the_samples_and_too_few_are_one_clear_line() -> None:
    data = {"name": f"{__name__}:Two"}
    settings = make_settings(
        {"model": "small_tags", "input_wh": [64, 64], "train_data": data, "val_data": data, "batch_size": 3}
    )
    samples = make_samples(Two(), INPUT_SPEC, settings)
    assert isinstance(samples, WholeImages)
    assert len(samples) == 3
    crops = InputSpec("tiny", (64, 64), COCO.joints)
    assert isinstance(make_samples(Two(), crops, settings), PersonCrops)
    fewer = settings.model_copy(update={"batch_size": 4, "last_batch": "drop"})
    message = "train_data holds 3 images with people to learn from, fewer than batch_size 4"
    with pytest.raises(UserError, match=message) as caught:
        make_samples(Two(), INPUT_SPEC, fewer)
    assert "\n" not in str(caught.value)


# Where the crop is


def test_crops_are_of_all_sizes_places_and_angles_that_settings_allow_and_no_others() -> None:
    augment = ImageAugmentSettings(rotation=20, scale=(0.5, 2), translation=0.1, mirror_probability=0.25)
    image = np.zeros((90, 160, 3), np.uint8)
    rng = np.random.default_rng(0)
    placements = [place_crop(image, augment, rng) for _ in range(1000)]
    sides = np.array([placement.width for placement in placements]) / 90  # of the shorter side
    angles = np.array([placement.rotation for placement in placements])
    shifts = np.stack([(p.center - [80, 45]) / p.width for p in placements])
    for values, least, largest in ((sides, 0.5, 2), (angles, -20, 20), *((along, -0.1, 0.1) for along in shifts.T)):
        span = largest - least
        assert least <= values.min() < least + 0.02 * span
        assert largest - 0.02 * span < values.max() <= largest
        assert values.mean() == pytest.approx((least + largest) / 2, abs=0.03 * span)
    assert np.mean([placement.mirrored for placement in placements]) == pytest.approx(0.25, abs=0.04)
    together = np.corrcoef(np.stack([sides, angles, *shifts.T]))
    assert np.abs(together - np.eye(4)).max() < 0.1


def test_without_variation_the_crop_is_the_square_in_the_middle() -> None:
    placement = place_crop(np.zeros((80, 96, 3), np.uint8), STILL, np.random.default_rng(0))
    assert (placement.center.tolist(), placement.width) == ([48, 40], 80)
    assert (placement.rotation, placement.mirrored) == (0, False)


def test_one_setting_does_not_change_what_another_one_draws() -> None:
    image = np.zeros((80, 96, 3), np.uint8)
    all_of_it = ImageAugmentSettings()
    plain = place_crop(image, all_of_it, np.random.default_rng(5))
    without = place_crop(image, all_of_it.model_copy(update={"rotation": 0.0}), np.random.default_rng(5))
    assert (without.rotation, plain.rotation != 0) == (0, True)
    assert (without.width, without.mirrored, *without.center) == (plain.width, plain.mirrored, *plain.center)


# Targets


def draw_crowd(n_people: int, seed: int, n_joints: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return joints in and around a crop of 64 x 48 px, and their visibility."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-12, 76, (n_people, n_joints, 2)), rng.integers(0, 3, (n_people, n_joints))


@pytest.mark.parametrize("sigma", [0.5, 1, 1.5, 2])
@pytest.mark.parametrize("stride", [2, 4])
def test_targets_are_those_computed_pixel_by_pixel(sigma: float, stride: int) -> None:
    crop_xy, visible = draw_crowd(12, seed=1)
    crop_xy[:4, 0] = [(0, 0), (63.9, 0.1), (0.1, 47.9), (63.9, 47.9)]  # the corners
    visible[:4, 0] = 2
    width, height = 64 // stride, 48 // stride
    expected = np.zeros((3, height, width))
    for person, joint in np.ndindex(12, 3):
        x, y = (int(np.floor(side / stride)) for side in crop_xy[person, joint])
        if not visible[person, joint] or not (0 <= x < width and 0 <= y < height):
            continue
        for row, column in np.ndindex(height, width):
            if max(abs(row - y), abs(column - x)) <= 3 * sigma + 1:
                value = np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * sigma**2))
                expected[joint, row, column] = max(expected[joint, row, column], value)
    targets = draw_people_targets(crop_xy, visible, (width, height), stride, sigma)
    assert targets.dtype == np.float32
    np.testing.assert_allclose(targets, expected, atol=1e-6)
    assert (targets[0, [0, 0, -1, -1], [0, -1, 0, -1]] == 1).all()


def test_two_people_near_each_other_take_the_larger_value() -> None:
    crop_xy = np.array([[[20.0, 24.0]], [[32.0, 24.0]]])
    both = np.full((2, 1), 2)
    together = draw_people_targets(crop_xy, both, (16, 12), 4, 2)
    alone = [draw_people_targets(crop_xy[[i]], both[[i]], (16, 12), 4, 2) for i in (0, 1)]
    np.testing.assert_array_equal(together, np.maximum(*alone))
    assert together.max() == 1
    assert (np.minimum(*alone) > 0.3).any()  # they do meet


def test_nobody_gives_empty_targets() -> None:
    targets = draw_people_targets(np.zeros((0, 17, 2)), np.zeros((0, 17), int), (16, 12), 4, 2)
    assert targets.shape == (17, 12, 16)
    assert not targets.any()


def test_joints_outside_the_crop_and_those_not_annotated_have_no_place() -> None:
    crop_xy = np.array([[(0, 0), (63.9, 47.9), (-0.1, 5), (5, 48), (64, 5), (20, 30)]], float)
    joints = place_joints(crop_xy, np.array([[1, 2, 2, 2, 2, 0]]), (16, 12))
    assert joints.shape == (MAX_PEOPLE, 6)
    assert joints.dtype == np.int64
    assert joints[0].tolist() == [0, 11 * 16 + 15, -1, -1, -1, -1]
    assert (joints[1:] == -1).all()


def test_places_are_those_where_the_targets_peak() -> None:
    crop_xy, visible = draw_crowd(5, seed=2)
    joints = place_joints(crop_xy, visible, (16, 12))
    targets = draw_people_targets(crop_xy, visible, (16, 12), 4, 1)
    for joint in range(3):
        places = set(joints[:, joint][joints[:, joint] >= 0].tolist())
        assert places == set(np.flatnonzero(targets[joint] == 1).tolist())
        assert places


def test_more_than_thirty_people_are_cut_off_for_tags_and_kept_in_heatmaps() -> None:
    crop_xy = np.random.default_rng(0).uniform(0, 48, (40, 2, 2))
    visible = np.full((40, 2), 2)
    joints = place_joints(crop_xy, visible, (16, 12))
    assert joints.shape == (30, 2) == (MAX_PEOPLE, 2)
    np.testing.assert_array_equal(joints, place_joints(crop_xy[:30], visible[:30], (16, 12)))
    outside = np.concatenate([crop_xy[:5] - 100, crop_xy])  # nobody of them is to be told from others
    np.testing.assert_array_equal(joints, place_joints(outside, np.full((45, 2), 2), (16, 12)))
    few, all_of_them = (draw_people_targets(crop_xy[:n], visible[:n], (16, 12), 4, 1) for n in (30, 40))
    assert (all_of_them > few).any()


# Where something is learned


def test_nothing_is_learned_outside_the_image() -> None:
    matrix = np.array([[1.0, 0, 16], [0, 1, 8]])  # an image of 32 x 24 px in the middle of 64 x 40
    kept = find_kept(np.zeros((24, 32), bool), matrix, (16, 10), 4)
    expected = np.zeros((10, 16))
    expected[2:8, 4:12] = 1
    np.testing.assert_array_equal(kept, expected)
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(find_kept(np.ones((24, 32), bool), matrix, (16, 10), 4), 0 * expected)


def test_nothing_is_learned_where_people_are_not_annotated() -> None:
    ignored = np.zeros((48, 64), bool)
    ignored[8:24, 16:40] = True
    for stride in (2, 4):
        kept = find_kept(ignored, np.eye(2, 3), (64 // stride, 48 // stride), stride)
        np.testing.assert_array_equal(kept == 0, ignored[::stride, ::stride])


def test_what_is_kept_moves_with_the_crop() -> None:
    """At every pixel whose centre is clearly in or out: as the affine says where that is in the image."""
    ignored = np.zeros((80, 96), bool)
    ignored[20:50, 30:70] = True
    rng = np.random.default_rng(0)
    for _ in range(10):
        placement = place_crop(np.zeros((80, 96, 3), np.uint8), ImageAugmentSettings(), rng)
        matrix = placement_to_matrix(placement, (64, 64))
        kept = find_kept(ignored, matrix, (32, 32), 2)
        rows, columns = np.mgrid[:32, :32]
        crop_xy = 2.0 * np.stack([columns, rows], axis=-1)
        xy = (crop_xy - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T

        def inside(x1: float, y1: float, x2: float, y2: float, margin: float, xy: np.ndarray = xy) -> np.ndarray:
            low, high = np.array([x1, y1]) + margin, np.array([x2, y2]) - margin
            return ((xy > low) & (xy < high)).all(-1)

        image, region = (0, 0, 95, 79), (30, 20, 69, 49)
        must = inside(*image, margin=1) & ~inside(*region, margin=-1)
        must_not = ~inside(*image, margin=-1) | inside(*region, margin=1)
        assert must.any()
        assert must_not.any()
        assert (kept[must] == 1).all()
        assert (kept[must_not] == 0).all()


# Training with them


settings_for = partial(settings_for_crowds, model="small_tags", input_wh=[64, 64], sigma=1.0)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    """The folder of a supervised run, and what it reported."""
    return train_and_note(settings_for(), tmp_path_factory.mktemp("runs") / "first")


def test_crowds_to_learn_from_are_those_of_the_settings() -> None:
    spec = DataSpec(name="toy-crowds", n_images=3, seed=2)
    for split, opened in (("train", spec.for_training().open()), ("val", spec.open())):
        expected = ToyPeople(3, seed=2, split=split, crowded=True)
        assert len(opened) == 3
        np.testing.assert_array_equal(opened.truth(2).xy, expected.truth(2).xy)
        assert opened.frame(2).image_id == expected.frame(2).image_id


def test_run_leaves_weights_whose_card_says_what_they_look_at(first: tuple[Path, list[Progress]]) -> None:
    out, seen = first
    for name in ("model.safetensors", "best.safetensors"):
        _, input_spec = read_weights(out / name)
        assert input_spec is not None
        assert (input_spec.family, input_spec.input_wh, input_spec.joints, input_spec.sigma) == (
            "tags",
            (64, 64),
            COCO.joints,
            1.0,
        )
        assert isinstance(build_estimator(f"small_tags:{out / name}", COCO, {}), TagEstimator)
    assert (out / "model.pth").is_file()
    assert (out / "sheets/epoch-001.png").is_file()
    assert len(seen) == 3
    for progress in seen:
        losses = progress.losses
        assert set(losses) == {"loss", "heatmap", "pull", "push"}
        assert losses["loss"] == pytest.approx(losses["heatmap"] + losses["pull"] + losses["push"], rel=1e-5)
    assert seen[-1].figures is not None
    assert "AP" in seen[-1].figures
    (line,) = (json.loads(text) for text in (out / "log.jsonl").read_text().splitlines())
    assert line["losses"]["push"] > 0


def test_outputs_that_do_not_fit_the_family_are_one_clear_line(tmp_path: Path) -> None:
    for changes, message in (
        ({"model": "small", "family": "tags"}, r"network small must give heatmaps with tags, and finer heatmaps, "),
        ({"family": "heatmaps"}, r"network small_tags must give heatmaps \(1, 17, 16, 16\) of crops"),
        (
            {"batch_size": 9, "last_batch": "drop"},
            "train_data holds 8 images with people to learn from, fewer than batch_size 9",
        ),
    ):
        with pytest.raises(UserError, match=message) as caught:
            train(settings_for(**changes), tmp_path / str(changes))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("update", UPDATES)
def test_stopped_hardening_goes_on_with_the_same_bits(
    update: str, tmp_path: Path, first: tuple[Path, list[Progress]]
) -> None:
    start, losses = first[0] / "model.safetensors", {"heatmap", "pull", "push"} | ADVMIX_LOSSES
    product = assert_stopped_hardening_goes_on(settings_for, start, tmp_path, update, losses)
    _, input_spec = read_weights(product)
    assert input_spec is not None
    assert input_spec.family == "tags"


def test_kept_images_are_read_once() -> None:
    reads = []

    class Counting(Two):
        def frame(self, index: int) -> Frame:
            frame = super().frame(index)

            def read() -> Image:
                reads.append(index)
                return frame.read()

            return replace(frame, read=read)

    images = open_images(dataset=Counting(), cache_mb=1)
    for epoch in range(3):
        for index in range(len(images)):
            images[epoch, index]
    assert len(reads) == len(images)


def test_mirrored_images_of_joints_whose_sides_nobody_knows_are_an_error() -> None:
    images = Two()
    images.skeleton = Skeleton("numbered", tuple(f"kp{i}" for i in range(17)), (), COCO.sigmas)
    source = CropSource(images, INPUT_SPEC, 0)
    with pytest.raises(UserError, match=r"^image_augment\.mirror_probability mirrors images, .* do not say"):
        WholeImages(source, ImageAugmentSettings(), draw_tag_targets)
    WholeImages(source, ImageAugmentSettings(mirror_probability=0), draw_tag_targets)
