"""Units of each person: fractions of the image among numbers in px are found, however few, and small people are not."""

import numpy as np
import pytest

from robustpose.errors import UserError


def alter(content, rows, make):
    """Change some of 18 people: `make` is given a person, and the size of the image."""
    sizes = {image["id"]: np.array([image["width"], image["height"]]) for image in content["images"]}
    for row in rows:
        person = content["annotations"][row]
        person.update(make(person, sizes[person["image_id"]]))
    return content


def box_in_fractions(person, size):
    return {"bbox": (np.array(person["bbox"]) / [*size, *size]).tolist()}


def joints_in_fractions(person, size):
    points = np.array(person["keypoints"], float).reshape(-1, 3) / [*size, 1]
    return {"keypoints": points.ravel().tolist()}


def area_in_fractions(person, size):
    return {"area": float(person["area"] / size.prod())}


def joints_at(x, y, n_joints=17):
    """Return keypoints of which the first are within half a px of a point, the others not annotated."""
    spots = [[x + 0.5 * k / 17, y + 0.3 * k / 17, 2] for k in range(n_joints)]
    return np.ravel(spots + [[0, 0, 0]] * (17 - n_joints)).tolist()


@pytest.mark.parametrize("rows", [[3], range(0, 18, 3), range(7), range(18)])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            box_in_fractions,
            r"^{} of 18 annotated boxes of people\.json are fractions of the image, at most 0\.\d+, such as",
        ),
        (
            joints_in_fractions,
            r"^keypoints of people\.json are fractions of the image, at most 0\.\d+, of {} of 18 people",
        ),
    ],
)
def test_some_people_in_fractions_are_refused_with_an_example(read, coco_content, rows, make, message):
    with pytest.raises(UserError, match=message.format(len(rows))) as error:
        read(alter(coco_content, rows, make))
    assert f"annotation {rows[0] + 1}: expected px" in str(error.value)
    assert "\n" not in str(error.value)


def test_one_joint_in_fractions_is_told_by_a_box_that_is_elsewhere(read, coco_content):
    def make(person, size):
        return {"keypoints": joints_at(0.4, 0.6, n_joints=1)}

    with pytest.raises(UserError, match="of 1 of 18 people, such as annotation 2: expected px"):
        read(alter(coco_content, [1], make))  # whose box begins at 45, 10


@pytest.mark.parametrize(
    ("box", "numbers"),
    [
        ([60, 30, 2, 1.5], joints_at(60.2, 30.1)),  # smaller than a px, elsewhere
        ([0, 0, 4, 3], joints_at(0.2, 0.3)),  # in the corner
        ([0, 0, 40, 60], joints_at(0.2, 0.3, n_joints=1)),  # one joint in the corner that the box begins in
        ([0, 0, 1, 1], joints_at(60.2, 30.1)),  # no box, as some programs write it
        ([45, 10, 38, 60], [0, 0, 1] * 17),  # no joints, likewise
    ],
)
def test_small_people_and_placeholders_are_taken(read, coco_content, box, numbers):
    changed = alter(coco_content, [1], lambda person, size: {"bbox": box, "keypoints": numbers, "area": 2.0})
    assert not [text for text in read(changed).warnings if "fractions" in text]


def test_numbers_of_joints_that_are_not_annotated_do_not_matter(read, coco_content):
    def make(person, size):
        numbers = joints_in_fractions(person, size)["keypoints"]
        return {"keypoints": [*numbers[:-3], 70.5, 50.5, 0]}

    with pytest.raises(UserError, match="of 1 of 18 people, such as annotation 5"):
        read(alter(coco_content, [4], make))


@pytest.mark.parametrize("rows", [[3], range(0, 18, 3)])
def test_areas_of_some_people_in_fractions_are_a_warning(read, coco_content, rows):
    (warning,) = read(alter(coco_content, rows, area_in_fractions)).warnings
    assert warning.startswith(
        f"areas of {len(rows)} of 18 people in people.json do not go with their boxes, such as 0."
    )
    assert f"of annotation {rows[0] + 1} with a box of" in warning


@pytest.mark.parametrize("factor", [0.01, 100])
def test_areas_of_many_people_in_another_unit_are_a_warning(read, coco_content, factor):
    changed = alter(coco_content, range(0, 18, 3), lambda person, size: {"area": person["area"] * factor})
    (warning,) = read(changed).warnings
    assert warning.startswith("areas of 6 of 18 people in people.json do not go with their boxes, such as ")


def test_area_of_one_person_may_be_small_or_large(read, coco_content):
    changed = alter(coco_content, [3], lambda person, size: {"area": person["area"] * 0.05})
    assert read(changed).warnings == []


def test_areas_of_boxes_are_taken_instead_without_a_warning(read, coco_content):
    assert read(alter(coco_content, range(6), area_in_fractions), area="box").warnings == []
