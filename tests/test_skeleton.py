import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO, Skeleton, explain_other_joints


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


def make_skeleton(*joints, **given):
    return Skeleton("x", joints, (), (0.1,) * len(joints), **given)


def test_pairs_that_are_given_hold_whatever_the_names_say():
    assert make_skeleton("kp1", "kp2", "kp3", flip_pairs=((0, 2),)).flip_order == (2, 1, 0)
    assert make_skeleton("left_eye", "right_eye", flip_pairs=()).flip_order == (0, 1)


@pytest.mark.parametrize("pairs", [((0, 3),), ((0, 0),), ((0, 1), (1, 2)), ((0, 1), (0, 1)), ((0,),), ((0, 1, 2),)])
def test_pairs_of_unknown_or_repeated_joints_are_refused(pairs):
    with pytest.raises(UserError, match=r"skeleton 'x': flip_pairs must be pairs of different joints 0\.\.2"):
        make_skeleton("a", "b", "c", flip_pairs=pairs)


def test_sides_that_names_do_not_tell_are_an_error_that_says_what_to_do():
    message = (
        r"^flip_test mirrors images, but the names of skeleton 'x' do not say which joints change sides: no names "
        r"among kp1, kp2 are of a left and a right joint\. List flip_pairs in the skeleton \(--skeleton FILE; \[\] if "
        r"all joints are in the middle\), or set flip_test=false$"
    )
    with pytest.raises(UserError, match=message):
        make_skeleton("kp1", "kp2").check_sides("flip_test", "flip_test=false")
    with pytest.raises(UserError, match="'left_eye' has no partner"):
        make_skeleton("left_eye", "nose").check_sides("flip_test", "flip_test=false")
    make_skeleton("kp1", "kp2", flip_pairs=()).check_sides("flip_test", "flip_test=false")
    make_skeleton("left_eye", "right_eye").check_sides("flip_test", "flip_test=false")


def test_arranged_skeleton_keeps_limbs_pairs_and_sigmas_of_its_joints():
    names = ("LHip", "Nose", "RHip")
    skeleton = Skeleton("x", ("nose", "left_hip", "right_hip"), ((0, 1),), (0.1, 0.2, 0.3), flip_pairs=((1, 2),))
    arranged = skeleton.arrange(names)
    assert arranged == Skeleton("x", names, ((1, 0),), (0.2, 0.1, 0.3), flip_pairs=((0, 2),))
    assert skeleton.arrange(("nose", "left_hip", "tail")) is None


WHOLE = (*COCO.joints, *(f"face-{number}" for number in range(116)))


@pytest.mark.parametrize(
    ("own", "wanted", "message"),
    [
        (
            COCO.joints,
            (*COCO.joints[5:], "head", "neck"),
            "finds 17 joints (nose, left_eye, …), but the annotations have 14, and lacks head, neck: use a model",
        ),
        (COCO.joints, COCO.joints[5:], "have 12, it finds nose, left_eye, right_eye, left_ear, … 5 in all, too: use a"),
        (tuple("ab"), tuple("bc"), "(a, b, …), but the annotations have 2, others, too: it lacks c: use a model"),
        (("nose", "Nose"), ("nose",), "(nose, Nose, …), but the annotations have 1, it names some of them twice"),
        (
            tuple(f"j{i}" for i in range(308)),
            COCO.joints,
            "lacks nose, left_eye, right_eye, left_ear, … 17 in all: use",
        ),
        (WHOLE, COCO.joints, "it is of COCO-WholeBody: name annotations of that and --parts wholebody, or use a model"),
        (COCO.joints, WHOLE, "face-3, … 116 in all: leave out --parts wholebody, or use a model of all 133"),
    ],
)
def test_model_of_other_joints_is_told_which_are_lacking(own, wanted, message):
    told = explain_other_joints(own, Skeleton("x", tuple(wanted), (), (0.1,) * len(wanted)))
    assert message in told
    assert len(told) < 240
