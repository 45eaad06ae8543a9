"""Shared joints: skeletons of models that find more, skeletons cut down, and the error of a model that lacks some."""

import pickle

import pytest

from robustpose.pose.shared_joints import OtherJoints, make_own_skeleton, restrict_skeleton
from robustpose.pose.skeleton_table import TABLE
from robustpose.pose.skeletons import COCO, MPII, Skeleton

HANDS = ("left_wrist", "right_wrist")


def test_a_model_of_the_same_joints_has_them_in_its_order():
    own = make_own_skeleton(COCO.joints[::-1], COCO, "model 'm'")
    assert own.joints == COCO.joints[::-1]
    assert own.sigmas == COCO.sigmas[::-1]


def test_a_model_of_more_joints_keeps_all_of_them_with_pairs_and_sigmas():
    own = make_own_skeleton(COCO.joints, Skeleton("arms", HANDS, (), (0.5, 0.5)), "model 'm'")
    assert own.joints == COCO.joints
    assert (own.sigmas, own.flip_pairs) == (COCO.sigmas, COCO.flip_pairs)


def test_more_joints_of_no_published_skeleton_have_the_sides_that_names_say():
    own = make_own_skeleton((*HANDS, "tail"), Skeleton("arms", HANDS, (), (0.5, 0.5)), "model 'm'")
    assert own.flip_pairs == ((0, 1),)
    assert own.sigmas == (1 / 3,) * 3


def test_joints_that_were_cut_from_a_skeleton_of_ones_own_get_its_pairs_back():
    whole = Skeleton("own", ("a", "b", "c"), ((0, 1),), (0.1, 0.2, 0.3), flip_pairs=((0, 1),))
    own = make_own_skeleton(whole.joints, restrict_skeleton(whole, (1,)), "model 'm'")
    assert own == whole


def test_a_model_that_lacks_joints_says_which_it_finds():
    with pytest.raises(OtherJoints, match=r"model 'm' finds 16 joints .*, and lacks nose") as error:
        make_own_skeleton(MPII.joints, COCO, "model 'm'")
    assert error.value.joints == MPII.joints
    sent = pickle.loads(pickle.dumps(error.value))
    assert (str(sent), sent.joints) == (str(error.value), MPII.joints)


def test_other_spellings_of_a_published_skeleton_are_the_same_joints():
    animal = TABLE["ap10k"].skeleton
    other = tuple(name.replace("front", "F").replace("back", "B").replace("left", "L") for name in animal.joints)
    assert make_own_skeleton(other[::-1], animal, "model 'm'").joints == animal.joints[::-1]
    with pytest.raises(OtherJoints) as error:
        make_own_skeleton(other[:9], animal, "model 'm'")
    assert error.value.joints == animal.joints[:9]


def test_a_cut_skeleton_has_what_is_said_of_its_joints_alone():
    whole = Skeleton("own", ("a", "b", "c"), ((0, 1), (1, 2)), (0.1, 0.2, 0.3), parts=(("x", (0,)), ("y", (1, 2))))
    cut = restrict_skeleton(whole, (1, 2))
    assert (cut.joints, cut.limbs, cut.sigmas, cut.parts) == (("b", "c"), ((0, 1),), (0.2, 0.3), (("y", (0, 1)),))
    assert cut.whole is whole
    assert restrict_skeleton(cut, (1,)).whole is whole


def test_a_joint_without_its_mirror_partner_is_a_doubt_for_mirror_tests():
    assert not restrict_skeleton(COCO, (9, 10)).sides_doubt
    assert restrict_skeleton(COCO, (0, 9)).sides_doubt == "'left_wrist' has no partner"
