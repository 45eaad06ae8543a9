"""Coordinates: positions of any convention land where they are in the image, mirrored or not; or they are refused."""

import cv2
import numpy as np
import pytest
from PIL import Image

from robustpose import Frame, UserError, estimators
from robustpose.decoding.coordinates import decode_coordinates, unmirror_coordinates
from robustpose.estimators.coordinates import CoordinateEstimator, CoordinateOptions
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import COCO, Skeleton
from tests.people import assert_same_poses

RAW = {"mean": (0.0,) * 3, "std": (1 / 255,) * 3}
LEFT_RIGHT = Skeleton("two", ("left_eye", "right_eye"), (), (0.1, 0.1))
SPOTS = np.array([[83.0, 61], [120, 72]])  # of a red and a green square, in px
BOX = np.array([[60.0, 40, 150, 100]])


def draw_spots():
    image = np.zeros((160, 200, 3), np.uint8)
    for channel, (x, y) in enumerate(SPOTS.astype(int)):
        image[y - 4 : y + 5, x - 4 : x + 5, channel] = 255
    return cv2.GaussianBlur(image, (13, 13), 2)  # so that their middle does not depend on where samples fall


def find_spots(points):
    """Return a network that finds the middle of the red and of the green light, in the convention of `points`."""

    def network(crops):
        n_crops, _, height, width = crops.shape
        light = crops[:, :2].astype(np.float64)
        # Red, left in the image, is the left eye; mirrored, it is on the right, and then it is the right eye.
        total = light.sum((2, 3)) + 1e-9
        x = (light.sum(2) * (np.arange(width) + 0.5)).sum(2) / total
        y = (light.sum(3) * (np.arange(height) + 0.5)).sum(2) / total
        swap = x[:, 0] > x[:, 1]
        x[swap], y[swap] = x[swap, ::-1], y[swap, ::-1]
        if points.endswith("01"):
            x, y = x / width, y / height
        sure = np.tile([0.25, 0.75], (n_crops, 1))
        return np.stack([y, x, sure] if points.startswith("yx") else [x, y, sure], -1).astype(np.float32)

    return network


def estimate(network, input_wh=(64, 64), box=BOX, frames=1, **options):
    spec = InputSpec("spots", input_wh, **RAW)
    options = CoordinateOptions(**{"points": "xy-01", **options})
    estimator = CoordinateEstimator(network, spec, LEFT_RIGHT, options)
    return estimator.predict([Frame(i, draw_spots, box) for i in range(frames)])


@pytest.mark.parametrize("points", ["xy-01", "yx-01", "xy-px", "yx-px"])
@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("input_wh", [(64, 64), (48, 64)])
def test_spots_are_found_where_they_are(points, flip_test, input_wh):
    poses = estimate(find_spots(points), input_wh, points=points, flip_test=flip_test)[0]
    # A pixel's middle is half a pixel behind its edge.
    np.testing.assert_allclose(poses.xy[0], SPOTS + 0.5, atol=0.1)
    np.testing.assert_allclose(poses.confidence[0], [0.5, 0.5] if flip_test else [0.25, 0.75])
    np.testing.assert_allclose(poses.score, 0.5)


def test_mirrored_crops_say_the_same_where_the_network_does():
    plain, tested = (estimate(find_spots("xy-01"), flip_test=test)[0] for test in (False, True))
    np.testing.assert_allclose(tested.xy, plain.xy, atol=1e-4)


def test_mirroring_twice_changes_nothing():
    fractions = np.random.default_rng(0).random((3, 17, 2))
    once = unmirror_coordinates(fractions, COCO.flip_order)
    np.testing.assert_allclose(unmirror_coordinates(once, COCO.flip_order), fractions)
    assert not np.allclose(once, fractions)


def test_units_and_order_of_points():
    points = np.array([[[10.0, 20, 0.5]]])
    assert decode_coordinates(points, False, (100, 200)).tolist() == [[[0.1, 0.1]]]
    assert decode_coordinates(points, True, (100, 100)).tolist() == [[[0.2, 0.1]]]


def test_margin_changes_the_crop_and_not_the_place():
    for margin in (1.0, 2.0):
        np.testing.assert_allclose(estimate(find_spots("xy-01"), margin=margin)[0].xy[0], SPOTS + 0.5, atol=0.2)


def test_what_is_outside_of_the_grown_box_is_not_seen_with_a_mask():
    narrow = np.array([[72.0, 30, 105, 110]])
    both, one = (estimate(find_spots("xy-01"), box=narrow, margin=1, mask=mask)[0] for mask in (None, 0))
    np.testing.assert_allclose(both.xy[0], SPOTS + 0.5, atol=0.1)  # both are in the square
    assert (np.abs(one.xy[0] - SPOTS[0] - 0.5).max(1) < 0.1).any()
    assert (np.abs(one.xy[0] - SPOTS[1] - 0.5).max(1) > 20).all()


