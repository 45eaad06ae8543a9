"""Official sets of other skeletons than COCO's: found where their programs have them, and read as these do."""

import json

import pytest

from robustpose.data.official import SETS
from robustpose.data.spec import describe_data
from robustpose.errors import UserError
from robustpose.pose.skeleton_table import TABLE
from robustpose.pose.whole_body import PARTS

FACES = {f"{part}_kpts": [30, 30, 2] * len(joints) for part, joints in PARTS.items()}


@pytest.fixture
def make(coco_content, coco_folder, tmp_path):
    """A function that writes the scored split of a set, with annotations whose joints are those of a skeleton."""

    def write(name, skeleton, names=(), n_categories=1, **others):
        split = SETS[name].splits[SETS[name].benched]
        n_joints = TABLE[skeleton].skeleton.n_joints
        for number, person in enumerate(coco_content["annotations"]):
            person |= {"keypoints": [40, 40, 1] * n_joints, "category_id": 1 + number % n_categories, **others}
            if name == "crowdpose":
                del person["area"]
        coco_content["categories"] = [
            {"id": 1 + number, "name": f"kind {number}", "keypoints": list(names)} for number in range(n_categories)
        ]
        root = tmp_path / name
        for what, content in (("annotations", json.dumps(coco_content)),):
            path = root / split.places[what].paths[0]
            path.parent.mkdir(parents=True)
            path.write_text(content)
        images = root / split.places["images"].paths[0]
        images.parent.mkdir(parents=True, exist_ok=True)
        images.symlink_to(coco_folder / "images")
        return describe_data({"name": name, "root": root})

    return write


def test_crowdpose_has_areas_of_boxes(make):
    people = make("crowdpose", "crowdpose", names=TABLE["crowdpose"].skeleton.joints).open()
    assert people.provenance["sigmas_from"] == "crowdpose"
    assert people.provenance["area"] == "0.53 x box"
    assert people.warnings == []


def test_ap10k_has_a_category_for_each_species(make):
    spec = make("ap10k", "ap10k", names=TABLE["ap10k"].skeleton.joints, n_categories=3)
    people = spec.open()
    assert people.category_names == ("kind 0", "kind 1", "kind 2")
    assert people.skeleton.sigmas == TABLE["ap10k"].skeleton.sigmas
    assert spec.model_copy(update={"category": "kind 1"}).open().category_ids == (2,)


def test_whole_bodies_have_their_parts_in_fields_of_their_own(make):
    people = make("coco-wholebody", "coco", names=TABLE["coco"].skeleton.joints, **FACES).open()
    assert people.skeleton.n_joints == 133
    assert people.provenance["sigmas_from"] == "coco-wholebody"


@pytest.mark.parametrize("names", [(), TABLE["coco"].skeleton.joints])
def test_halpes_joints_are_known_whatever_its_category_names(make, names):
    people = make("halpe", "halpe-136", names=names, keypoints=[40, 40, 0.7] * 136).open()
    assert people.skeleton.sigmas == TABLE["halpe-136"].skeleton.sigmas
    assert (people.truth(0).visible == 2).all()


def test_ai_challenger_without_areas_says_what_to_do(make):
    spec = make("aic", "aic", names=TABLE["aic"].skeleton.joints, area=None)
    with pytest.raises(UserError, match=r"lacks 'area'.*area: box \(--area box\)$"):
        spec.open()
    people = spec.model_copy(update={"area": "box"}).open()
    assert people.skeleton.sigmas == TABLE["aic"].skeleton.sigmas
