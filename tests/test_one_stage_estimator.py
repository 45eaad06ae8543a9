"""One-stage estimators: what a network says of people in its letterbox is what is found in the image."""

import numpy as np
import pytest

from robustpose.decoding.one_stage import KINDS
from robustpose.errors import NotFinite, UserError
from robustpose.estimators.one_stage import OneStageEstimator, OneStageOptions
from robustpose.estimators.options import read_options
from robustpose.models.input_spec import InputSpec
from robustpose.pose.letterbox import Letterbox
from robustpose.pose.skeletons import COCO
from tests.crowds import assert_poses_do_not_depend_on_what_came_before, frame_of
from tests.people import coco_ap, stand_apart, truth_of
from tests.test_one_stage_decoding import write_rows

INPUT_WH = (96, 64)
UNIT = ((0, 0, 0), (1, 1, 1))


def spec_of(kind, input_wh=INPUT_WH, joints=COCO.joints):
    return InputSpec("rows", input_wh, joints, KINDS[kind].channels, (0, 0, 0), KINDS[kind].std)


def estimator_of(kind, network, skeleton=COCO, **options):
    return OneStageEstimator(network, spec_of(kind, joints=()), skeleton, OneStageOptions(**options), kind)


def says(kind, xy, scores, image_wh, confidence=1.0):
    """Return a network that finds people (N, K, 2) px in images of a size, whatever it is shown."""
    record = KINDS[kind]
    box = Letterbox(INPUT_WH, record.letterbox, 0, record.rounding)
    size_wh, corner_xy = box.find_place(image_wh)
    input_xy = xy * np.array(size_wh) / np.array(image_wh) + corner_xy
    input_xy = input_xy / np.array(INPUT_WH) if record.units == "01" else input_xy
    boxes = np.concatenate([input_xy.min(1), input_xy.max(1)], axis=1)
    joints = np.concatenate([input_xy, np.full((*xy.shape[:2], 1), confidence)], axis=2)
    outputs = write_rows(kind, boxes, np.array(scores, float), joints)
    return lambda x: outputs


