"""Detection files of any detector: boxes that could not be what they should be are refused, or doubted."""

from dataclasses import replace

import numpy as np
import pytest

from robustpose.data.coco import read_coco
from robustpose.data.detections import read_detections
from robustpose.errors import UserError
from tests.test_boxes import detect, wanted_in, write_boxes


@pytest.mark.parametrize(
    ("detections", "message"),
    [
        ([3], "detection 0 must be an object, got 3"),
        ([None], "detection 0 must be an object, got None"),
        ([detect(1, [1, 2, 3, 4]), {"image_id": 1}], "detection 1 lacks bbox, category_id, score"),
        ([{**detect(1, [0, 0, 1, 1]), "bbox": 3}], "detection 0: bbox must be 4 finite numbers: x, y, .*, got 3"),
        ([{**detect(1, [0, 0, 1, 1]), "bbox": None}], "detection 0: bbox must be 4 finite numbers"),
        ([detect(1, [0, 0, 1])], "detection 0: bbox must be 4 finite numbers"),
        ([detect(1, ["a", 0, 1, 1])], "detection 0: bbox must be 4 finite numbers"),
        ([detect(1, [True, 0, 1, 1])], "detection 0: bbox must be 4 finite numbers"),
        ([detect(1, [0, 0, 1, float("nan")])], "detection 0: bbox must be 4 finite numbers"),
        ([detect(1, [0, 0, 1, 10**400])], "detection 0: bbox must be 4 finite numbers"),
        ([detect(1, [5, 5, -1, 4])], r"detection 0: bbox has a negative size, got \[5, 5, -1, 4\]"),
        ([detect(1, [0, 0, 1, 1], score=None)], "detection 0: score must be a finite number"),
        ([detect(1, [0, 0, 1, 1], score="0.9")], "detection 0: score must be a finite number"),
        ([detect([1], [0, 0, 1, 1])], r"detection 0: image_id must be a whole number or text, got \[1\]"),
        ([detect(True, [0, 0, 1, 1])], "detection 0: image_id must be a whole number or text, got True"),
        ([detect(1, [0, 0, 1, 1], category_id={})], "detection 0: category_id must be a whole number or text"),
        ([detect(2, [0, 0, 9, 9])], r"its image ids, such as 2, is of one of the 1 images.* 1 and files '000001\.jpg'"),
        ([detect(1, [0, 0, 9, 9], category_id=18)] * 2, r"nothing of category 1, .* category_id is 18 \(2 times\)"),
        ([], "holds no box"),
        ("boxes", "must be a list of COCO results, got str"),
        ({"annotations": []}, "must be a list of COCO results, got dict"),
    ],
)
def test_damaged_detections_are_one_line(tmp_path, detections, message):
    path = write_boxes(tmp_path / "boxes.json", detections)
    with pytest.raises(UserError, match=message) as error:
        read_detections(path, wanted_in(1))
    assert "\n" not in str(error.value)
    assert "boxes.json" in str(error.value)


def test_file_that_is_no_json_is_one_line(tmp_path):
    (tmp_path / "boxes.json").write_text("{")
    with pytest.raises(UserError, match=r"the detection file .*boxes\.json is no JSON"):
        read_detections(tmp_path / "boxes.json", wanted_in(1))


def test_boxes_of_other_categories_and_images_are_left_out(tmp_path):
    detections = [detect(1, [1, 2, 3, 4]), detect(1, [0, 0, 9, 9], category_id=2), detect(7, [0, 0, 9, 9])]
    found = read_detections(write_boxes(tmp_path / "boxes.json", detections), wanted_in(1, 2))
    assert list(found.table) == [1]
    np.testing.assert_array_equal(found.table[1][0], [[1, 2, 4, 6]])
    np.testing.assert_array_equal(found.table[1][1], [0.9])
    assert found.doubts == [
        "1 of 2 boxes of boxes.json are left out: they are of images that the data do not have, such as 7"
    ]


@pytest.mark.parametrize("name", ["{0}", "{0:06d}", "{0:06d}.jpg", "val/{0:06d}.png"])
def test_images_are_known_by_their_files_too(tmp_path, name):
    path = write_boxes(tmp_path / "boxes.json", [detect(name.format(i), [i, 2, 3, 4]) for i in (1, 2)])
    found = read_detections(path, wanted_in(1, 2))
    assert {image_id: boxes.xyxy[0, 0] for image_id, boxes in found.table.items()} == {1: 1, 2: 2}
    assert found.doubts == []


@pytest.fixture
def annotated(coco_folder, coco_content):
    """The annotated boxes (N, 4) xywh px of the small dataset with their images."""
    return [(person["image_id"], np.array(person["bbox"])) for person in coco_content["annotations"]]