def test_every_box_keeps_its_pose_and_box_scores_count():
    frame = Frame(1, draw_spots, np.repeat(BOX, 3, axis=0), np.array([1.0, 0.5, 0.1]))
    estimator = CoordinateEstimator(
        find_spots("xy-01"), InputSpec("spots", (64, 64), **RAW), LEFT_RIGHT, CoordinateOptions(points="xy-01")
    )
    np.testing.assert_allclose(estimator.predict([frame])[0].score, [0.5, 0.25, 0.05])


def test_poses_do_not_depend_on_the_batch():
    boxes = BOX + np.arange(5)[:, None]
    wanted = estimate(find_spots("xy-01"), box=boxes, frames=3)
    for batch_size in (1, 2, 64):
        assert_same_poses(estimate(find_spots("xy-01"), box=boxes, frames=3, batch_size=batch_size), wanted)


@pytest.mark.parametrize(
    ("network", "points", "message"),
    [
        (find_spots("xy-px"), "xy-01", r"which are no fractions of a crop: are they px\? points=xy-px"),
        (find_spots("xy-01"), "xy-px", r"which are no px of a crop: are they in 0\.\.1\? points=xy-01"),
        (lambda x: find_spots("xy-01")(x) * [1, 1, 9], "xy-01", "gives confidences from .* expected 0 to 1"),
        (lambda x: find_spots("xy-01")(x) * [1, 1, -1], "xy-01", "gives confidences from .* expected 0 to 1"),
        (lambda x: find_spots("xy-01")(x)[:, :1], "xy-01", r"must give coordinates \(batch, 2, 2 or 3\)"),
        (lambda x: find_spots("xy-01")(x)[..., 0], "xy-01", r"must give coordinates \(batch, 2, 2 or 3\)"),
        (lambda x: find_spots("xy-01")(x)[:1].repeat(3, 0), "xy-01", "a row of coordinates for each of 1 crops, got 3"),
        (lambda x: [find_spots("xy-01")(x)[..., :2], np.ones((2, 2))], "xy-01", r"\(1, 2\) .* got \(2, 2\)"),
        (find_spots("xy-01"), None, "does not say which: points=xy-01 if"),
    ],
)
def test_points_that_cannot_be_right_are_one_line(network, points, message):
    with pytest.raises(UserError, match=message) as error:
        estimate(network, points=points)
    assert "\n" not in str(error.value)


def test_crop_in_which_nothing_is_seen_is_not_taken_for_other_units():
    frames = [Frame(0, draw_spots, BOX), Frame(1, lambda: np.zeros_like(draw_spots()), BOX)]
    corner = CoordinateEstimator(
        find_spots("xy-px"), InputSpec("spots", (64, 64), **RAW), LEFT_RIGHT, CoordinateOptions(points="xy-px")
    )
    assert_same_poses(corner.predict(frames), [corner.predict([frame])[0] for frame in frames])


def test_annotated_boxes_end_where_their_file_says():
    ends = BOX + np.array([0, 0, 1, 1])
    estimator = CoordinateEstimator(
        find_spots("xy-01"), InputSpec("spots", (64, 64), **RAW), LEFT_RIGHT, CoordinateOptions(points="xy-01")
    )
    annotated = estimator.predict([Frame(0, draw_spots, BOX, boxes_end="pixel")])
    assert_same_poses(annotated, estimator.predict([Frame(0, draw_spots, ends)]))


def test_confidences_may_stand_apart_or_be_missing():
    both = find_spots("xy-01")
    apart = estimate(lambda x: [both(x)[..., :2], both(x)[..., 2:]])[0]
    assert_same_poses([apart], estimate(both))
    bare = estimate(lambda x: both(x)[..., :2])[0]
    np.testing.assert_array_equal(bare.confidence, 1)
    np.testing.assert_array_equal(bare.xy, apart.xy)


@pytest.mark.parametrize(("name", "mask"), [("movenet_thunder", 127), ("movenet_lightning", 0)])
def test_movenet_gives_the_reference_joints(shared, name, mask):
    reference = np.load(shared / "weights/reference_outputs.npz")
    image = np.asarray(Image.open(shared / "data/coco-mini/images/val2017/000000000785.jpg").convert("RGB"))
    x, y, width, height = reference[f"{name}|785|box_xywh"]
    estimator = estimators.build(f"onnx:{shared / 'weights' / name}.onnx", COCO, {"mask": mask})
    poses = estimator.predict([Frame(785, lambda: image, np.array([[x, y, x + width, y + height]]))])[0]
    np.testing.assert_allclose(poses.xy[0], reference[f"{name}|785|decoded_xy"], rtol=1e-4)
    np.testing.assert_allclose(poses.confidence[0], reference[f"{name}|785|decoded_score"], rtol=1e-4)
