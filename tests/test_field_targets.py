from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from robustpose.decoding.fields import decode_fields
from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import FieldHead
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import COCO, MPII, Skeleton, list_connections
from robustpose.pose.types import Floats, Frame, Truth
from robustpose.train.field_kernels import FREE_ENDS
from robustpose.train.fields import count_cells, draw_field_targets
from robustpose.train.geometry import placement_to_matrix, warp_points
from robustpose.train.samples import make_samples
from robustpose.train.seeding import make_rng
from robustpose.train.settings import make_settings
from robustpose.train.settings_groups import ImageAugmentSettings
from robustpose.train.whole_images import PeopleInCrop, WholeImages, find_kept, place_crop
from tests.scenes import draw_scene

SIDE = 257  # px of the crops; 33 × 33 cells
# A standing person of height 1.
BODY = np.array(
    [
        (0.50, 0.07), (0.52, 0.05), (0.48, 0.05), (0.55, 0.06), (0.45, 0.06), (0.60, 0.20), (0.40, 0.20), (0.65, 0.35),
        (0.35, 0.35), (0.66, 0.49), (0.34, 0.49), (0.56, 0.52), (0.44, 0.52), (0.57, 0.75), (0.43, 0.75), (0.57, 0.97),
        (0.43, 0.97),
    ]
)  # fmt: skip
LINE = Skeleton("line", ("a", "b"), ((0, 1),), (0.1, 0.05))
STILL = ImageAugmentSettings(rotation=0, scale=(1, 1), translation=0, mirror_probability=0)

Targets = dict[str, Any]


def stand(*places: tuple[float, float], height: float = 120.0) -> Floats:
    """Return joints (N, 17, 2) px of people whose upper left corners are at `places`."""
    return np.array([BODY * height + place for place in places])


def draw(
    crop_xy: Any,
    visible: Any = None,
    ignored: Any = None,
    matrix: Any = None,
    input_wh: tuple[int, int] = (SIDE, SIDE),
    skeleton: Skeleton = COCO,
) -> Targets:
    """Return targets of people (N, K, 2) px, by default all of them annotated and the whole crop known."""
    crop_xy = np.array(crop_xy, float).reshape(-1, skeleton.n_joints, 2)
    visible = np.full(crop_xy.shape[:2], 2) if visible is None else np.array(visible)
    ignored = np.zeros(input_wh[::-1], bool) if ignored is None else ignored
    people = PeopleInCrop(crop_xy, visible, ignored, np.eye(2, 3) if matrix is None else matrix)
    return draw_field_targets(people, InputSpec("fields", input_wh, skeleton.joints, family="fields"), skeleton)


def decode(targets: Targets, skeleton: Skeleton = COCO) -> Floats:
    """Return the poses (N, K, 3) that a network would find that gives exactly the targets."""
    unused = np.zeros_like(targets["pif_scale"])
    pif = [np.nan_to_num(targets["pif_confidence"]), targets["pif_vector"], unused, targets["pif_scale"]]
    paf = [np.nan_to_num(targets["paf_confidence"]), *targets["paf_vectors"]]
    return decode_fields(pif, paf, connections=list_connections(skeleton))[0]


def match(poses: Floats, people: Floats) -> Floats:
    """Return the poses in the order of the people they are nearest to."""
    apart = np.linalg.norm(poses[:, None, :, :2] - people[None], axis=3).mean(2)
    assert sorted(apart.argmin(0)) == list(range(len(people)))
    return poses[apart.argmin(0)]


# What a decoder makes of them