@pytest.fixture
def read(coco_folder, tmp_path):
    """A function that opens the small dataset with detected boxes."""

    def read_boxes(boxes):
        found = [detect(image_id, box.tolist(), score=0.9 - i / 99) for i, (image_id, box) in enumerate(boxes)]
        path = write_boxes(tmp_path / "boxes.json", found)
        return read_coco(coco_folder / "people.json", coco_folder / "images", path)

    return read_boxes


def test_boxes_around_people_raise_no_doubt(read, annotated):
    assert read([(i, box + np.array([-3, 2, 5, -4])) for i, box in annotated]).warnings == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda box: [*box[:2], *(box[:2] + box[2:])],
            r"seem to be x1 y1 x2 y2, such as 45 10 83 70: expected x y width",
        ),
        (lambda box: box / [128, 96, 128, 96], r"are fractions of the image, at most 0\.7"),
    ],
)
def test_boxes_in_another_form_are_refused(read, annotated, change, message):
    with pytest.raises(UserError, match=message) as error:
        read([(i, np.array(change(box))) for i, box in annotated])
    assert "boxes.json" in str(error.value)


def test_boxes_of_which_some_are_fractions_are_refused(read, annotated):
    boxes = [(i, box / [128, 96, 128, 96] if i % 3 == 0 else box) for i, box in annotated]
    with pytest.raises(UserError, match=r"6 of 18 boxes of boxes\.json are fractions of the image, such as 0\.03"):
        read(boxes)


def test_one_speck_in_the_corner_among_many_boxes_is_taken(read, annotated):
    assert read([*annotated, *annotated, (1, np.array([0.2, 0.1, 0.9, 0.8]))]).warnings == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda box: 3 * box,
            "18 of 18 boxes of boxes.json reach far out of their images, such as 15 24 120 210 out of 128",
        ),
        (lambda box: 0.3 * box, "overlap only 0 of 18 annotated people"),
        (lambda box: [*(box[:2] + box[2:] / 2), *box[2:]], "overlap only"),
    ],
)
def test_boxes_that_are_not_where_people_are_raise_a_doubt(read, annotated, change, message):
    warnings = read([(i, np.array(change(box))) for i, box in annotated]).warnings
    assert [warning for warning in warnings if message in warning], warnings


def read_scores(tmp_path, scores):
    detections = [detect(1, [i, 2, 30, 40], score=score) for i, score in enumerate(scores)]
    return read_detections(write_boxes(tmp_path / "boxes.json", detections), wanted_in(1))


@pytest.mark.parametrize("scores", [[-0.1, -2.99, -0.5], [0.9, 0.8, -2.99]])
def test_scores_below_0_are_refused_for_they_turn_the_order_around(tmp_path, scores):
    with pytest.raises(UserError, match=r"boxes\.json must be 0 or more, got -2\.99 .*: are they logarithms") as error:
        read_scores(tmp_path, scores)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([90, 80, 0.7], "2 of 3 scores of boxes of boxes.json are above 1, up to 90: are they percent or logits?"),
        ([0, 0.0], "all scores of boxes of boxes.json are 0, and so are those of all poses"),
        ([0.9] * 5, "all 5 scores of boxes of boxes.json are 0.9: are they those of the detector?"),
    ],
)
def test_scores_that_hardly_are_a_detectors_raise_a_doubt(tmp_path, scores, message):
    (doubt,) = read_scores(tmp_path, scores).doubts
    assert doubt.startswith(message)


def test_scores_of_0_to_1_raise_no_doubt(tmp_path):
    assert read_scores(tmp_path, [1, 0.5, 0.0, 0.5, 1]).doubts == []


def test_scores_below_0_of_other_categories_and_images_do_not_matter(tmp_path):
    detections = [detect(1, [1, 2, 3, 4]), detect(1, [0, 0, 9, 9], -1, category_id=2), detect(7, [0, 0, 9, 9], -1)]
    found = read_detections(write_boxes(tmp_path / "boxes.json", detections), wanted_in(1, 2))
    assert found.table[1][1].tolist() == [0.9]


def test_boxes_of_several_categories_say_theirs(tmp_path):
    detections = [detect(1, [1, 2, 3, 4], category_id=7), detect(1, [0, 0, 9, 9]), detect(2, [0, 0, 9, 9])]
    path = write_boxes(tmp_path / "boxes.json", detections)
    table = read_detections(path, replace(wanted_in(1, 2), category_ids=(1, 7))).table
    assert [table[image_id].categories.tolist() for image_id in (1, 2)] == [[1, 0], [0]]
    assert read_detections(path, wanted_in(1, 2)).table[1].categories is None
