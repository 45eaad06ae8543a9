import numpy as np

from robustpose.pose.oks import oks_to_each, suppress_alike
from robustpose.pose.skeletons import COCO

XY = np.random.default_rng(0).uniform(0, 100, (3, 17, 2))


def test_pose_is_fully_alike_itself_and_less_so_the_farther_away():
    moved = np.stack([XY[0], XY[0] + 3, XY[0] + 30])
    oks = oks_to_each(XY[0], 4000.0, moved, np.full(3, 4000.0), COCO.sigmas)
    assert oks[0] == 1
    assert oks[0] > oks[1] > oks[2] >= 0


def test_duplicate_with_the_lower_score_is_dropped():
    xy = np.stack([XY[0], XY[1], XY[0] + 0.1])
    assert suppress_alike(xy, np.array([0.5, 0.9, 0.7]), np.full(3, 4000.0), COCO.sigmas) == [1, 2]


def test_nobody_stays_nobody():
    assert suppress_alike(np.zeros((0, 17, 2)), np.zeros(0), np.zeros(0), COCO.sigmas) == []