@pytest.mark.parametrize("seed", range(6))
def test_decoded_targets_are_the_people(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = stand((5, 5), (130, 10), (60, 110), height=140) + rng.normal(0, 4, (3, 17, 2))
    people = np.clip(people, 1, SIDE - 2)
    poses = decode(draw(people))
    assert len(poses) == 3
    np.testing.assert_allclose(match(poses, people)[:, :, :2], people, atol=1)
    assert (poses[:, :, 2] > 0.5).all()


def test_decoded_targets_are_the_people_where_these_overlap() -> None:
    people = np.concatenate([stand((40, 20), (75, 25), height=200), stand((150, 120), height=90)])
    poses = decode(draw(people))
    assert len(poses) == 3
    np.testing.assert_allclose(match(poses, people)[:, :, :2], people, atol=1)


@pytest.mark.parametrize("height", [40, 60, 90, 200])
def test_decoded_targets_are_the_people_of_any_size(height: float) -> None:
    people = stand((20.3, 30.7), height=height)
    poses = decode(draw(people))
    assert len(poses) == 1
    np.testing.assert_allclose(poses[0, :, :2], people[0], atol=1)


def test_joints_beyond_the_border_are_where_the_connections_lead() -> None:
    people = stand((60, 150), height=140)
    outside = people[0, :, 1] > SIDE - 1
    assert 0 < outside.sum() < 17
    poses = decode(draw(people))
    np.testing.assert_allclose(poses[0, :, :2], people[0], atol=1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_samples_decode_to_the_people_of_the_crop(mirrored: bool) -> None:
    class Standing(Dataset):
        skeleton = COCO
        metric = "coco_ap"

        def __len__(self) -> int:
            return 1

        def frame(self, index: int) -> Frame:
            return Frame(index, lambda: draw_scene(200, 200, index))

        def truth(self, index: int) -> Truth:
            xy = stand((0, 30), (85, 20))
            visible = np.full((2, 17), 2)
            visible[0, 9] = visible[1, 4] = 0  # a wrist; an ear, which connects nothing else
            boxes = np.array([[0.0, 0, 199, 199]] * 2)
            return Truth(index, xy, visible, np.full(2, 900.0), boxes, np.zeros(2, bool))

    dataset = Standing()
    augment = ImageAugmentSettings(rotation=10, scale=(1, 1.2), translation=0.05, mirror_probability=float(mirrored))
    settings = make_settings(
        {
            "model": "small_fields",
            "input_wh": [SIDE, SIDE],
            "train_data": {"name": "toy"},
            "val_data": {"name": "toy"},
            "image_augment": augment.model_dump(),
            "batch_size": 1,
        }
    )
    input_spec = InputSpec("fields", (SIDE, SIDE), COCO.joints, family="fields")
    samples = make_samples(dataset, input_spec, settings)
    assert isinstance(samples, WholeImages)
    for epoch in range(3):
        sample = {name: tensor.numpy() for name, tensor in samples[epoch, 0].items()}
        shapes = {name: (array.shape, array.dtype.name) for name, array in sample.items()}
        assert shapes == {
            "crops": ((1, SIDE, SIDE, 3), "uint8"),
            "pif_confidence": ((17, 33, 33), "float32"),
            "pif_vector": ((17, 2, 33, 33), "float32"),
            "pif_scale": ((17, 33, 33), "float32"),
            "paf_confidence": ((19, 33, 33), "float32"),
            "paf_vectors": ((2, 19, 2, 33, 33), "float32"),
        }
        truth = dataset.truth(0)
        placement = place_crop(dataset.frame(0).image, augment, make_rng(settings.seed, "crop", epoch, 0))
        assert placement.mirrored == mirrored
        crop_xy, shown = warp_points(truth.xy, placement_to_matrix(placement, (SIDE, SIDE))), truth.visible > 0
        if mirrored:
            order = list(COCO.flip_order)
            crop_xy, shown = crop_xy[:, order], shown[:, order]
        poses = match(decode(sample), crop_xy)
        inside = shown & ((crop_xy >= 0) & (crop_xy <= SIDE - 1)).all(2)
        assert inside.sum() > 25
        np.testing.assert_allclose(poses[:, :, :2][inside], crop_xy[inside], atol=1)


def test_other_skeletons_have_their_own_connections() -> None:
    people = [[(40, 40), (80, 60)], [(60, 150), (120, 180)]]
    targets = draw(people, skeleton=LINE)
    assert targets["paf_confidence"].shape == (1, 33, 33)
    np.testing.assert_allclose(match(decode(targets, LINE), np.array(people, float))[:, :, :2], people, atol=1)
    assert list_connections(MPII) == MPII.limbs


def test_connections_of_cocos_joints_are_cocos_whatever_a_file_draws() -> None:
    drawn = Skeleton("person", COCO.joints, ((0, 1), (5, 6)), COCO.sigmas)
    assert list_connections(drawn) == COCO.limbs
    ours, theirs = (draw(stand((20, 20)), skeleton=skeleton) for skeleton in (COCO, drawn))
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


# Which cells


@pytest.mark.parametrize("x", [64.0, 64.1, 68.0, 71.9])
def test_two_columns_on_each_side_of_a_joint_see_it(x: float) -> None:
    targets = draw([[(x, 100.0), (x, 100.0)]], skeleton=LINE)
    rows, columns = np.nonzero(targets["pif_confidence"][0])
    assert sorted(set(columns)) == [7, 8, 9, 10]  # 64 px is cell 8
    assert sorted(set(rows)) == [11, 12, 13, 14]  # 100 px is 12.5
    assert len(rows) == 16


def test_cells_point_to_the_joint_and_the_two_ends() -> None:
    people = np.concatenate([stand((10, 10), (100, 40)), np.full((1, 17, 2), 300.0)])
    targets = draw(people)
    cells = np.stack(np.meshgrid(np.arange(33), np.arange(33)))  # (2, h, w)
    for joint in range(17):
        seen = targets["pif_confidence"][joint] == 1
        assert seen.any()
        xy = 8 * (targets["pif_vector"][joint] + cells)[:, seen].T  # (n, 2)
        assert np.linalg.norm(xy[:, None] - people[None, :, joint], axis=2).min(1).max() < 1e-3
        assert not targets["pif_vector"][joint][:, ~seen].any()
    for number, limb in enumerate(COCO.limbs):
        seen = targets["paf_confidence"][number] == 1
        ends = [8 * (targets["paf_vectors"][end, number] + cells)[:, seen].T for end in (0, 1)]
        apart = sum(
            np.linalg.norm(ends[end][:, None] - people[None, :, limb[end]], axis=2) for end in (0, 1)
        )  # of one person, not of two
        assert seen.any()
        assert np.min(apart, axis=1).max() < 1e-3
        assert not targets["paf_vectors"][:, number][..., ~seen].any()


@pytest.mark.parametrize("seed", range(5))
def test_cell_belongs_to_the_nearest_joint(seed: int) -> None:
    joints = np.random.default_rng(seed).uniform(-10, SIDE + 10, (60, 2, 2))
    targets = draw(joints, skeleton=LINE)
    n_contested = 0
    for kind in (0, 1):
        places = joints[:, kind] / 8
        for row, column in np.ndindex(33, 33):
            offsets = places - (column, row)
            around = ((np.floor(places) - (column, row) >= -2) & (np.floor(places) - (column, row) <= 1)).all(1)
            assert targets["pif_confidence"][kind, row, column] == around.any()
            n_contested += around.sum() > 1
            if around.any():
                nearest = offsets[around][np.hypot(*offsets[around].T).argmin()]
                np.testing.assert_allclose(targets["pif_vector"][kind, :, row, column], nearest, atol=1e-5)
    assert n_contested > 100


def sweep(start: Floats, end: Floats) -> dict[tuple[int, int], float]:
    """Return the cells (column, row) that a 3×3 square meets on its way, with how near the segment they are."""
    way = end - start
    length = np.hypot(*way)
    free = min(0.4, 2.5 / length) if length else 0.4
    steps = start + np.linspace(free, 1 - free, 4001)[:, None] * way
    whole = start + np.linspace(0, 1, 4001)[:, None] * way
    found = {}
    for row, column in np.ndindex(33, 33):
        if (np.abs(steps - (column, row)) <= 1.5).all(1).any():
            found[column, row] = float(np.hypot(*(whole - (column, row)).T).min())
    return found


@pytest.mark.parametrize("seed", range(8))
def test_connection_is_seen_along_its_way_and_belongs_to_the_nearest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = rng.uniform(-20, SIDE + 20, (4, 2, 2))
    people[1, 1] = people[1, 0] + rng.uniform(-20, 20, 2)  # a short one
    people[2, 1, seed % 2] = people[2, 0, seed % 2]  # a straight one
    if seed == 0:
        people[3, 1] = people[3, 0]
    ways = [sweep(*person / 8) for person in people]
    targets = draw(people, skeleton=LINE)
    seen = {(int(column), int(row)) for row, column in np.argwhere(targets["paf_confidence"][0] == 1)}
    expected = set().union(*ways)
    # The square of the reference moves in steps: it may miss a cell that it only grazes.
    assert expected <= seen
    assert len(seen - expected) <= 2
    for column, row in expected:
        distances = [way.get((column, row), 1e9) for way in ways]
        if np.diff(sorted(distances))[0] > 0.01:
            nearest = people[int(np.argmin(distances))] / 8
            vectors = targets["paf_vectors"][:, 0, :, row, column]
            np.testing.assert_allclose(vectors, nearest - (column, row), atol=1e-4)


def test_cells_at_the_ends_of_a_connection_are_background() -> None:
    targets = draw([[(40, 80), (200, 80)]], skeleton=LINE)  # cells 5 to 25 of row 10
    rows, columns = np.nonzero(targets["paf_confidence"][0])
    assert FREE_ENDS == 2.5
    assert (columns.min(), columns.max()) == (6, 24)
    assert sorted(set(rows)) == [9, 10, 11]


def test_joints_that_are_not_annotated_have_no_cells_nor_have_their_connections() -> None:
    visible = np.full((1, 17), 2)
    visible[0, 9] = 0
    visible[0, 5] = 1  # hidden, and annotated
    with_wrist, without = draw(stand((60, 40))), draw(stand((60, 40)), visible)
    for number in range(17):
        assert without["pif_confidence"][number].any() == (number != 9)
    for number, limb in enumerate(COCO.limbs):
        assert without["paf_confidence"][number].any() == (9 not in limb)
        if 9 not in limb:
            np.testing.assert_array_equal(without["paf_vectors"][:, number], with_wrist["paf_vectors"][:, number])


def test_nobody_gives_background() -> None:
    targets = draw(np.zeros((0, 17, 2)))
    assert targets["pif_confidence"].shape == (17, 33, 33)
    for array in targets.values():
        assert array.dtype == np.float32
        assert not array.any()


# How large joints are


def test_scale_is_the_joints_sigma_times_the_size_of_the_box_around_the_joints() -> None:
    people = np.concatenate([stand((10, 20), height=100), stand((110, 10), height=180)])
    targets = draw(people)
    for person in people:
        width, height = np.ptp(person, axis=0)
        for joint, (x, y) in enumerate(person):
            scale = targets["pif_scale"][joint, round(y / 8), round(x / 8)]
            assert 8 * scale == pytest.approx(COCO.sigmas[joint] * np.sqrt(width * height), rel=1e-5)


def test_joints_not_annotated_do_not_make_anybody_larger() -> None:
    people = stand((10, 20))
    people[0, 9] = 0
    visible = np.full((1, 17), 2)
    visible[0, 9] = 0
    width, height = np.ptp(np.delete(people[0], 9, axis=0), axis=0)
    assert 8 * draw(people, visible)["pif_scale"].max() == pytest.approx(0.107 * np.sqrt(width * height), rel=1e-5)


@pytest.mark.parametrize("shown", [[0], [1, 2]])  # two eyes at the same height
def test_scale_of_people_without_a_size_is_not_known(shown: list[int]) -> None:
    visible = np.zeros((2, 17), int)
    visible[0], visible[1, shown] = 2, 2
    people = np.concatenate([stand((10, 20)), stand((150, 100))])
    targets = draw(people, visible)
    for joint in shown:
        right = targets["pif_confidence"][joint].copy()
        right[:, :17] = 0
        assert right.sum() == 16
        assert not targets["pif_scale"][joint][right == 1].any()
    assert (targets["pif_scale"][5] > 0).sum() == 16


# What is known


def test_nothing_is_known_of_people_whom_nobody_annotated_except_who_stands_there() -> None:
    ignored = np.zeros((SIDE, SIDE), bool)
    ignored[40:160, 60:200] = True
    kept = find_kept(ignored, np.eye(2, 3), (33, 33), 8)
    people = stand((60, 40))
    targets, plain = draw(people, ignored=ignored), draw(people)
    for name in ("pif_confidence", "paf_confidence"):
        expected = np.where((kept == 0) & (plain[name] == 0), np.nan, plain[name])
        np.testing.assert_array_equal(targets[name], expected)
        assert (np.isnan(targets[name]).any(0) == (kept == 0)).all()
    for name in ("pif_vector", "pif_scale", "paf_vectors"):
        np.testing.assert_array_equal(targets[name], plain[name])


def test_nothing_is_known_outside_the_image() -> None:
    matrix = np.array([[1.0, 0, 80], [0, 1, 40]])  # an image of 96 × 120 px
    confidence = draw(np.zeros((0, 17, 2)), ignored=np.zeros((120, 96), bool), matrix=matrix)["pif_confidence"][0]
    expected = np.full((33, 33), np.nan)
    expected[5:20, 10:22] = 0
    np.testing.assert_array_equal(confidence, expected)


# How many cells


@pytest.mark.parametrize(("side", "cells"), [(257, 33), (385, 49), (641, 81), (256, 31), (64, 7), (65, 9), (32, 3)])
def test_cells_are_as_many_as_a_network_gives(side: int, cells: int) -> None:
    trunk = nn.Sequential(*(nn.Conv2d(3, 3, 3, 2, 1) for _ in range(4)))
    head = FieldHead(3, 1, n_vectors=1, has_scale=True)
    with torch.inference_mode():
        assert head(trunk(torch.zeros(1, 3, side, 64)))[0].shape == (1, 1, cells, 7)
    assert count_cells((side, 64)) == (cells, 7)
    assert draw(stand((5, 5)), input_wh=(64, side))["paf_vectors"].shape == (2, 19, 2, cells, 7)
