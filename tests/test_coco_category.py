"""Categories of a COCO file: which is looked for, and limbs that people count and write in many ways."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from robustpose.benchmark.run import run_bench
from robustpose.data.coco_skeleton import read_limbs
from robustpose.data.spec import DataSpec, describe_data
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN
from tests.conftest import CATEGORY

JOINTS = ("a", "b", "c")


@pytest.fixture
def animals(coco_content):
    """Annotations of two categories with the same joints: the first of every image is a dog, the second a cat."""
    coco_content["categories"] = [{**CATEGORY, "id": 3, "name": "dog"}, {**CATEGORY, "id": 5, "name": "cat"}]
    for number, animal in enumerate(coco_content["annotations"]):
        animal["category_id"] = 5 if number % 2 else 3
    return coco_content


@pytest.mark.parametrize("name", ["cat", "5"])
def test_category_is_named_or_given_by_its_id(read, animals, name):
    cats = read(animals, category=name)
    assert [len(cats.truth(i).xy) for i in range(9)] == [1] * 9
    np.testing.assert_array_equal(cats.truth(0).boxes[0, :2], animals["annotations"][1]["bbox"][:2])
    assert (cats.category_ids, cats.skeleton.name, cats.provenance["category"]) == ((5,), "cat", name)


def test_all_categories_with_the_same_joints_are_taken_and_people_say_theirs(read, animals):
    both = read(animals, category="all")
    assert [len(both.truth(i).xy) for i in range(9)] == [2] * 9
    assert (both.category_ids, both.provenance["category"]) == ((3, 5), "all")
    assert both.category_names == ("dog", "cat")
    assert both.provenance["categories"] == ["dog", "cat"]
    for i in range(9):
        frame = both.frame(i)
        assert both.truth(i).categories.tolist() == [0, 1]
        assert frame.box_categories.tolist() == both.truth(i).categories[frame.truth_rows].tolist()


def test_people_of_one_category_do_not_say_it(read, animals):
    cats = read(animals, category="cat")
    assert cats.category_names == ("cat",)
    assert cats.truth(0).categories is cats.frame(0).box_categories is None


def test_categories_without_names_of_their_own_are_called_by_their_ids(read, animals):
    animals["categories"][1]["name"] = "dog"
    assert read(animals, category="all").category_names == ("3", "5")


@pytest.mark.parametrize(
    ("category", "message"),
    [
        (None, r"'dog' \(id 3\) and 'cat' \(id 5\): choose one, or all of them, .*--category NAME"),
        ("horse", r"has no category 'horse' .* those with keypoints are: 'dog' \(id 3\) and 'cat' \(id 5\)"),
        ("car", "has no keypoints for category 'car'"),
    ],
)
def test_category_that_is_not_there_is_one_line_that_lists_all(read, animals, category, message):
    animals["categories"].append({"id": 9, "name": "car"})
    with pytest.raises(UserError, match=message):
        read(animals, category=category)


@pytest.fixture
def named_like_others(animals):
    """Three categories: one is called `all`, one as another's id."""
    animals["categories"][0]["name"], animals["categories"][1]["name"] = "all", "8"
    animals["categories"].append({**CATEGORY, "id": 8, "name": "dog"})
    animals["annotations"][0]["category_id"] = 8
    return animals


@pytest.mark.parametrize(
    ("category", "message"),
    [
        (
            "all",
            r"--category all may be the category of that name or all of them .*: say --category name:all, or .*'\*'",
        ),
        ("8", r"--category 8 is one category's name and another one's id .*: say --category name:8 or --category id:8"),
    ],
)
def test_category_that_may_be_two_is_refused(read, named_like_others, category, message):
    with pytest.raises(UserError, match=message):
        read(named_like_others, category=category)


@pytest.mark.parametrize(
    ("category", "ids"),
    [("name:all", (3,)), ("3", (3,)), ("*", (3, 5, 8)), ("name:8", (5,)), ("id:8", (8,)), ("dog", (8,)), ("5", (5,))],
)
def test_each_of_two_can_be_said(read, named_like_others, category, ids):
    assert read(named_like_others, category=category).category_ids == ids


