"""Boxes as poses of two joints."""

import numpy as np

from robustpose.pose.box_poses import BOX, as_boxes, as_poses


def test_boxes_come_back_as_they_went_in() -> None:
    boxes = np.array([[1.0, 2.0, 30.0, 40.0], [0.0, 0.0, 5.5, 6.5]])
    found = as_poses("street", boxes, np.array([0.9, 0.2]), np.array([0, 1]))
    assert (as_boxes(found) == boxes).all()
    assert found.confidence.shape == (2, BOX.n_joints)
    assert found.categories is not None


def test_no_boxes_are_no_poses() -> None:
    assert as_boxes(as_poses(1, np.zeros((0, 4)), np.zeros(0))).shape == (0, 4)
