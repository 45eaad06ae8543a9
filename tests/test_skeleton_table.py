"""The table of published skeletons: what its rows say of each other, and which joints are known for whose."""

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.pose.joint_names import find_sides
from robustpose.pose.skeleton_table import TABLE, find_published, get_published, list_by_size
from robustpose.pose.skeletons import COCO
from robustpose.pose.whole_body import WHOLE_BODY

SKELETONS = {name: row.skeleton for name, row in TABLE.items()}
N_JOINTS = {
    "coco": 17, "coco-wholebody": 133, "crowdpose": 14, "mpii": 16, "halpe-26": 26, "halpe-136": 136, "aic": 14,
    "lsp": 14, "ap10k": 17, "hand-21": 21, "face-68": 68, "foot-6": 6,
}  # fmt: skip


def find_names(joints):
    return [row.skeleton.name for row in find_published(joints)]


def test_every_skeleton_has_the_number_of_joints_that_its_data_have():
    assert {name: skeleton.n_joints for name, skeleton in SKELETONS.items()} == N_JOINTS


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.has_sigmas])
def test_sigmas_are_from_their_own_row(name):
    assert SKELETONS[name].sigmas_from == name
    assert TABLE[name].source


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("crowdpose", {"left_shoulder": 0.079, "right_ankle": 0.089, "head": 0.079, "neck": 0.079}),
        ("mpii", {"right_knee": 0.083, "pelvis": 0.026, "left_shoulder": 0.179}),
        ("halpe-26", {"head": 0.026, "hip": 0.066, "left_heel": 0.079}),
        ("halpe-136", {"head": 0.08, "left_heel": 0.089, "face-0": 0.015, "right_hand_root": 0.015}),
        ("aic", {"right_shoulder": 0.01388152, "left_hip": 0.03843971, "neck": 0.01236173}),
        ("ap10k", {"left_eye": 0.025, "root_of_tail": 0.035, "left_front_paw": 0.062, "right_back_paw": 0.089}),
        ("hand-21", {"wrist": 0.029, "thumb4": 0.047, "pinky_finger4": 0.031}),
        ("face-68", {"face-0": 0.042, "face-47": 0.034, "face-67": 0.008}),
        ("foot-6", {"left_big_toe": 0.068, "right_heel": 0.094}),
    ],
)
def test_sigmas_are_those_that_were_published(name, some):
    skeleton = SKELETONS[name]
    sigmas = dict(zip(skeleton.joints, skeleton.sigmas, strict=True))
    assert {joint: sigmas[joint] for joint in some} == some


@pytest.mark.parametrize("name", [name for name in TABLE if name != "face-68"])
def test_mirror_pairs_of_named_sides_are_those_of_the_names(name):
    of_names = set(find_sides(SKELETONS[name].joints).pairs)
    assert of_names == {pair for pair in SKELETONS[name].flip_pairs if "face" not in SKELETONS[name].joints[pair[0]]}


@pytest.mark.parametrize("name", TABLE)
def test_mirroring_takes_limbs_to_limbs(name):
    skeleton = SKELETONS[name]
    order = skeleton.flip_order
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    mirrored = {frozenset(order[joint] for joint in limb) for limb in limbs}
    assert limbs == mirrored


@pytest.mark.parametrize("name", ["coco-wholebody", "halpe-26", "halpe-136"])
def test_each_joint_is_in_one_part(name):
    skeleton = SKELETONS[name]
    assert sorted(joint for _, joints in skeleton.parts for joint in joints) == list(range(skeleton.n_joints))


def test_parts_of_a_whole_body_are_skeletons_of_their_own():
    parts = {name: list(joints) for name, joints in WHOLE_BODY.parts}
    assert list(parts) == ["body", "foot", "face", "lefthand", "righthand"]
    sigmas = np.array(WHOLE_BODY.sigmas)
    for part, name in [("body", "coco"), ("foot", "foot-6"), ("face", "face-68"), ("lefthand", "hand-21")]:
        assert tuple(sigmas[parts[part]]) == SKELETONS[name].sigmas
    assert tuple(sigmas[parts["righthand"]]) == SKELETONS["hand-21"].sigmas


@pytest.mark.parametrize("name", TABLE)
def test_own_joints_in_their_order_are_known(name):
    assert find_names(SKELETONS[name].joints) == [name]
    assert find_names([joint.title().replace("-", "_") for joint in SKELETONS[name].joints]) == [name]


@pytest.mark.parametrize("name", [name for name in TABLE if name not in ("aic", "lsp")])
def test_joints_are_known_in_another_order(name):
    joints = SKELETONS[name].joints[::-1]
    (row,) = find_published(joints)
    assert row.skeleton.name == name
    arranged = row.arrange(joints)
    assert arranged.joints == joints
    assert arranged.sigmas == SKELETONS[name].sigmas[::-1]
    assert np.array_equal(
        arranged.flip_order, SKELETONS[name].n_joints - 1 - np.array(SKELETONS[name].flip_order)[::-1]
    )


def test_joints_of_several_skeletons_in_the_order_of_none_are_nobodys():
    assert find_names(SKELETONS["aic"].joints[::-1]) == ["crowdpose", "aic", "lsp"]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("crowdpose", {"head": "top_head"}),
        ("ap10k", {"left_front_paw": "L_F_Paw", "right_back_paw": "R_B_Paw", "root_of_tail": "Root of tail"}),
        ("ap10k", {"left_front_paw": "left_fore_paw", "left_back_paw": "left_hind_paw"}),
        (
            "hand-21",
            {"wrist": "WRIST", "thumb1": "THUMB_CMC", "forefinger4": "INDEX_FINGER_TIP", "ring_finger2": "ring2"},
        ),
        ("hand-21", {"wrist": "palm", "pinky_finger1": "little1", "middle_finger3": "middle_dip"}),
        ("halpe-26", {"hip": "Hip", "left_big_toe": "LBigToe", "right_eye": "REye"}),
        ("face-68", {f"face-{number}": f"kpt-{number}" for number in range(68)}),
    ],
)
def test_spellings_of_official_files_are_known(name, other):
    joints = [other.get(joint, joint) for joint in SKELETONS[name].joints]
    assert find_names(joints) == [name]


def test_other_joints_are_nobodys():
    assert find_names(["left_paw", "right_paw", "tail"]) == []
    assert find_names([*COCO.joints[:-1], "tail"]) == []
    assert find_names([f"kp{number}" for number in range(17)]) == []


def test_unknown_name_is_an_error_that_lists_the_names():
    with pytest.raises(
        UserError, match=r"no skeleton 'halpe136' \(did you mean 'halpe-136'\?\): expected one of coco, "
    ):
        get_published("halpe136")
    assert list_by_size(17) == ["coco", "ap10k"]
