import numpy as np
import pytest

from robustpose import Frame, UserError
from robustpose.decoding.heatmaps import score_people
from robustpose.errors import NotFinite
from robustpose.estimators.options import CropOptions
from robustpose.estimators.simcc import SimccEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.crop import boxes_to_center_scale
from robustpose.pose.skeletons import COCO
from tests.dots import draw_dot, find_dots, frames_of_dots

INPUT_WH = (96, 128)
SPEC = InputSpec("dot", INPUT_WH, COCO.joints, mean=(0, 0, 0), std=(1, 1, 1))
FRAME = Frame(1, lambda: draw_dot((70.0, 50.0)), np.array([[20.0, 10, 90, 110]]), np.array([0.5]))


def make_network(split_ratio):
    """Return a network whose bins have Gaussians where the dots of crops are."""

    def run(x):
        at = find_dots(x) * split_ratio
        sides = [round(side * split_ratio) for side in x.shape[:1:-1]]
        rows = [np.exp(-((np.arange(n) - at[:, axis, None]) ** 2) / 72) for axis, n in enumerate(sides)]
        return [np.repeat(row[:, None], 17, 1).astype(np.float32) for row in rows]

    return run


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("split_ratio", [1, 1.5, 2, 3])
def test_joints_are_found_to_half_a_bin(split_ratio, flip_test):
    estimator = SimccEstimator(make_network(split_ratio), SPEC, COCO, CropOptions(flip_test=flip_test), split_ratio)
    frames, truth = frames_of_dots(16)
    found = np.array([poses.xy[0, 0] for poses in estimator.predict(frames)])
    widths = np.array([200 * boxes_to_center_scale(frame.boxes, INPUT_WH)[1][0, 0] for frame in frames])
    errors = (found - truth) * INPUT_WH[0] / widths[:, None]  # px of the input
    assert np.abs(errors).max() < 0.5 / split_ratio + 0.01


def test_a_persons_score_is_that_of_heatmaps():
    (poses,) = SimccEstimator(make_network(2), SPEC, COCO).predict([FRAME])
    np.testing.assert_allclose(poses.score, score_people(poses.confidence, FRAME.box_scores))
    assert poses.score[0] == pytest.approx(0.5, abs=0.01)


def test_poses_do_not_depend_on_the_batch_size():
    frames, _ = frames_of_dots(5)
    one, many = (SimccEstimator(make_network(2), SPEC, COCO, CropOptions(batch_size=n)) for n in (1, 16))
    for a, b in zip(one.predict(frames), many.predict(frames), strict=True):
        np.testing.assert_array_equal(a.xy, b.xy)
        np.testing.assert_array_equal(a.confidence, b.confidence)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: [y, x], r"got \(2, 17, 256\) and \(2, 17, 192\): are x and y exchanged\?"),
        (lambda x, y: [x[:, :5], y[:, :5]], r"\(2, 5, 256\): is this a model of another skeleton\?"),
        (lambda x, y: x, r"split ratio 2, got \(2, 17, 192\)$"),
        (lambda x, y: [x, y, x], r"got \(2, 17, 192\) and \(2, 17, 256\) and \(2, 17, 192\)$"),
        (lambda x, y: [x[:1], y], r"got \(1, 17, 192\) and \(2, 17, 256\)$"),
        (lambda x, y: [x[..., ::2], y[..., ::2]], r"split ratio 2, got \(2, 17, 96\) and \(2, 17, 128\)$"),
        (lambda x, y: [x.tolist(), y], r"got list and \(2, 17, 256\)$"),
        (lambda x, y: None, "got NoneType$"),
        (lambda x, y: [], "got nothing$"),
    ],
)
def test_outputs_of_another_form_are_refused_in_one_line(change, message):
    network = make_network(2)
    with pytest.raises(UserError, match=message) as refused:
        SimccEstimator(lambda x: change(*network(x)), SPEC, COCO).predict([FRAME])
    assert "must give bins of x (2, 17, 192) and of y (2, 17, 256)" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(axis, value):
    def run(x):
        bins = make_network(2)(x)
        bins[axis][-1, 3, 5] = value
        return bins

    with pytest.raises(NotFinite, match="model 'dot' gives values that are not finite"):
        SimccEstimator(run, SPEC, COCO).predict([FRAME])


@pytest.mark.parametrize("split_ratio", [0, -1, 0.5, 101, float("nan")])
def test_a_split_ratio_that_cannot_be_is_refused(split_ratio):
    with pytest.raises(UserError, match="split_ratio must be 1 to 100 bins per px, got"):
        SimccEstimator(make_network(2), SPEC, COCO, split_ratio=split_ratio)
