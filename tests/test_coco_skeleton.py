"""The skeleton of annotations: known by the names of joints, named by --skeleton, or of nobody."""

import json

import pytest

from robustpose.data.coco import read_coco
from robustpose.data.spec import describe_data
from robustpose.errors import UserError
from robustpose.pose.skeleton_table import TABLE
from tests.test_wholebody import whole  # noqa: F401  # a fixture

HALPE = TABLE["halpe-26"].skeleton


def with_joints(content, n_joints, names):
    """Annotations of so many joints, at (k, k), whose category names them."""
    for person in content["annotations"]:
        person["keypoints"] = [number for k in range(n_joints) for number in (20 + k, 20 + k, 2)]
    content["categories"] = [{"id": 1, "name": "person", **({} if names is None else {"keypoints": list(names)})}]
    return content


@pytest.fixture
def read_as(coco_folder, tmp_path):
    """A function that reads annotations as those of a skeleton that is named."""

    def read_content(content, skeleton):
        (tmp_path / "named.json").write_text(json.dumps(content))
        return read_coco(tmp_path / "named.json", coco_folder / "images", skeleton=skeleton)

    return read_content


def test_joints_of_a_published_skeleton_get_its_sigmas_limbs_and_parts(read, coco_content):
    people = read(with_joints(coco_content, 26, HALPE.joints[::-1]))
    assert people.warnings == []
    assert people.skeleton.sigmas == HALPE.sigmas[::-1]
    assert people.provenance["sigmas_from"] == people.skeleton.sigmas_from == "halpe-26"
    assert len(people.skeleton.limbs) == len(HALPE.limbs)
    assert [name for name, _ in people.skeleton.parts] == ["body", "foot"]


def test_joints_of_several_skeletons_have_no_sigmas_before_one_is_named(read, read_as, coco_content):
    content = with_joints(coco_content, 14, TABLE["aic"].skeleton.joints[::-1])
    (warning,) = read(content).warnings[:1]
    assert warning == (
        "the 14 joints of category 'person' are those of crowdpose, aic and lsp, in the order of none of them: every "
        "OKS sigma is 1/14. Give measured ones with --skeleton NAME, or FILE (YAML with 'sigmas')"
    )
    people = read_as(content, "aic")
    assert people.skeleton.sigmas == TABLE["aic"].skeleton.sigmas[::-1]
    assert people.warnings == []


def test_published_skeleton_without_sigmas_says_so(read, coco_content):
    people = read(with_joints(coco_content, 14, TABLE["lsp"].skeleton.joints))
    assert people.skeleton.sigmas == (1 / 14,) * 14
    assert people.warnings[0].startswith("the 14 joints of category 'person' are those of lsp, for which nobody has ")


@pytest.mark.parametrize("names", [None, [f"kp{k}" for k in range(26)]])
def test_named_skeleton_stands_for_joints_that_have_other_names_or_none(read_as, coco_content, names):
    people = read_as(with_joints(coco_content, 26, names), "halpe-26")
    assert people.skeleton.joints == HALPE.joints
    assert people.skeleton.sigmas == HALPE.sigmas
    assert people.truth(0).xy[0, :, 0].tolist() == list(range(20, 46))
    doubts = (
        [] if names is None else ["26 joints of category 'person' have other names than those of halpe-26, such as"]
    )
    assert [one[: len(doubts[0])] for one in people.warnings] == doubts


def test_category_that_names_fewer_joints_than_people_have_is_no_obstacle(read, read_as, coco_content):
    content = with_joints(coco_content, 136, TABLE["coco"].skeleton.joints)
    with pytest.raises(UserError, match=r"needs 51 keypoint values .* got 408.*: if they are .* --skeleton halpe-136$"):
        read(content)
    people = read_as(content, "halpe-136")
    assert people.skeleton.n_joints == 136
    assert "names 17 joints: they are taken as the 136 of halpe-136" in people.warnings[0]


def test_file_that_names_no_joints_is_told_what_to_say(read, coco_content):
    with pytest.raises(UserError, match=r"have 68 joints; name the skeleton, --skeleton NAME \(face-68\)$"):
        read(with_joints(coco_content, 68, None))


def test_names_in_other_places_contradict_a_named_skeleton(read_as, coco_content):
    names = [*HALPE.joints[:2][::-1], *HALPE.joints[2:-1], "kp25"]
    with pytest.raises(UserError, match="does not have the joints of halpe-26 in its order: 'left_eye' where that has"):
        read_as(with_joints(coco_content, 26, names), "halpe-26")


def test_named_whole_body_is_read_from_the_fields_of_its_parts(read_as, whole):  # noqa: F811
    assert read_as(whole, "coco-wholebody").skeleton.n_joints == 133


def test_description_of_data_tells_names_from_files(tmp_path, coco_folder):
    given = {"annotations": tmp_path / "a.json", "images": coco_folder / "images"}
    given["annotations"].touch()
    named = describe_data({**given, "skeleton": "halpe-26"})
    assert named.skeleton == "halpe-26"
    assert named.change_paths(lambda path: tmp_path / path).skeleton == "halpe-26"
    assert describe_data({**given, "skeleton": "halpe.yaml"}).skeleton.name == "halpe.yaml"
    with pytest.raises(
        UserError, match=r"there is no skeleton file halpe26 \(did you mean 'halpe-26'\?\): name another"
    ):
        describe_data({**given, "skeleton": "halpe26"}).check_files()
