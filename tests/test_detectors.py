"""Detectors: a spec becomes an estimator of boxes; a callable's boxes are checked, and counted by their classes."""

import numpy as np
import pytest

from robustpose import detectors
from robustpose.errors import UserError
from robustpose.pose.box_poses import BOX, as_boxes
from robustpose.pose.types import Frame

FRAME = Frame("street", lambda: np.zeros((48, 64, 3), np.uint8))


def find_two(image):
    return [[8.0, 4.0, 40.0, 44.0, 0.9], [0.0, 0.0, 10.0, 10.0, 0.02]]


def find_animals(image):
    return np.array([[1, 2, 3, 4, 0.5, 1], [5, 6, 7, 8, 0.6, 2], [0, 0, 9, 9, 0.9, 0]])


find_animals.names = {0: "person", 1: "dog", 2: "cat"}


def test_callable_gives_boxes_above_the_score():
    detector = detectors.build("tests.test_detectors:find_two", ["person"], {})
    (found,) = detector.predict([FRAME])
    assert (detector.skeleton, detector.needs_boxes, detector.needs_images) == (BOX, False, True)
    np.testing.assert_array_equal(as_boxes(found), [[8, 4, 40, 44]])
    assert found.score.tolist() == [0.9]
    assert found.categories is None


def test_boxes_of_several_categories_are_known_by_the_names_of_classes():
    detector = detectors.build("tests.test_detectors:find_animals", ["cat", "dog"], {})
    (found,) = detector.predict([FRAME])
    assert found.score.tolist() == [0.6, 0.5]
    assert found.categories.tolist() == [0, 1]


def test_unknown_detector_lists_what_there_is():
    with pytest.raises(UserError, match=r"unknown detector 'onx' \(did you mean 'onnx'\?\): expected one of onnx:FILE"):
        detectors.build("onx", ["person"], {})
