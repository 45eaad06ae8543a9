"""Sigmas of 1/K: whether the truth with a little noise would still score."""

import numpy as np
import pytest

from robustpose.data.sigma_doubts import doubt_unknown_sigmas, score_noise
from robustpose.metrics.coco_ap import CocoAP
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Poses, Truth


def make_people(n_joints, area, n_people=200):
    return [{"area": area, "keypoints": [10.0, 10.0, 2] * n_joints} for _ in range(n_people)]


def make_skeleton(n_joints, sigmas_from="1/K"):
    return Skeleton("x", tuple(f"j{k}" for k in range(n_joints)), (), (1 / n_joints,) * n_joints, sigmas_from)


def test_small_sigmas_are_doubted_with_what_noise_would_score():
    (warning,) = doubt_unknown_sigmas(make_people(133, 5000.0), make_skeleton(133))
    assert warning.startswith(
        "sigmas of 1/133 are too small for these people: their own joints with 3 px of noise would "
    )
    assert "score AP 0.00" in warning


def test_sigmas_that_suit_the_people_raise_no_doubt():
    assert doubt_unknown_sigmas(make_people(5, 5000.0), make_skeleton(5)) == []
    assert doubt_unknown_sigmas(make_people(133, 5000.0), make_skeleton(133, "given")) == []
    assert doubt_unknown_sigmas([], make_skeleton(133)) == []


@pytest.mark.parametrize("n_joints", [30, 40, 45])
def test_score_is_about_that_of_the_metric(n_joints):
    people, skeleton = make_people(n_joints, 3000.0), make_skeleton(n_joints)
    metric, rng = CocoAP(skeleton.sigmas), np.random.default_rng(7)
    for number, person in enumerate(people):
        xy = np.array(person["keypoints"]).reshape(1, -1, 3)[:, :, :2]
        boxes, area = np.array([[0.0, 0, 60, 60]]), np.array([person["area"]])
        truth = Truth(number, xy, np.full((1, n_joints), 2), area, boxes, np.array([False]))
        found = Poses(number, xy + rng.normal(0, 3, xy.shape), np.ones((1, n_joints)), np.ones(1))
        metric.update(found, truth)
    assert score_noise(people, skeleton) == pytest.approx(metric.compute()["AP"], abs=0.05)
