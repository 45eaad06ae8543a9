import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO, Skeleton, sigmas_for


def test_flip_pairs_come_from_left_and_right_names():
    skeleton = Skeleton("x", ("right_hand", "nose", "left_hand"), (), (0.1, 0.1, 0.1))
    assert skeleton.flip_pairs == ((2, 0),)
    assert skeleton.flip_order == (2, 1, 0)


def test_coco_has_eight_pairs_and_mirroring_twice_changes_nothing():
    assert len(COCO.flip_pairs) == 8
    order = np.array(COCO.flip_order)
    np.testing.assert_array_equal(order[order], np.arange(17))
    for left, right in COCO.flip_pairs:
        assert COCO.joints[left].replace("left", "right") == COCO.joints[right]


def test_sigmas_are_cocos_for_its_names_and_one_over_k_otherwise():
    assert sigmas_for(COCO.joints) == (COCO.sigmas, "coco")
    assert sigmas_for(["a", "b"]) == ((0.5, 0.5), "1/K")


@pytest.mark.parametrize(
    "arguments",
    [
        ("x", (), (), ()),
        ("x", ("a", "a"), (), (0.1, 0.1)),
        ("x", ("a", "b"), (), (0.1,)),
        ("x", ("a", "b"), (), (0.1, -0.1)),
        ("x", ("a", "b"), ((0, 2),), (0.1, 0.1)),
    ],
)
def test_inconsistent_skeleton_is_refused(arguments):
    with pytest.raises(UserError, match="skeleton 'x'"):
        Skeleton(*arguments)
