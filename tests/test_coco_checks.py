"""COCO's annotations as a whole: what cannot be right is refused, what hardly can be is doubted."""

import re

import numpy as np
import pytest

from robustpose.errors import UserError


def change(content, field, make):
    """Change a field of all people: `make` is given its numbers, and the size of the image."""
    sizes = {image["id"]: np.array([image["width"], image["height"]]) for image in content["images"]}
    for person in content["annotations"]:
        person[field] = np.asarray(make(np.array(person[field], float), sizes[person["image_id"]])).tolist()
    return content


def scale(numbers, factor):
    """Return keypoints with x and y times a factor (2,)."""
    points = numbers.reshape(-1, 3)
    return np.concatenate([points[:, :2] * factor, points[:, 2:]], axis=1).ravel()


def test_right_annotations_raise_no_doubt(read, coco_content):
    assert read(coco_content).warnings == []


@pytest.mark.parametrize(
    ("field", "make", "message"),
    [
        (
            "bbox",
            lambda box, size: [*box[:2], *(box[:2] + box[2:])],
            "annotated boxes .* x1 y1 x2 y2, such as 45 10 83 70",
        ),
        ("bbox", lambda box, size: box / [*size, *size], r"annotated boxes .* fractions of the image, at most 0\.7"),
        (
            "keypoints",
            lambda numbers, size: scale(numbers, 1 / size),
            "keypoints of people.json are fractions of the image, at most 0",
        ),
        ("area", lambda area, size: 0, r"nobody with joints has an area above 0.*--area box"),
    ],
)
def test_what_cannot_be_right_is_one_line(read, coco_content, field, make, message):
    with pytest.raises(UserError, match=message) as error:
        read(change(coco_content, field, make))
    assert "\n" not in str(error.value)
    assert "people.json" in str(error.value)


def test_corners_are_found_where_they_stay_inside_the_images(read, coco_content):
    for person in coco_content["annotations"]:
        person["bbox"] = [20, 20, 60, 60]
        person["keypoints"] = [20, 20, 2] * 8 + [60, 60, 2] * 9
    with pytest.raises(
        UserError, match=r"x1 y1 x2 y2, such as 20 20 60 60: .* As corners they end where the joints do"
    ):
        read(coco_content)


@pytest.mark.parametrize(
    ("field", "make", "message"),
    [
        ("bbox", lambda box, size: [*box[:2], *(3 * box[2:])], "18 of 18 annotated boxes of people.json reach far out"),
        (
            "keypoints",
            lambda numbers, size: scale(numbers, 3),
            "18 of 18 annotated people of people.json .* outside their boxes",
        ),
        (
            "keypoints",
            lambda numbers, size: numbers.reshape(-1, 3)[:, [1, 0, 2]].ravel() + [0, 60, 0] * 17,
            "of 18 annotated people of people.json have most of their joints outside their boxes",
        ),
        (
            "area",
            lambda area, size: area / size.prod(),
            "areas of people in people.json are 4.1e-05 of those of their box",
        ),
        ("area", lambda area, size: size.prod(), "areas of people in people.json are .* of those of their boxes"),
        ("num_keypoints", lambda n, size: 0, "18 annotations, such as 1, have joints and num_keypoints 0"),
    ],
)
def test_what_is_hardly_right_is_a_warning(read, coco_content, field, make, message):
    changed = change(coco_content, field, make)
    changed["annotations"] = [
        {**person, field: int(person[field]) if field == "num_keypoints" else person[field]}
        for person in changed["annotations"]
    ]
    warnings = read(changed).warnings
    assert [text for text in warnings if re.search(message, text)], warnings


