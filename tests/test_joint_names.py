"""Mirror pairs from joint names in their usual spellings; and lists of names that are the same in another spelling."""

from __future__ import annotations

import pytest

from robustpose.pose.joint_names import find_sides, match_names, split_name
from robustpose.pose.skeletons import COCO, MPII

PARTS = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
# What people call (a side, a part of the body).
SPELLINGS = {
    "left_eye": "{side}_{part}",
    "eye_left": "{part}_{side}",
    "Left_Eye": "{Side}_{Part}",
    "LEFT_EYE": "{SIDE}_{PART}",
    "leftEye": "{side}{Part}",
    "LeftEye": "{Side}{Part}",
    "lefteye": "{side}{part}",
    "eyeLeft": "{part}{Side}",
    "eyeleft": "{part}{side}",
    "left eye": "{side} {part}",
    "Left Eye": "{Side} {Part}",
    "left-eye": "{side}-{part}",
    "L_Eye, as AP-10K": "{L}_{Part}",
    "l_eye": "{l}_{part}",
    "LEye, as OpenPose and Halpe": "{L}{Part}",
    "Leye": "{L}{part}",
    "leye": "{l}{part}",
    "LEYE": "{L}{PART}",
    "eye_L": "{part}_{L}",
    "eye-l": "{part}-{l}",
    "eye.L, as Blender": "{part}.{L}",
    "eyeL": "{part}{L}",
    "eye(left)": "{part}({side})",
    "mixamorig:LeftEye": "mixamorig:{Side}{Part}",
    "person_left_eye_1": "person_{side}_{part}_1",
}


def spell(how: str, side: str, part: str) -> str:
    words = {"side": side, "Side": side.title(), "SIDE": side.upper(), "l": side[0], "L": side[0].upper()}
    return SPELLINGS[how].format(**words, part=part, Part=part.title(), PART=part.upper())


@pytest.mark.parametrize("how", SPELLINGS)
def test_usual_spelling_is_paired_in_any_order(how: str) -> None:
    names = [spell(how, side, part) for side in ("right", "left") for part in PARTS]
    names.insert(3, "nose")
    sides = find_sides(names)
    assert sides.doubt == ""
    assert [(names[a], names[b]) for a, b in sides.pairs] == [
        (spell(how, "left", part), spell(how, "right", part)) for part in PARTS
    ]


@pytest.mark.parametrize(
    ("names", "n_pairs"),
    [
        (COCO.joints, 8),
        (MPII.joints, 6),
        (["Hip", "RHip", "RKnee", "RFoot", "LHip", "LKnee", "LFoot", "Neck/Nose", "LShoulder", "RShoulder"], 4),
        (["rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor", "rwri", "relb", "lelb", "lwri"], 5),
        (["LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel", "Background"], 3),
        (["L_Eye", "R_Eye", "Nose", "Root of tail", "L_F_Paw", "R_F_Paw", "L_B_Paw", "R_B_Paw"], 3),
        (["left front paw", "right front paw", "left back paw", "right back paw", "tail base"], 2),
        (["FL_paw", "FR_paw", "BL_paw", "BR_paw", "paw_LH", "paw_RH"], 3),
        (["hand.L", "hand.R", "hand.L.001", "hand.R.001", "spine.001", "spine.002"], 2),
        (["whisker_L1", "whisker_L2", "whisker_R1", "whisker_R2"], 2),
        (["LASI", "RASI", "LPSI", "RPSI", "RBAK", "C7", "T10"], 2),
        (["l_ear", "r_ear", "rear"], 1),
        (["Left_Eye", "right_eye", "Nose"], 1),
        (["左肩", "右肩", "鼻"], 1),
    ],
)
def test_names_of_known_sets_are_paired(names: list[str], n_pairs: int) -> None:
    sides = find_sides(names)
    assert len(sides.pairs) == n_pairs
    assert sides.doubt == ""


def test_names_with_two_sides_change_both() -> None:
    names = ["left_eye_left_corner", "left_eye_right_corner", "right_eye_left_corner", "right_eye_right_corner"]
    assert find_sides(names).pairs == ((0, 3), (1, 2))


@pytest.mark.parametrize(
    "name", ["lower_lip", "rib", "bright_spot", "L5_vertebra", "root", "rear", "cleft", "ring", "T1"]
)
def test_false_friend_has_no_side(name: str) -> None:
    sides = find_sides([name, "left_hand", "right_hand"])
    assert (sides.pairs, sides.doubt) == (((1, 2),), "")


@pytest.mark.parametrize(
    ("names", "doubt"),
    [
        (["nose", "l_eye"], "'l_eye' has no partner"),
        (["left_hand"], "'left_hand' has no partner"),
        (["left_eye", "right_eye", "lhip", "kneeRight"], "'lhip', 'kneeRight' have no partner"),
        (["left_eye", "Left_Eye", "right_eye"], "'left_eye', 'Left_Eye', 'right_eye' have no partner"),
        (["kp1", "kp2", "kp3"], "no names among kp1, kp2, kp3 are of a left and a right joint"),
        (["0", "1"], "no names among 0, 1 are of a left and a right joint"),
        (["left_eye", "right_eye", "face-0", "face-1"], "face-0, face-1 are only numbered"),
    ],
)
def test_what_names_do_not_say_is_not_guessed(names: list[str], doubt: str) -> None:
    assert find_sides(names).doubt == doubt


def test_one_joint_without_a_side_is_in_the_middle() -> None:
    assert find_sides(["nose"]).doubt == ""


@pytest.mark.parametrize("how", list(SPELLINGS)[:-2])
def test_names_of_one_set_match_in_any_order_and_spelling(how: str) -> None:
    joints = ["Nose", *(spell(how, side, part) for part in reversed(PARTS) for side in ("right", "left"))]
    order = match_names(COCO.joints, joints)
    assert order is not None
    assert [COCO.joints[i] for i in order] == [
        "nose", *(f"{side}_{part}" for part in reversed(PARTS) for side in ("right", "left"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other", [("nose", "left_eye"), ("nose", "left_eye", "right_ear"), ("nose", "left_eye", "LEye"), ("nose", "a", "b")]
)
def test_names_of_other_joints_do_not_match(other: tuple[str, ...]) -> None:
    assert match_names(("nose", "left_eye", "right_eye"), other) is None


def test_words_of_a_name_are_without_its_side() -> None:
    found = [split_name(name) for name in ("RBigToe", "lank", "LeftUpLeg", "left front paw", "whip")]
    assert found == [["bigtoe"], ["ankle"], ["up", "leg"], ["front", "paw"], ["whip"]]