def blank(image_wh):
    return np.zeros((image_wh[1], image_wh[0], 3), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_truth_as_rows_has_ap_one(kind):
    rng, pairs = np.random.default_rng(5), []
    for image_id, n in enumerate((1, 3, 0, 2, 5, 4)):
        xy = stand_apart(rng, n) + 30
        image_wh = (1500 * max(n, 1), 1000 * max(n, 1) + 400) if image_id % 2 else (1000 * max(n, 1) + 400,) * 2
        scores = rng.permutation(20)[:n] / 25 + 0.1
        found = estimator_of(kind, says(kind, xy, scores, image_wh)).predict([frame_of(blank(image_wh), image_id)])
        pairs.append((found[0], truth_of(xy, image_id=image_id)))
        assert np.sort(found[0].score) == pytest.approx(np.sort(scores), rel=1e-6)
    assert coco_ap(pairs) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("image_wh", [(640, 480), (1, 2000), (2000, 1), (1, 1), (33, 47)])
def test_joints_come_back_in_images_of_any_size(kind, image_wh):
    xy = np.random.default_rng(0).uniform(0, 1, (2, 17, 2)) * image_wh
    found = estimator_of(kind, says(kind, xy, [0.1, 0.2], image_wh), iou=1).predict([frame_of(blank(image_wh))])
    np.testing.assert_allclose(found[0].xy, xy[::-1], atol=2e-5 * max(image_wh))


@pytest.mark.parametrize("kind", KINDS)
def test_only_yolo_moves_joints_onto_the_image(kind):
    image_wh = (96, 64)
    xy = np.linspace(-10, 120, 34).reshape(1, 17, 2)
    (poses,) = estimator_of(kind, says(kind, xy, [0.9], image_wh)).predict([frame_of(blank(image_wh))])
    expected = np.clip(xy, 0, image_wh) if kind.startswith("yolo") else xy
    np.testing.assert_allclose(poses.xy, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_network_sees_pixels_as_it_was_trained_on_them(kind):
    seen = []
    none = (
        says(kind, np.zeros((0, 17, 2)), [], (10, 10))
        if kind == "rtmo"
        else says(kind, np.zeros((1, 17, 2)), [0], (1, 1))
    )
    image = np.full((64, 48, 3), (10, 20, 30), np.uint8)
    poses = estimator_of(kind, lambda x: (seen.append(x.copy()), none(x))[1]).predict([frame_of(image)])
    assert [len(found.score) for found in poses] == [0]
    (x,) = seen
    assert x.shape == (1, 3, 64, 96)
    assert x.dtype == np.float32
    record = KINDS[kind]
    factor = 1 if record.is_raw else 255
    left = 24 if record.letterbox == "center" else 0
    colours = (30, 20, 10) if record.channels == "bgr" else (10, 20, 30)
    np.testing.assert_allclose(x[0, :, 5, left] * factor, colours, rtol=1e-5)
    np.testing.assert_allclose(x[0, :, 5, left + 47] * factor, colours, rtol=1e-5)
    np.testing.assert_allclose(x[0, :, :, left + 48 :] * factor, record.fill, rtol=1e-5)


def test_people_that_overlap_a_better_one_go_unless_the_file_did_so():
    xy = np.random.default_rng(0).uniform(0, 60, (1, 17, 2)).repeat(3, 0) + np.array([0, 0.5, 30])[:, None, None]
    for kind, n in (("yolo", 2), ("yolo-obj", 2), ("yolo-nms", 3), ("rtmo", 3), ("movenet", 3)):
        network = says(kind, xy, [0.5, 0.6, 0.4], (96, 64))
        (poses,) = estimator_of(kind, network).predict([frame_of(blank((96, 64)))])
        assert len(poses.score) == n
        (poses,) = estimator_of(kind, network, iou=0.5, threshold=0.45).predict([frame_of(blank((96, 64)))])
        assert poses.score.tolist() == pytest.approx([0.6])
        (poses,) = estimator_of(kind, network, iou=1, max_people=2).predict([frame_of(blank((96, 64)))])
        assert poses.score.tolist() == pytest.approx([0.6, 0.5])


def test_poses_do_not_depend_on_what_came_before():
    def network(x):  # people where the pixels say so
        rows = np.resize(x.mean(1)[0], (200, 56)) * 50
        rows[:, 4] = np.linspace(0, 0.2, 200)
        return rows.T[None]

    assert_poses_do_not_depend_on_what_came_before(lambda: estimator_of("yolo", network))


def test_names_of_joints_in_another_order_are_put_in_order():
    names = tuple(reversed(COCO.joints))
    xy = np.random.default_rng(0).uniform(0, 60, (1, 17, 2))
    network = says("yolo", xy[:, ::-1], [0.9], (96, 64))
    (poses,) = OneStageEstimator(network, spec_of("yolo", joints=names), COCO, rows="yolo").predict(
        [frame_of(blank((96, 64)))]
    )
    np.testing.assert_allclose(poses.xy, xy, atol=1e-4)


def test_results_say_what_determines_poses():
    estimator = estimator_of("yolo", says("yolo", np.zeros((1, 17, 2)), [0], (1, 1)), iou="0.6", letterbox="corner")
    assert estimator.provenance == {
        "kind": "one-stage", "name": "rows", "rows": "yolo", "units": "px", "letterbox": "corner", "fill": 114,
        "threshold": 0.001, "iou": 0.6, "max_people": 300,
    }  # fmt: skip
    assert not estimator.needs_boxes
    assert estimator.settings == {
        name: value for name, value in estimator.provenance.items() if name not in ("kind", "name")
    }


# What is refused


def gives(*outputs):
    return lambda x: [np.asarray(output, np.float32) for output in outputs]


FRAME = [frame_of(blank((40, 30)))]


@pytest.mark.parametrize(
    ("kind", "outputs", "options", "said"),
    [
        (
            "yolo",
            [np.zeros((1, 10, 47))],
            {},
            "(1, 10, 47): these are rows of people with 14 joints, but the annotations have 17",
        ),
        ("yolo", [np.zeros((1, 57, 10))], {}, "say --model-set rows=yolo classes=2 (x y v of each joint)"),
        (
            "yolo",
            [np.zeros((1, 57, 10))],
            {"classes": 1},
            "classes=1 does not fit these rows of people: say --model-set rows=yolo classes=2",
        ),
        ("yolo", [np.zeros((1, 56, 56))], {}, "classes=1 columns=first (x y v of each joint), or rows=yolo"),
        (
            "rtmo",
            [np.zeros((1, 9, 5)), np.zeros((1, 9, 14, 3))],
            {},
            "people with 14 joints, but the annotations have 17",
        ),
        ("movenet", [np.zeros((1, 6, 58))], {}, "gives (1, 6, 58): rows=movenet must be (1, 6, 3·K + 5), of K = 17"),
        ("yolo", [np.zeros((1, 56, 10))], {"category": 1}, "category=1 is none of the 1 classes, counted from 0"),
    ],
)
def test_outputs_that_do_not_fit_are_one_line(kind, outputs, options, said):
    with pytest.raises(UserError) as error:
        estimator_of(kind, gives(*outputs), **options).predict(FRAME)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_values_that_are_not_finite_are_named():
    rows = np.zeros((1, 56, 10))
    rows[0, 20, 3] = np.nan
    with pytest.raises(NotFinite, match="model 'rows' gives values that are not finite"):
        estimator_of("yolo", gives(rows)).predict(FRAME)


def test_positions_in_other_units_are_refused_and_can_be_said():
    xy = np.random.default_rng(0).uniform(0.1, 0.9, (2, 17, 2))
    joints = np.concatenate([xy, np.ones((2, 17, 1))], axis=2)
    boxes = np.concatenate([xy.min(1), xy.max(1)], axis=1)
    outputs = write_rows("yolo", boxes, np.array([0.9, 0.1]), joints)
    with pytest.raises(
        UserError, match=r"no positions in units=px of an input of 96x64 px: say with --model-set units=01"
    ):
        estimator_of("yolo", gives(*outputs)).predict(FRAME)
    (poses,) = estimator_of("yolo", gives(*outputs), units="01", letterbox="stretch", iou=1).predict(FRAME)
    np.testing.assert_allclose(poses.xy, xy * [40, 30], rtol=1e-5)
    outputs = write_rows("movenet", boxes * 90, np.array([0.9, 0.1]), joints * 90)
    with pytest.raises(UserError, match="say with --model-set units=px that they are px"):
        estimator_of("movenet", gives(*outputs)).predict(FRAME)


def test_options_that_cannot_be_are_one_line():
    network = gives(np.zeros((1, 56, 10)))
    with pytest.raises(UserError, match="one-stage networks have no mirror test: leave out flip_test=true"):
        estimator_of("yolo", network, flip_test=True)
    with pytest.raises(UserError, match="category=2 is none of 2 classes, counted from 0"):
        estimator_of("yolo", network, classes=2, category=2)
    with pytest.raises(
        UserError, match="rows of model 'rows' must be one of yolo, yolo-obj, yolo-nms, rtmo, movenet, got None"
    ):
        OneStageEstimator(network, spec_of("yolo"), COCO)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("iou", "1.5", "option 'iou' must be one number in 0..1, got '1.5'"),
        ("iou", "nan", "option 'iou' must be made of finite numbers"),
        ("threshold", "0.1,0.2", "option 'threshold' must be one number in 0..1"),
        ("fill", "256", "option 'fill' must be at most 255"),
        ("fill", "-1", "option 'fill' must be at least 0"),
        ("category", "-1", "option 'category' must be at least 0"),
        ("category", "1.5", "option 'category' must be a whole number"),
        ("rows", "yolov8", "yolo, yolo-obj, yolo-nms, rtmo or movenet, got yolov8 (did you mean yolo?)"),
        ("max_people", "0", "option 'max_people' must be at least 1"),
        ("columns", "middle", "option 'columns' must be first or last"),
    ],
)
def test_bad_value_of_an_option_is_one_line(name, value, said):
    with pytest.raises(UserError) as error:
        read_options("rows", OneStageOptions, {name: value})
    assert said.replace("'", "") in str(error.value).replace("'", "")
