"""Toy people: the pictures depend on seed and index alone, and the truth is true of what was painted."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from robustpose.data.spec import DataSpec
from robustpose.data.toy import SCENES_KEPT, ToyPeople
from robustpose.data.toy.body import Camera, pose_body
from robustpose.data.toy.dress import dress_body
from robustpose.data.toy.paint import SUPERSAMPLING, Shape, paint_colours, paint_labels, to_outline
from robustpose.data.toy.scene import CROWD, SIZES_WH, rng_for
from robustpose.data.toy.solids import Part
from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO

NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR, LEFT_SHOULDER, RIGHT_SHOULDER = range(7)
N_IMAGES = 60


@pytest.fixture(scope="module")
def toy():
    return ToyPeople(N_IMAGES)


@pytest.fixture(scope="module")
def truths(toy):
    return [toy.truth(index) for index in range(N_IMAGES)]


def digest(image):
    return hashlib.blake2b(image.tobytes()).hexdigest()


def test_same_seed_and_index_give_same_pixels_in_any_order():
    forwards, backwards = ToyPeople(6, seed=3), ToyPeople(9, seed=3)
    first = [digest(forwards.frame(index).image) for index in range(6)]
    second = [digest(backwards.frame(index).image) for index in reversed(range(6))]
    assert first == second[::-1]


def test_same_seed_and_index_give_same_truth_whether_painted_or_not():
    painted, unpainted = ToyPeople(4), ToyPeople(4)
    for index in range(4):
        _ = painted.frame(index).image
        np.testing.assert_array_equal(painted.truth(index).xy, unpainted.truth(index).xy)
        np.testing.assert_array_equal(painted.truth(index).visible, unpainted.truth(index).visible)


def test_global_random_state_changes_nothing_and_is_not_changed():
    np.random.seed(1)
    before = digest(ToyPeople(1).frame(0).image)
    drawn = np.random.random()
    np.random.seed(1)
    assert np.random.random() == drawn
    assert digest(ToyPeople(1).frame(0).image) == before


def test_a_picture_is_the_same_after_it_left_the_cache():
    toy = ToyPeople(SCENES_KEPT + 2)
    before = digest(toy.frame(0).image)
    for index in range(1, len(toy)):
        toy.truth(index)
    assert digest(toy.frame(0).image) == before


@pytest.mark.parametrize("other", [{"split": "train"}, {"seed": 1}])
def test_another_split_or_seed_shares_no_picture(other):
    pictures = [digest(ToyPeople(8, **kind).frame(index).image) for kind in ({}, other) for index in range(8)]
    assert len(set(pictures)) == 16


def test_pictures_are_uint8_rgb_of_the_four_sizes(toy):
    images = [toy.frame(index).image for index in range(30)]
    assert {image.dtype for image in images} == {np.dtype(np.uint8)}
    assert {image.shape for image in images} == {(height, width, 3) for width, height in SIZES_WH}


def test_frame_and_truth_speak_of_the_same_image(toy):
    frame, truth = toy.frame(7), toy.truth(7)
    assert frame.image_id == truth.image_id == 8
    np.testing.assert_array_equal(frame.boxes, truth.boxes)


def test_each_picture_has_one_to_four_people_and_some_have_several(truths):
    counts = {len(truth.xy) for truth in truths}
    assert counts <= {1, 2, 3, 4}
    assert {1, 2, 3} <= counts


def test_nobody_is_a_crowd(truths):
    assert not np.concatenate([truth.crowd for truth in truths]).any()


def test_annotated_joints_lie_inside_the_image_and_others_are_zero(toy, truths):
    for index, truth in enumerate(truths[:30]):
        height, width = toy.frame(index).image.shape[:2]
        annotated = truth.xy[truth.visible > 0]
        assert (annotated >= 0).all()
        assert (annotated <= (width - 1, height - 1)).all()
        assert not truth.xy[truth.visible == 0].any()


def test_everyone_has_at_least_three_visible_joints(truths):
    assert min((truth.visible == 2).sum(axis=1).min() for truth in truths) >= 3


def test_visible_joints_lie_in_the_box(truths):
    for truth in truths:
        for xy, visible, box in zip(truth.xy, truth.visible, truth.boxes, strict=True):
            seen = xy[visible == 2]
            assert (seen >= box[:2] - 1).all()
            assert (seen <= box[2:] + 1).all()


def test_boxes_lie_inside_the_image(toy, truths):
    for index, truth in enumerate(truths[:30]):
        height, width = toy.frame(index).image.shape[:2]
        assert (truth.boxes >= 0).all()
        assert (truth.boxes <= (width - 1, height - 1) * 2).all()


def test_area_is_positive_and_fits_into_the_box(truths):
    for truth in truths:
        size = truth.boxes[:, 2:] - truth.boxes[:, :2] + 1
        assert (truth.area > 0).all()
        assert (truth.area <= size.prod(axis=1)).all()


def test_some_joints_are_hidden_some_are_cut_off_and_most_are_visible(truths):
    visible = np.concatenate([truth.visible for truth in truths])
    body = visible[:, LEFT_SHOULDER:]  # the face may also be turned away
    assert 0.08 < (body == 1).mean() < 0.4
    assert 0.01 < (body == 0).mean() < 0.3
    assert (body == 2).mean() > 0.5


def test_people_are_seen_from_the_front_and_from_the_back(truths):
    nose = np.concatenate([truth.visible[:, NOSE] for truth in truths])
    assert 0.15 < (nose == 0).mean() < 0.6


def test_left_eye_is_right_of_the_right_eye_for_upright_people_who_show_both(truths):
    right_of = []
    for truth in truths:
        both = (truth.visible[:, [LEFT_EYE, RIGHT_EYE]] == 2).all(axis=1)
        right_of += list(truth.xy[both, LEFT_EYE, 0] > truth.xy[both, RIGHT_EYE, 0])
    assert len(right_of) > 15
    assert np.mean(right_of) > 0.95


@pytest.mark.parametrize("heading", ["front", "back"])
def test_left_shoulder_is_on_image_right_from_the_front_and_on_image_left_from_the_back(truths, heading):
    offsets = []
    for truth in truths:
        ears_and_shoulders = truth.visible[:, [LEFT_EAR, RIGHT_EAR, LEFT_SHOULDER, RIGHT_SHOULDER]] > 0
        shows_nose = truth.visible[:, NOSE] > 0
        chosen = ears_and_shoulders.all(axis=1) & (shows_nose if heading == "front" else ~shows_nose)
        offsets += list(truth.xy[chosen, LEFT_SHOULDER, 0] - truth.xy[chosen, RIGHT_SHOULDER, 0])
    sign = 1 if heading == "front" else -1
    assert len(offsets) >= 3
    assert np.mean(np.sign(offsets)) * sign > 0.7


def test_limbs_keep_their_length_in_three_dimensions():
    for seed in range(20):
        points = pose_body(np.random.default_rng(seed)).points
        for side in ("left", "right"):
            thigh = np.linalg.norm(points[f"{side}_knee"] - points[f"{side}_hip"])
            assert 0.2 < thigh < 0.26


def test_a_foot_that_is_painted_is_where_the_ankle_is():
    rng = rng_for("feet")
    body = pose_body(rng)
    figure = dress_body(body, Camera(150.0, np.array([160.0, 120.0]), 5.0), np.array([0.0, -0.5]), rng)
    foot = next(shape for shape in figure.shapes if shape.label == Part.LEFT_FOOT)
    ankle = to_outline(figure.xy[COCO.joints.index("left_ankle")])
    assert np.abs(foot.outlines[0] - ankle).max() < to_outline(np.array(25.0))


def test_colours_and_labels_cover_the_same_pixels():
    outline = to_outline(np.array([(3.2, 4.1), (20.7, 6.3), (9.9, 25.0)]))
    shape = Shape([outline], (255, 255, 255), label=5)
    canvas, labels = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    paint_colours([shape], canvas)
    paint_labels([shape], labels)
    np.testing.assert_array_equal(canvas[:, :, 0] > 0, labels == 5)


def test_a_painted_square_is_centred_on_its_coordinates():
    canvas = np.zeros((40, 40), np.uint8)
    square = to_outline(np.array([(8.0, 8.0), (12.0, 8.0), (12.0, 12.0), (8.0, 12.0)]))
    paint_labels([Shape([square], (0, 0, 0), label=1)], canvas)
    rows, columns = np.nonzero(canvas)
    centre = np.array([columns.mean(), rows.mean()]) / SUPERSAMPLING - 0.25
    np.testing.assert_allclose(centre, (10, 10), atol=0.26)


def test_a_pattern_stays_inside_its_outline():
    inside = to_outline(np.array([(4.0, 4.0), (10.0, 4.0), (10.0, 10.0), (4.0, 10.0)]))
    wide = to_outline(np.array([(-50.0, 6.0), (50.0, 6.0), (50.0, 8.0), (-50.0, 8.0)]))
    canvas = np.zeros((40, 40, 3), np.uint8)
    paint_colours([Shape([wide], (255, 0, 0), None, inside)], canvas)
    _, columns = np.nonzero(canvas[:, :, 0])
    assert len(columns) > 0
    assert columns.min() >= 8
    assert columns.max() <= 21


def test_provenance_names_what_determines_the_pixels():
    provenance = ToyPeople(5, seed=2, split="train").provenance
    assert provenance == {"name": "toy", "seed": 2, "split": "train", "n_images": 5, "generator_version": 1}


@pytest.fixture(scope="module")
def crowds():
    return ToyPeople(N_IMAGES, crowded=True)


def test_each_crowd_has_two_to_five_people_but_for_those_whom_others_hide(crowds):
    assert CROWD == (2, 5)
    counts = np.array([len(crowds.truth(index).xy) for index in range(N_IMAGES)])
    assert {2, 3, 4, 5} <= set(counts) <= {1, 2, 3, 4, 5}
    assert (counts == 1).mean() < 0.1


def test_crowds_are_as_well_annotated_as_other_pictures(crowds):
    for index in range(0, N_IMAGES, 4):
        frame, truth = crowds.frame(index), crowds.truth(index)
        height, width = frame.image.shape[:2]
        assert (truth.visible == 2).sum(axis=1).min() >= 3
        assert (truth.xy[truth.visible > 0] <= (width - 1, height - 1)).all()
        assert not truth.crowd.any()
        np.testing.assert_array_equal(frame.boxes, truth.boxes)


def test_people_of_a_crowd_are_in_each_others_way(crowds, truths):
    def meet(truth):
        corners = truth.boxes
        low, high = np.maximum(corners[:, None, :2], corners[:, :2]), np.minimum(corners[:, None, 2:], corners[:, 2:])
        return ((high - low).clip(0).prod(-1) > 0).sum() > len(corners)

    assert np.mean([meet(crowds.truth(index)) for index in range(N_IMAGES)]) > 0.5
    assert np.mean([meet(truth) for truth in truths]) < 0.4


def test_same_seed_and_index_give_the_same_crowd_in_any_order():
    forwards, backwards = ToyPeople(4, seed=3, crowded=True), ToyPeople(9, seed=3, crowded=True)
    first = [digest(forwards.frame(index).image) for index in range(4)]
    second = [digest(backwards.frame(index).image) for index in reversed(range(4))]
    assert first == second[::-1]


def test_crowds_share_no_picture_with_other_splits_seeds_or_with_the_few():
    kinds = ({}, {"crowded": True}, {"crowded": True, "split": "train"}, {"crowded": True, "seed": 1})
    pictures = [digest(ToyPeople(4, **kind).frame(index).image) for kind in kinds for index in range(4)]
    assert len(set(pictures)) == 16


def test_crowds_are_opened_by_their_name_and_say_it(crowds):
    assert crowds.provenance == {**ToyPeople(N_IMAGES).provenance, "name": "toy-crowds"}
    opened = DataSpec(name="toy-crowds", limit=2).open()
    assert opened.provenance["name"] == "toy-crowds"
    np.testing.assert_array_equal(opened.frame(1).image, crowds.frame(1).image)


def test_an_index_outside_the_data_set_is_an_error():
    with pytest.raises(IndexError, match=r"0\.\.4, got 5"):
        ToyPeople(5).frame(5)


def test_an_unknown_split_is_an_error_that_names_the_splits():
    with pytest.raises(UserError, match="train and val, got 'test'"):
        ToyPeople(split="test")


def test_an_empty_data_set_is_an_error():
    with pytest.raises(UserError, match="at least 1, got 0"):
        ToyPeople(0)
