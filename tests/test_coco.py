import json

import numpy as np
import pytest

from robustpose.data.coco import read_coco
from robustpose.errors import UserError
from tests.conftest import CATEGORY


@pytest.fixture
def read(coco_folder, tmp_path):
    """A function that writes annotations and reads them with the small dataset's images."""

    def read_content(content, **options):
        (tmp_path / "people.json").write_text(json.dumps(content))
        return read_coco(tmp_path / "people.json", coco_folder / "images", **options)

    return read_content


def test_frames_and_truth_come_in_the_files_order(read, coco_content):
    people = read(coco_content)
    assert len(people) == 9
    assert [people.frame(i).image_id for i in range(9)] == [image["id"] for image in coco_content["images"]]
    truth = people.truth(3)
    expected = np.array(coco_content["annotations"][6]["keypoints"]).reshape(17, 3)
    np.testing.assert_array_equal(truth.xy[0], expected[:, :2])
    assert people.frame(3).image.shape == (120, 90, 3)


def test_truth_keeps_people_who_are_ignored_but_gives_no_boxes_for_them(read, coco_content):
    crowd, unmarked, flat, fourth = coco_content["annotations"][:4]
    crowd["iscrowd"] = 1
    unmarked["keypoints"] = [0] * 51
    flat["area"] = 0
    people = read(coco_content)
    assert people.truth(0).crowd.tolist() == [True, False]
    assert len(people.frame(0).boxes) == 0
    assert len(people.frame(1).boxes) == 1
    np.testing.assert_allclose(people.frame(1).boxes[0][:2], fourth["bbox"][:2])
    x, y, width, height = fourth["bbox"]  # of which HRNet's program takes the last pixel
    np.testing.assert_allclose(people.frame(1).boxes[0][2:], [x + width - 1, y + height - 1])
    np.testing.assert_allclose(people.frame(1).edge_boxes, [[x, y, x + width, y + height]])


def test_detected_boxes_are_neither_clipped_nor_thresholded(read, coco_content, tmp_path):
    detections = [
        {"image_id": 1, "category_id": 1, "bbox": [-10, 5, 300, 20], "score": 0.001},
        {"image_id": 1, "category_id": 2, "bbox": [0, 0, 9, 9], "score": 0.9},
        {"image_id": 999, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.9},
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(detections))
    people = read(coco_content, boxes=tmp_path / "boxes.json")
    np.testing.assert_array_equal(people.frame(0).boxes, [[-10, 5, 290, 25]])
    np.testing.assert_array_equal(people.frame(0).edge_boxes, [[-10, 5, 290, 25]])
    np.testing.assert_array_equal(people.frame(0).box_scores, [0.001])
    assert len(people.frame(1).boxes) == 0
    assert people.provenance["boxes"] == "clean-det"
    assert people.provenance["boxes_file"] == "boxes.json"


def test_any_skeleton_is_read_with_a_warning_about_its_sigmas(read, coco_content):
    other_skeleton(coco_content)
    people = read(coco_content)
    (warning,) = people.warnings
    assert "every OKS sigma is 1/3" in warning
    assert people.skeleton.joints == ("left_paw", "right_paw", "tail")
    assert people.skeleton.flip_pairs == ((0, 1),)
    assert people.skeleton.limbs == ((0, 2),)
    assert people.skeleton.sigmas == (1 / 3,) * 3


@pytest.mark.parametrize("sigmas", ["[0.1, 0.2, 0.3]", "{tail: 0.3, left_paw: 0.1, right_paw: 0.2}"])
def test_sigmas_of_another_skeleton_come_from_a_small_file(read, coco_content, tmp_path, sigmas):
    other_skeleton(coco_content)
    (tmp_path / "s.yaml").write_text(f"sigmas: {sigmas}")
    people = read(coco_content, skeleton=tmp_path / "s.yaml")
    assert people.skeleton.sigmas == (0.1, 0.2, 0.3)
    assert people.skeleton.sigmas_from == "s.yaml"


@pytest.mark.parametrize("sigmas", ["[0.1]", "{tail: 0.3}", "3", "[a, b, c]", "["])
def test_sigmas_that_do_not_fit_are_an_error(read, coco_content, tmp_path, sigmas):
    other_skeleton(coco_content)
    (tmp_path / "s.yaml").write_text(f"sigmas: {sigmas}")
    with pytest.raises(UserError, match=r"s\.yaml"):
        read(coco_content, skeleton=tmp_path / "s.yaml")


def other_skeleton(content):
    content["categories"] = [
        {"id": 1, "name": "cat", "keypoints": ["left_paw", "right_paw", "tail"], "skeleton": [[1, 3]]}
    ]
    for person in content["annotations"]:
        person["keypoints"] = person["keypoints"][:9]


