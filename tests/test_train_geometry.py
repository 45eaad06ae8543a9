from __future__ import annotations

import numpy as np
import pytest

from robustpose.pose.crop import SCALE_UNIT, crop_matrix, crop_person
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.train.geometry import (
    Placement,
    find_lower_body,
    place_half_body,
    placement_to_matrix,
    vary_placement,
    warp_image,
    warp_points,
)
from robustpose.train.settings_groups import AugmentSettings

INPUT_WH = (96, 128)
STILL = AugmentSettings(rotation=0, scale=0, mirror_probability=0, half_body_probability=0)
PLAIN = Placement(np.array([50.0, 70.0]), 60.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_variation_the_crop_is_that_of_evaluation() -> None:
    scale = np.array([60.0, 80.0]) / SCALE_UNIT
    matrix = placement_to_matrix(vary_placement(PLAIN, STILL, rng()), INPUT_WH)
    np.testing.assert_allclose(matrix, crop_matrix(PLAIN.center, scale, INPUT_WH), atol=1e-12)
    image = rng().integers(0, 256, (150, 120, 3), np.uint8)
    assert np.array_equal(warp_image(image, matrix, INPUT_WH), crop_person(image, PLAIN.center, scale, INPUT_WH))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0.0, 30.0, -100.0])
def test_joints_land_where_their_pixels_land(mirrored: bool, rotation: float) -> None:
    image = np.zeros((150, 120, 3), np.uint8)
    xy = np.array([[42.0, 61.0], [60.0, 75.0]])
    for (x, y), colour in zip(xy.astype(int), ([255, 0, 0], [0, 255, 0]), strict=True):
        image[y - 1 : y + 2, x - 1 : x + 2] = colour
    matrix = placement_to_matrix(Placement(PLAIN.center, 60.0, rotation, mirrored), INPUT_WH)
    crop = warp_image(image, matrix, INPUT_WH).astype(float)
    rows, columns = np.mgrid[: INPUT_WH[1], : INPUT_WH[0]]
    for channel, expected in enumerate(warp_points(xy, matrix)):
        mass = crop[:, :, channel]
        centre = [(columns * mass).sum() / mass.sum(), (rows * mass).sum() / mass.sum()]
        np.testing.assert_allclose(centre, expected, atol=0.1)


def test_mirrored_crop_is_the_crop_seen_in_a_mirror() -> None:
    placement = Placement(PLAIN.center, 60.0, 20.0)
    points = np.array([[30.0, 40.0], [70.0, 90.0]])
    straight = warp_points(points, placement_to_matrix(placement, INPUT_WH))
    mirror = Placement(PLAIN.center, 60.0, -20.0, mirrored=True)
    mirrored = warp_points(points, placement_to_matrix(mirror, INPUT_WH))
    np.testing.assert_allclose(mirrored[:, 0], INPUT_WH[0] - straight[:, 0])
    np.testing.assert_allclose(mirrored[:, 1], straight[:, 1])


def test_rotation_turns_the_crop_counter_clockwise() -> None:
    right = warp_points(
        PLAIN.center[None] + [[10.0, 0.0]], placement_to_matrix(Placement(PLAIN.center, 96.0, 90.0), INPUT_WH)
    )
    np.testing.assert_allclose(right, [[48.0, 64.0 - 10.0]], atol=1e-9)


def test_variation_keeps_to_its_limits_and_frequencies() -> None:
    augment, generator = AugmentSettings(), rng(3)
    varied = [vary_placement(PLAIN, augment, generator) for _ in range(2000)]
    factors = np.array([placement.width for placement in varied]) / PLAIN.width
    rotations = np.array([placement.rotation for placement in varied])
    assert (factors.min(), factors.max()) == pytest.approx((0.65, 1.35))
    assert np.abs(rotations).max() == 90.0
    assert (rotations != 0).mean() == pytest.approx(0.6, abs=0.04)
    assert np.mean([placement.mirrored for placement in varied]) == pytest.approx(0.5, abs=0.04)


def test_one_setting_does_not_change_what_another_draws() -> None:
    straight = vary_placement(PLAIN, AugmentSettings(rotation=0), rng(5))
    turned = vary_placement(PLAIN, AugmentSettings(rotation=45, rotation_probability=1), rng(5))
    assert (straight.width, straight.mirrored) == (turned.width, turned.mirrored)
    assert turned.rotation != 0


def test_lower_body_is_hips_and_below() -> None:
    lower = find_lower_body(COCO)
    assert [joint for joint, is_lower in zip(COCO.joints, lower, strict=True) if is_lower] == list(COCO.joints[11:])


def test_half_body_is_around_one_half_of_the_joints() -> None:
    xy = np.concatenate([np.full((11, 2), 20.0), np.full((6, 2), 80.0)]) + rng().uniform(-5, 5, (17, 2))
    generator, always = rng(1), AugmentSettings(half_body_probability=1)
    placed = [place_half_body(xy, np.full(17, 2), find_lower_body(COCO), 0.75, always, generator) for _ in range(300)]
    centers = np.array([placement.center for placement in placed if placement])
    assert len(centers) == 300
    upper = np.isclose(centers, xy[:11].mean(0)).all(1)
    assert (upper | np.isclose(centers, xy[11:].mean(0)).all(1)).all()
    assert upper.mean() == pytest.approx(0.69, abs=0.08)
    assert all(placement.width <= 15 for placement in placed if placement)  # 10 px, padded by half


def test_half_body_leaves_people_with_few_joints_whole() -> None:
    visible = np.array([2] * 8 + [0] * 9)
    always = AugmentSettings(half_body_probability=1)
    assert place_half_body(np.zeros((17, 2)), visible, find_lower_body(COCO), 0.75, always, rng()) is None


def test_half_body_takes_the_other_half_where_one_has_too_few_joints() -> None:
    visible = np.array([2] * 11 + [0] * 6)
    always, generator = AugmentSettings(half_body_probability=1), rng()
    xy = rng(2).uniform(0, 50, (17, 2))
    for _ in range(20):
        placement = place_half_body(xy, visible, find_lower_body(COCO), 0.75, always, generator)
        assert placement is not None
        np.testing.assert_allclose(placement.center, xy[:11].mean(0))


def test_body_without_a_lower_half_is_never_cut_in_half() -> None:
    face = Skeleton("face", tuple(f"chip_{i}" for i in range(12)), (), (0.1,) * 12)
    always, xy = AugmentSettings(half_body_probability=1), rng().uniform(0, 100, (12, 2))
    assert not find_lower_body(face).any()  # a chip is no hip
    assert all(
        place_half_body(xy, np.full(12, 2), find_lower_body(face), 0.75, always, rng(seed)) is None for seed in range(9)
    )


@pytest.mark.parametrize(
    "name", ["LHip", "rkne", "lank", "RBigToe", "MidHip", "LeftUpLeg", "left_thigh", "Pelvis", "L_Foot"]
)
def test_lower_body_is_known_in_any_spelling(name: str) -> None:
    assert find_lower_body(Skeleton("one", (name,), (), (0.1,))).all()