def test_annotations_of_smaller_images_are_doubted(read, coco_content):
    for person in [*coco_content["annotations"]]:  # two more of each, so that there are many
        coco_content["annotations"].append({**person, "id": person["id"] + 100})
    assert read(coco_content).warnings == []
    halved = change(coco_content, "keypoints", lambda numbers, size: scale(numbers, 0.5))
    halved = change(halved, "area", lambda area, size: area / 4)
    (warning,) = read(change(halved, "bbox", lambda box, size: box / 2)).warnings
    assert warning.startswith("none of 36 annotated boxes of people.json reaches into the last fifth of its image")


def test_area_of_the_box_is_taken_where_asked(read, coco_content):
    for person in coco_content["annotations"][1:]:
        del person["area"]
    with pytest.raises(UserError, match=r"annotation 2 lacks 'area'.*in all: give areas, .*--area box"):
        read(coco_content)
    people = read(coco_content, area="box")
    np.testing.assert_allclose(people.truth(0).area, [40 * 70 * 0.53, 38 * 60 * 0.53])  # of everybody, in the same way
    assert people.provenance["area"] == "0.53 x box"


@pytest.mark.parametrize("area", [None, -5])
def test_person_without_an_area_is_named(read, coco_content, area):
    coco_content["annotations"][2]["area"] = area
    with pytest.raises(UserError, match=r"annotation 3 (lacks 'area'|has an area below 0, -5): .*--area box"):
        read(coco_content)


def test_some_people_of_area_0_are_counted(read, coco_content):
    coco_content["annotations"][2]["area"] = 0
    (warning,) = read(coco_content).warnings
    assert "1 of 18 people with joints have an area of 0, such as annotation 3" in warning


@pytest.mark.parametrize("flag", [0.5, 3, -1, 1e9])
def test_visibility_beside_the_flags_is_named_with_the_way_out(read, coco_content, flag):
    coco_content["annotations"][2]["keypoints"][5] = flag
    with pytest.raises(
        UserError, match=r"annotation 3 has a visibility other than 0, 1 or 2, .*--visibility fractions"
    ):
        read(coco_content)


def test_visibility_may_be_a_confidence(read, coco_content):
    keypoints = coco_content["annotations"][2]["keypoints"]
    keypoints[2::3] = [0, 0.3, 1.0, 7, *[0.9] * 13]
    people = read(coco_content, visibility="fractions")
    assert people.truth(1).visible[0].tolist() == [0, *[2] * 16]
    assert people.provenance["visibility"] == "fractions"
    keypoints[2] = -1
    with pytest.raises(UserError, match="annotation 3 has a visibility below 0: -1"):
        read(coco_content, visibility="fractions")


@pytest.mark.parametrize("nothing", [None, []])
def test_person_without_keypoints_is_unmarked(read, coco_content, nothing):
    coco_content["annotations"][0] |= {"keypoints": nothing, "num_keypoints": 0}
    assert read(coco_content).truth(0).counted.tolist() == [False, True]


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3]], "an outline needs x and y of each corner, got 3 numbers"),
        *((wrong, "it must be outlines or run lengths, got")
          for wrong in ("abc", [[]], [1, 2, 3], [["1", 2]], [None], [[float("nan"), 1]], [[1e9, 1]], 7)),
        ({}, "it is of size None, the image is .96, 128."),
        ({"size": [96, 128], "counts": None}, "counts must be run lengths of 0 or more, or text, got None"),
        ({"size": [96, 128], "counts": [-5, 96 * 128 + 5]}, "counts must be run lengths of 0 or more"),
        ({"size": [96, 128], "counts": [10**15]}, "it has 1000000000000000 pixels"),
        ({"size": [96, 128], "counts": "zz"}, ""),
        ({"size": "big", "counts": "zz"}, "it is of size 'big'"),
    ],
)  # fmt: skip
def test_damaged_segmentation_of_an_ignored_person_is_named(read, coco_content, segmentation, message):
    coco_content["annotations"][0] |= {"iscrowd": 1, "segmentation": segmentation}
    with pytest.raises(UserError, match=f"annotation 1 has a segmentation that cannot be read: .*{message}") as error:
        read(coco_content)
    assert "\n" not in str(error.value)