def spoil(change):
    return pytest.param(change, id=change.__name__)


def a_missing_image_file(content):
    content["images"][2]["file_name"] = "gone.jpg"
    return r"image file .*gone\.jpg is missing"


def an_image_listed_twice(content):
    content["images"].append(content["images"][0])
    return "image id 1 occurs twice"


def an_annotation_id_used_twice(content):
    content["annotations"][1]["id"] = 1
    return "annotation id 1 occurs twice"


def a_box_outside(content):
    content["annotations"][0]["bbox"] = [500, 5, 10, 10]
    return "annotation 1 has a box outside its 128 x 96 image"


def a_negative_box(content):
    content["annotations"][0]["bbox"] = [5, 5, -10, 10]
    return "box of negative size"


def a_missing_joint(content):
    content["annotations"][0]["keypoints"].pop()
    return r"needs 51 keypoint values \(17 joints\), got 50"


def a_number_that_is_none(content):
    content["annotations"][0]["keypoints"][3] = float("nan")
    return r"annotation 1: keypoints\[3\] must be a finite number, at most 1e9, got nan"


def a_visibility_of_three(content):
    content["annotations"][0]["keypoints"][2] = 3
    return "visibility other than 0, 1 or 2"


def a_person_on_no_image(content):
    content["annotations"][0]["image_id"] = 77
    return "about image 77, which is not listed"


def no_area(content):
    del content["annotations"][0]["area"]
    return "lacks 'area'"


def no_width(content):
    del content["images"][0]["width"]
    return "image 1 lacks width"


def no_images(content):
    content["images"] = []
    return "lists no images"


def no_categories(content):
    del content["categories"]
    return "a list 'categories'"


def no_keypoint_category(content):
    content["categories"] = [{"id": 1, "name": "person"}]
    return "has no category with keypoints"


def two_keypoint_categories(content):
    content["categories"] = [{**CATEGORY, "name": "dog"}, {**CATEGORY, "id": 2, "name": "cat"}]
    return r"'dog' \(id 1\) and 'cat' \(id 2\): choose one, or all of them, .*--category NAME"


@pytest.mark.parametrize(
    "change",
    [
        spoil(change)
        for change in (
            a_missing_image_file, an_image_listed_twice, an_annotation_id_used_twice, a_box_outside, a_negative_box,
            a_missing_joint, a_number_that_is_none, a_visibility_of_three, a_person_on_no_image, no_area, no_width,
            no_images, no_categories, no_keypoint_category, two_keypoint_categories,
        )
    ],
)  # fmt: skip
def test_inconsistent_annotations_are_refused_with_the_reason(read, coco_content, change):
    message = change(coco_content)
    with pytest.raises(UserError, match=message) as error:
        read(coco_content)
    assert "\n" not in str(error.value)


def test_many_problems_are_one_error_with_the_first_few_and_the_total(read, coco_content):
    for person in coco_content["annotations"]:
        person["bbox"] = [500, 5, 10, 10]
    with pytest.raises(UserError, match=r"annotation 1 .*annotation 3 .*; … 18 problems in all"):
        read(coco_content)


def test_missing_and_broken_files_are_errors(coco_folder, tmp_path):
    with pytest.raises(UserError, match="cannot read the annotation file"):
        read_coco(tmp_path / "none.json", coco_folder / "images")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        read_coco(tmp_path / "broken.json", coco_folder / "images")
    with pytest.raises(UserError, match=r"image folder .* does not exist"):
        read_coco(coco_folder / "people.json", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("detections", "message"),
    [
        ([{"image_id": 1}], "detection 0 lacks bbox, category_id, score"),
        ([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}], "4 finite numbers"),
        ([], "holds no box"),
        ({}, "must be a list"),
    ],
)
def test_damaged_detections_are_refused(read, coco_content, tmp_path, detections, message):
    (tmp_path / "boxes.json").write_text(json.dumps(detections))
    with pytest.raises(UserError, match=message):
        read(coco_content, boxes=tmp_path / "boxes.json")


def test_image_of_another_size_than_annotated_is_an_error(read, coco_content):
    coco_content["images"][0]["width"] = 200
    with pytest.raises(UserError, match="is 128 x 96 px, but its annotations say 200 x 96"):
        _ = read(coco_content).frame(0).image


def test_real_coco_images_are_read_without_a_problem(shared):
    folder = shared / "data/coco-mini"
    people = read_coco(folder / "annotations/person_keypoints_val2017.json", folder / "images/val2017")
    assert len(people) == 161
    assert sum(len(people.frame(i).boxes) for i in range(161)) == 505
