"""What is said of a measurement that is not the usual one of its data."""

import pytest

from robustpose.data.joints import choose_shared
from robustpose.pose.shared_joints import OtherJoints
from robustpose.results.doubts import is_fact
from robustpose.results.rows import data_name
from robustpose.results.scored import list_notes, tell_difference


@pytest.mark.parametrize(
    ("dataset", "notes"),
    [
        ({"metric": "coco_ap", "sigmas_from": "coco", "category": "person", "boxes": "gt"}, []),
        ({"metric": "coco_ap", "sigmas_from": "coco-wholebody", "parts": "wholebody"}, ["parts wholebody"]),
        ({"metric": "coco_ap", "area": "0.53 x box"}, ["areas 0.53 x box"]),
        ({"metric": "coco_ap", "category": "dog"}, ["category dog"]),
        ({"metric": "coco_ap", "category": "all", "categories": ["dog"]}, ["category dog"]),
        ({"metric": "coco_ap", "category": "*", "categories": ["dog"]}, ["category dog"]),
        ({"metric": "coco_ap", "category": "all", "categories": ["dog", "cat"]}, ["mean over 2 categories"]),
        ({"metric": "pck", "category": "all", "categories": ["dog", "cat"]}, ["2 categories", "pck:head_size@0.5"]),
        ({"metric": "coco_ap", "sigmas_from": "1/K", "joints_scored": "12 of 14"}, ["12 of 14 joints", "sigmas 1/K"]),
        ({"metric": "pck:box@0.2", "sigmas_from": "1/K"}, ["pck:box@0.2"]),
        ({"metric": "coco_ap", "sigmas_from": "mine.yaml"}, ["sigmas of mine.yaml"]),
    ],
)
def test_a_title_says_what_is_unusual_in_what_is_scored(dataset, notes):
    assert list_notes(dataset, []) == notes
    summary = {"provenance": {"dataset": {"name": "some.json", **dataset}}, "warnings": []}
    assert data_name(summary) == ("some.json" + (f" ({', '.join(notes)})" if notes else ""))


def test_categories_that_are_scored_as_one_are_no_mean_over_them():
    dataset = {"metric": "coco_ap", "category": "all", "categories": ["dog", "cat"]}
    assert list_notes(dataset, ["poses say nothing: all categories are scored as one, and AP is"]) == ["2 categories"]
    assert list_notes(dataset) == ["2 categories"]  # of a board, whose runs may differ in that


def test_other_joints_of_the_same_images_are_not_called_other_images():
    assert tell_difference(["parts", "sigmas_from"]) == "they are of other joints and sigmas on the same images"
    assert tell_difference(["area"]) == "they are of other areas on the same images"
    for keys in ([], ["n_images"], ["area", "image_files_sha256"]):
        assert tell_difference(keys) == "they are not of the same images"


def test_facts_of_a_measurement_are_no_doubts():
    doubt = choose_shared(["nose", "neck"], OtherJoints("other", ["nose", "left_eye"])).doubt
    assert is_fact(doubt)
    assert not is_fact("AP on clean images is 0.3, next to nothing: usual causes are")
