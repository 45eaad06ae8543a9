"""COCO's keypoint file: whatever is not of its type is one line that names the file, the entry and the field."""

import json

import pytest

from robustpose.data.coco import read_coco
from robustpose.data.coco_file import read_coco_file
from robustpose.errors import UserError

ID = "must be a whole number or text"
SIDE = "must be a whole number of pixels above 0"
NAME = "must be the path of a file in the image folder"
NUMBER = "must be a finite number, at most 1e9"


@pytest.fixture
def read(coco_folder, tmp_path):
    """A function that writes annotations and reads them with the small dataset's images."""

    def read_content(content):
        (tmp_path / "people.json").write_text(json.dumps(content))
        return read_coco(tmp_path / "people.json", coco_folder / "images")

    return read_content


def at(content, place):
    """Return the object that a place such as ``annotations/0`` leads to."""
    for part in place.split("/"):
        content = content[int(part) if part.isdecimal() else part]
    return content


@pytest.mark.parametrize(
    ("place", "field", "value", "message"),
    [
        *(("annotations", 3, value, "annotation number 3 .from 0. must be an object") for value in (None, [], 7, "x")),
        *(("images", 3, value, "image number 3 .from 0. must be an object") for value in (None, [])),
        *(("categories", 0, value, "category number 0 .from 0. must be an object") for value in (None, "person")),
        *(("annotations/2", "bbox", value, "annotation 3: bbox must be 4 numbers")
          for value in (None, [], [1, 2, 3], [1, 2, 3, 4, 5], ["1", "2", "3", "4"], [1, 2, None, 4], "1 2 3 4",
                        [[1, 2], [3, 4]], {"x": 1}, [1, 2, 3, float("inf")], [1, 2, 3, 1e300], [1, 2, 3, 10**400])),
        *(("annotations/2", "keypoints", value, "annotation 3: keypoints")
          for value in ("x", [[1, 2, 2]] * 17, ["1"] * 51, [None] * 51, [True] * 51, {"nose": [1, 2, 2]},
                        [float("nan")] * 51, [10**400] * 51, 7)),
        *(("annotations/2", "image_id", value, f"annotation 3: image_id {ID}") for value in (None, [1], {}, True, 1.5)),
        *(("annotations/2", "category_id", value, f"annotation 3: category_id {ID}") for value in (None, [1], True)),
        *(("annotations/2", "id", value, "annotation .*: id " + ID)
          for value in (None, [1], {}, True, 2.5, 10**30, "")),
        *(("annotations/2", "area", value, f"annotation 3: area {NUMBER}") for value in ("9", [9], True, float("inf"))),
        *(("annotations/2", "iscrowd", value, "annotation 3: iscrowd must be 0 or 1") for value in ("0", 2, 0.5, [])),
        *(("annotations/2", "head_size", value, "annotation 3: head_size must be a number") for value in ("7", -1)),
        *(("images/2", "width", value, f"image 3: width {SIDE}")
          for value in (None, "90", 0, -90, 90.5, True, [90], 1e300)),
        *(("images/2", "file_name", value, f"image 3: file_name {NAME}")
          for value in (None, 7, "a" * 5000, ["a.jpg"], True)),
        *(("images/2", "id", value, "image .*: id " + ID) for value in (None, [3], True, float("nan"))),
        *(("categories/0", "id", value, "category .*: id " + ID) for value in (None, [1], True)),
        *(("categories/0", "keypoints", value, "category 1: keypoints")
          for value in ("nose", {"nose": 1}, [1, 2], [None])),
        ("categories/0", "name", 7, "category 1: name must be text, got 7"),
    ],
)  # fmt: skip
def test_value_of_another_type_is_one_line_that_names_it(read, coco_content, place, field, value, message):
    at(coco_content, place)[field] = value
    with pytest.raises(UserError, match=rf"people\.json: {message}") as error:
        read(coco_content)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("place", "field"),
    [("annotations/2", field) for field in ("id", "image_id", "category_id", "bbox")]
    + [("images/2", field) for field in ("id", "file_name", "width", "height")]
    + [("categories/0", "id")],
)
def test_lacking_field_is_one_line_that_names_it(read, coco_content, place, field):
    del at(coco_content, place)[field]
    with pytest.raises(UserError, match=rf"people\.json: (annotation|image|category) .* lacks {field}"):
        read(coco_content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be a COCO object with a list 'images'"),
        ("null", "must be a COCO object with a list 'images'"),
        ('{"images": null, "annotations": [], "categories": []}', "a list 'images', got None"),
        ('{"images": [], "annotations": [], "categories": []}', "lists no images"),
        ("[" * 100_000 + "]" * 100_000, "is nested too deep"),
        ('{"images": [' + "9" * 6000 + "]}", "is no JSON"),
        ('{"images": [{}], "annotations": {}, "categories": []}', "a list 'annotations', got {}"),
    ],
)
def test_content_of_another_shape_is_one_line(tmp_path, text, message):
    (tmp_path / "people.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_coco_file(tmp_path / "people.json")
    assert "people.json" in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_id_used_twice_is_named(read, coco_content, key):
    coco_content[key].append(coco_content[key][0])
    with pytest.raises(UserError, match="id 1 occurs twice"):
        read(coco_content)


def test_whole_numbers_with_a_point_are_whole_numbers(read, coco_content):
    for image in coco_content["images"]:
        image |= {key: float(image[key]) for key in ("id", "width", "height")}
    for person in coco_content["annotations"]:
        person |= {key: float(person[key]) for key in ("id", "image_id", "category_id")}
    people = read(coco_content)
    assert [type(people.frame(i).image_id) for i in range(9)] == [int] * 9
    assert [len(people.truth(i).xy) for i in range(9)] == [2] * 9


def test_image_beyond_the_limit_is_refused_before_memory_is_taken(read, coco_content):
    coco_content["images"][2] |= {"width": 1e9, "height": 50}
    with pytest.raises(UserError, match=r"image 3 takes 50,000 megapixels.*ROBUSTPOSE_MAX_MEGAPIXELS"):
        read(coco_content)
