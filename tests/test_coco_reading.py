"""What a COCO file leaves open: areas as CrowdPose has them, how crowded images are, joints in fields nobody reads."""

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.pose.skeleton_table import TABLE

CROWDPOSE = TABLE["crowdpose"].skeleton


@pytest.fixture
def crowdpose(coco_content):
    """Annotations as CrowdPose has them: 14 joints, no areas, images that say how crowded they are."""
    for person in coco_content["annotations"]:
        del person["area"]
        person["keypoints"] = [*person["keypoints"][15:51], 30, 20, 2, 30, 25, 2]
    for number, image in enumerate(coco_content["images"]):
        image["crowdIndex"] = number / 10
    coco_content["categories"][0] |= {"keypoints": list(CROWDPOSE.joints), "skeleton": []}
    return coco_content


def test_crowdpose_is_read_as_it_is(read, crowdpose):
    people = read(crowdpose)
    assert people.skeleton.sigmas == CROWDPOSE.sigmas
    assert [people.truth(i).crowd_index for i in range(2)] == [0, 0.1]
    box = np.array([person["bbox"] for person in crowdpose["annotations"] if person["image_id"] == 1])
    np.testing.assert_allclose(people.truth(0).area, box[:, 2] * box[:, 3] * 0.53)
    assert people.provenance["area"] == "0.53 x box"
    (warning,) = people.warnings
    assert warning.startswith("nobody has an area, as in crowdpose's annotations: areas are 0.53 x width x height")


def test_areas_that_only_some_lack_are_asked_for(read, crowdpose):
    crowdpose["annotations"][0]["area"] = 900.0
    with pytest.raises(UserError, match=r"lacks 'area'.*area: box \(--area box\)$"):
        read(crowdpose)


@pytest.mark.parametrize("index", [1.5, "high", -0.1])
def test_crowd_index_outside_0_to_1_is_refused(read, crowdpose, index):
    crowdpose["images"][0]["crowdIndex"] = index
    with pytest.raises(UserError, match=r"image 1.*crowdIndex.* a number from 0 to 1, got"):
        read(crowdpose)


def test_joints_in_fields_that_are_not_read_are_named(read, coco_content):
    coco_content["annotations"][0]["keypoints_21"] = [1, 1, 2] * 21
    (warning,) = read(coco_content).warnings
    assert warning == "joints in other fields of annotations are left out: 'keypoints_21'"


def test_people_of_crowdpose_of_whom_nothing_can_be_seen_are_not_scored(read, crowdpose):
    hidden = crowdpose["annotations"][0]
    hidden["keypoints"] = [number if k % 3 < 2 else 1 for k, number in enumerate(hidden["keypoints"])]
    hidden["num_keypoints"] = 0
    people = read(crowdpose)
    truth = people.truth(0)
    assert truth.visible[0].all()
    assert truth.counted.tolist() == [False, True]
    assert people.truth(1).counted.all()
    assert len(people.warnings) == 1  # of areas alone
    assert len(people.frame(0).boxes) == 2  # they are looked for, all the same
