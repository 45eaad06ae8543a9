"""From a box to joints and back, with a network that knows the answer: it sees a dot, and paints a Gaussian there."""

from typing import get_args

import numpy as np
import pytest

from robustpose import Frame, UserError, estimators
from robustpose.decoding.conventions import CONVENTIONS
from robustpose.estimators.heatmaps import HeatmapEstimator, Options, as_estimator
from robustpose.estimators.options import Decode, HeatmapOptions
from robustpose.models.input_spec import InputSpec
from robustpose.pose.crop import boxes_to_center_scale
from robustpose.pose.skeletons import COCO, MPII
from tests.conftest import make_onnx
from tests.dots import draw_dot, find_dots, frames_of_dots
from tests.networks import make_lively

INPUT_WH = (96, 128)


def make_network(convention, sigma=2.0, stride=4):
    """Return a network that paints Gaussians where a convention has the dots of crops."""

    def run(x):
        dots = find_dots(x)
        size = np.array(x.shape[:1:-1])
        map_xy = dots / (size - 1) * (size // stride - 1) if convention.startswith("udp") else dots / stride
        down, across = np.mgrid[: size[1] // stride, : size[0] // stride]
        far = (across - map_xy[:, 0, None, None]) ** 2 + (down - map_xy[:, 1, None, None]) ** 2
        return np.repeat(np.exp(-far / (2 * sigma**2))[:, None], 17, 1).astype(np.float32)

    return run


def find_errors(decode, flip_test, **form):
    """Return errors (N, 2) in px of the input: x and y of people somewhere in images."""
    spec = InputSpec("dot", INPUT_WH, COCO.joints, mean=(0, 0, 0), std=(1, 1, 1), **form)
    network = make_network(decode, form.get("sigma", 2.0), form.get("stride", 4))
    estimator = HeatmapEstimator(network, spec, COCO, Options(decode=decode, flip_test=flip_test))
    frames, truth = frames_of_dots(12)
    found = np.array([poses.xy[0, 0] for poses in estimator.predict(frames)])
    scales = np.array([boxes_to_center_scale(frame.boxes, INPUT_WH)[1][0] for frame in frames])
    return (found - truth) / (200 * scales / (np.array(INPUT_WH) - 1))


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("decode", ["udp", "udp-dark"])
@pytest.mark.parametrize("form", [{}, {"stride": 2, "sigma": 3.0}, {"sigma": 1.5}, {"stride": 8}])
def test_udp_finds_joints_to_a_hundredth_of_an_input_pixel(decode, flip_test, form):
    assert np.abs(find_errors(decode, flip_test, **form)).max() < 0.01


def test_the_published_mirror_test_costs_dark_half_an_input_pixel():
    assert np.abs(find_errors("dark", False)).max() < 0.01
    errors = find_errors("dark", True)
    np.testing.assert_allclose(errors, np.tile([0.5, 0], (12, 1)), atol=0.02)


def test_joints_change_places_in_the_mirror_and_left_is_not_right():
    spec = InputSpec("dot", INPUT_WH, COCO.joints, mean=(0, 0, 0), std=(1, 1, 1))

    def network(x):
        """Tell left from right by the half of the crop that a dot is in: exchanged in the mirror, as it should be."""
        heatmaps = make_network("udp")(x)
        left = find_dots(x)[:, 0] > (INPUT_WH[0] - 1) / 2
        for i, joint in enumerate(COCO.joints):
            if joint.startswith(("left", "right")):
                heatmaps[left != joint.startswith("left"), i] *= 0.125
        return heatmaps

    estimator = HeatmapEstimator(network, spec, COCO, Options(decode="udp"))
    image = draw_dot((70.0, 50.0))
    (poses,) = estimator.predict([Frame(1, lambda: image, np.array([[20.0, 10, 90, 110]]))])
    low = poses.confidence[0] < 0.2
    assert [COCO.joints[i] for i in np.flatnonzero(low)] == [name for name in COCO.joints if name.startswith("right")]


def test_poses_do_not_depend_on_the_batch_size():
    spec = InputSpec("dot", INPUT_WH, COCO.joints)
    frames, _ = frames_of_dots(5)
    for decode in CONVENTIONS:
        one, all_at_once = (
            HeatmapEstimator(make_network("udp"), spec, COCO, Options(decode=decode, batch_size=n)).predict(frames)
            for n in (1, 16)
        )
        for a, b in zip(one, all_at_once, strict=True):
            np.testing.assert_array_equal(a.xy, b.xy)


def test_options_and_conventions_have_the_same_names():
    assert get_args(Decode) == tuple(CONVENTIONS)
    assert HeatmapOptions().decode == "quarter"


@pytest.mark.parametrize("decode", ["dark", "udp", "udp-dark"])
def test_results_name_a_decoding_that_is_not_the_usual_one(tmp_path, decode):
    path = make_onnx(tmp_path / "x.onnx", height=128, width=96)
    usual = estimators.build(f"onnx:{path}", COCO, {}).provenance
    assert "decode" not in usual
    named = estimators.build(f"onnx:{path}", COCO, {"decode": decode}).provenance
    assert named == {**usual, "decode": decode}
    spec = InputSpec("lively", INPUT_WH)
    in_memory = as_estimator(make_lively(), spec, COCO, Options(decode=decode))
    assert in_memory.provenance["decode"] == decode
    assert "decode" not in as_estimator(make_lively(), spec, COCO).provenance


def test_another_skeleton_is_decoded_likewise():
    spec = InputSpec("dot", (128, 128), mean=(0, 0, 0), std=(1, 1, 1))
    estimator = HeatmapEstimator(lambda x: make_network("udp")(x)[:, :16], spec, MPII, Options(decode="udp"))
    frames, truth = frames_of_dots(4)
    for poses, xy in zip(estimator.predict(frames), truth, strict=True):
        np.testing.assert_allclose(poses.xy[0], np.tile(xy, (16, 1)), atol=0.02)


def test_too_small_heatmaps_are_refused_where_the_decoding_needs_neighbours():
    spec = InputSpec("tiny", (8, 16))
    HeatmapEstimator(make_network("dark"), spec, COCO, Options(decode="dark"))
    with pytest.raises(UserError, match=r"decode=udp needs heatmaps of at least 3 px a side, those .* are 2x4: use"):
        HeatmapEstimator(make_network("udp"), spec, COCO, Options(decode="udp"))
