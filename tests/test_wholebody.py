"""COCO-WholeBody: 133 joints where asked, and a warning where only the body's are taken."""

import pytest

from robustpose.errors import UserError
from robustpose.pose.whole_body import PARTS, WHOLE_BODY

SIZES = {part: len(joints) for part, joints in PARTS.items()}


@pytest.fixture
def whole(coco_content):
    """Annotations with all parts: joint k of the whole body is at (k, k)."""
    for person in coco_content["annotations"]:
        first = 17
        for part, n_joints in SIZES.items():
            person[f"{part}_kpts"] = [number for k in range(first, first + n_joints) for number in (k, k, 2)]
            person[f"{part}_valid"] = True
            first += n_joints
    return coco_content


def test_joints_are_those_that_were_published():
    assert SIZES == {"foot": 6, "face": 68, "lefthand": 21, "righthand": 21}
    assert WHOLE_BODY.n_joints == 133
    assert len({joint for pair in WHOLE_BODY.flip_pairs for joint in pair}) == 122


def test_all_parts_are_taken_where_asked(read, whole):
    whole["annotations"][0]["face_valid"] = False
    del whole["annotations"][1]["lefthand_kpts"]
    people = read(whole, parts="wholebody")
    assert people.skeleton.joints == WHOLE_BODY.joints
    assert people.skeleton.flip_pairs == WHOLE_BODY.flip_pairs
    assert people.provenance["sigmas_from"] == "coco-wholebody"
    truth = people.truth(1)
    assert truth.xy[0, 17:, 0].tolist() == list(range(17, 133))
    first = people.truth(0)
    assert first.visible[0].tolist() == [2] * 23 + [0] * 68 + [2] * 42
    assert first.visible[1].tolist() == [2] * 91 + [0] * 21 + [2] * 21


def test_body_alone_is_taken_with_a_warning(read, whole):
    people = read(whole)
    (warning,) = people.warnings
    assert "only the body's joints are taken" in warning
    assert "--parts wholebody" in warning
    assert people.skeleton.n_joints == 17


def test_number_of_joints_may_be_the_bodys_alone(read, whole):
    def doubts():
        return [warning for warning in read(whole, parts="wholebody").warnings if "num_keypoints" in warning]

    first, second = whole["annotations"][:2]
    first["keypoints"], first["num_keypoints"] = [0] * 51, 0
    assert doubts() == []
    first["num_keypoints"] = 116
    assert doubts() == []
    second["num_keypoints"] = 0
    (warning,) = doubts()
    assert warning.startswith(f"1 annotations, such as {second['id']}, have joints and num_keypoints 0")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("face_kpts", [1, 2, 2], "annotation 3: face_kpts needs 204 values .68 joints., got 3"),
        ("foot_kpts", ["1"] * 18, r"annotation 3: foot_kpts\[0\] must be a finite number"),
        ("foot_kpts", "x", "annotation 3: foot_kpts must be a valid list, got 'x'"),
        ("face_valid", "yes", "annotation 3: face_valid must be true or false, got 'yes'"),
        (
            "foot_kpts",
            [1, 2, 0.5] * 6,
            r"annotation 3 has a visibility other than 0, 1 or 2, 0\.5.*--visibility fractions",
        ),
    ],
)
def test_damaged_part_is_named(read, whole, field, value, message):
    whole["annotations"][2][field] = value
    with pytest.raises(UserError, match=message):
        read(whole, parts="wholebody")


def test_whole_bodies_that_are_none_are_refused(read, coco_content):
    with pytest.raises(UserError, match="no annotation has foot_kpts, face_kpts"):
        read(coco_content, parts="wholebody")
    coco_content["categories"][0]["keypoints"] = ["paw"]
    with pytest.raises(UserError, match="parts: wholebody is for COCO's 17 joints"):
        read(coco_content, parts="wholebody")


@pytest.mark.parametrize("names", [WHOLE_BODY.joints, [name.title() for name in WHOLE_BODY.joints[:17]]])
def test_category_may_name_all_joints_or_spell_them_otherwise(read, whole, names):
    whole["categories"][0] |= {"keypoints": list(names), "skeleton": []}
    assert read(whole, parts="wholebody").skeleton.joints == WHOLE_BODY.joints