def test_name_that_can_be_meant_in_one_way_only_is_taken(read, coco_content):
    coco_content["categories"][0]["name"] = "all"
    assert read(coco_content, category="all").category_names == ("all",)
    coco_content["categories"].append({"id": 9, "name": "1"})  # without joints
    assert read(coco_content, category="1").category_ids == (1,)


def test_categories_with_other_joints_are_not_taken_together(read, animals):
    animals["categories"][1]["keypoints"] = animals["categories"][1]["keypoints"][::-1]
    with pytest.raises(UserError, match="do not have the same joints"):
        read(animals, category="all")
    with pytest.raises(UserError, match=r"choose one, category: NAME"):
        read(animals)


def test_person_is_taken_beside_others(read, animals):
    animals["categories"][1]["name"] = "person"
    assert read(animals).category_ids == (5,)


def test_annotations_of_no_category_are_an_error_or_counted(read, coco_content):
    coco_content["annotations"][0]["category_id"] = 8
    (warning,) = read(coco_content).warnings
    assert warning == "1 of 18 annotations are left out: their category_id, such as 8, is of no category of the file"
    for person in coco_content["annotations"]:
        person["category_id"] = "1"
    with pytest.raises(UserError, match=r"none of the 18 .* 'person' \(id 1\); their category_id is '1' \(18 times\)"):
        read(coco_content)


@pytest.mark.parametrize("category_id", [0, 7, "person-1"])
def test_poses_are_written_with_the_category_of_the_data(coco_folder, coco_content, make_job, tmp_path, category_id):
    coco_content["categories"][0]["id"] = category_id
    for person in coco_content["annotations"]:
        person["category_id"] = category_id
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    spec = DataSpec(annotations=tmp_path / "people.json", images=coco_folder / "images", limit=3)
    job = replace(make_job(tmp_path / "run"), make_dataset=spec.open)
    run_bench(job, [CLEAN], n_resamples=0)
    written = json.loads((tmp_path / "run/predictions/clean.json").read_text())
    assert {pose["category_id"] for pose in written} == {category_id}


@pytest.mark.parametrize(
    ("given", "limbs", "warning"),
    [
        (None, (), None),
        ([[1, 2], [2, 3]], ((0, 1), (1, 2)), None),
        ([["a", "b"], ["c", "a"]], ((0, 1), (2, 0)), None),
        ([[1.0, 2.0]], ((0, 1),), None),
        ([[0, 1], [1, 2]], ((0, 1), (1, 2)), "taken as counted from 0"),
        ([[1, 2], [1, 4]], ((0, 1),), r"1 of 2 limbs .* cannot be drawn, such as \[1, 4\]"),
        ([[1, 2], [0, 3]], ((0, 1),), r"cannot be drawn, such as \[0, 3\]"),
        ([["a", "z"]], (), "cannot be drawn, such as .'a', 'z'"),
        ([{"from": 1, "to": 2}], (), "cannot be drawn, such as {'from': 1"),
        ({"a": "b"}, (), "1 of 1 limbs .* cannot be drawn"),
        ("a-b", (), "cannot be drawn, such as 'a-b'"),
        ([[1, 2, 3], None, [True, 1], [[1], 2], 7, [float("nan"), 1], [10**300, 1]], (), "7 of 7 limbs"),
    ],
)
def test_limb_that_cannot_be_drawn_is_a_warning(given, limbs, warning):
    found, warnings = read_limbs(given, JOINTS)
    assert found == limbs
    assert len(warnings) == (warning is not None)
    assert all(re.search(warning, text) for text in warnings)


def test_reading_is_a_part_of_the_description_of_data(coco_folder, animals, tmp_path):
    (tmp_path / "animals.json").write_text(json.dumps(animals))
    given = {"annotations": tmp_path / "animals.json", "images": coco_folder / "images", "category": 5, "area": "box"}
    cats = describe_data(given).open()
    assert cats.provenance["area"] == "0.53 x box"
    width, height = animals["annotations"][1]["bbox"][2:]
    np.testing.assert_allclose(cats.truth(0).area, [width * height * 0.53])
    with pytest.raises(UserError, match="area must be 'annotated' or 'box', got 'boxes'"):
        describe_data({**given, "area": "boxes"})
