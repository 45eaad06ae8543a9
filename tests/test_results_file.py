"""Results made elsewhere: other categories, other names of images, and what is in no image at all."""

import json

import numpy as np
import pytest

from robustpose import estimators
from robustpose.data.coco import read_coco
from robustpose.data.coco_reading import Reading
from robustpose.data.spec import DataSpec
from robustpose.errors import DoubtWarning, UserError
from robustpose.evaluation import evaluate
from robustpose.pose.cell import CLEAN, Cell

FOG = Cell("fog", 3)


@pytest.fixture
def people(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()


@pytest.fixture
def results(coco_content):
    """Perfect results of the small dataset's 18 people."""
    made = [
        {key: person[key] for key in ("image_id", "category_id", "keypoints")} for person in coco_content["annotations"]
    ]
    return [{**person, "score": 1 - number / 100} for number, person in enumerate(made)]


@pytest.fixture
def make(people, tmp_path):
    """A function that makes the estimator of results, of one cell or of several."""

    def make_estimator(**by_cell):
        for cell, content in by_cell.items():
            (tmp_path / f"{cell.replace('_', '-')}.json").write_text(json.dumps(content))
        return estimators.build(f"results:{tmp_path}", people.skeleton, {})

    return make_estimator


@pytest.mark.parametrize(
    "name", [int, float, str, "{:06d}".format, "{:06d}.jpg".format, "val2017/{:06d}.jpg".format, "{:06d}.png".format]
)  # fmt: skip
def test_images_are_meant_by_id_or_by_file(people, make, results, name):
    for result in results:
        result["image_id"] = name(result["image_id"])
    assert evaluate(people, make(clean=results))["AP"] == pytest.approx(1)


def test_poses_of_other_categories_are_left_out_and_counted(people, make, results):
    others = [{**result, "category_id": 18, "score": 2} for result in results[:5]]
    with pytest.warns(DoubtWarning, match="5 poses of other categories are left out"):
        assert evaluate(people, make(clean=[*others, *results]))["AP"] == pytest.approx(1)


@pytest.mark.parametrize("category", [1, 1.0, "1"])
def test_category_may_be_quoted(people, make, results, category):
    assert evaluate(people, make(clean=[{**r, "category_id": category} for r in results]))["AP"] == pytest.approx(1)


def test_results_without_a_category_are_taken(people, make, results):
    for result in results:
        del result["category_id"]
    assert evaluate(people, make(clean=results))["AP"] == pytest.approx(1)


def spoil(change):
    return pytest.param(change, id=change.__name__)


def another_category(results):
    for result in results:
        result["category_id"] = 0
    return r"clean\.json holds nothing of category 1, which the data are of: its category_id is 0 \(18 times\)"


def some_without_category(results):
    del results[3]["category_id"]
    return r"clean\.json: entry 3 lacks category_id, which others have"


def ids_of_no_image(results):
    for result in results:
        result["image_id"] += 1000
    return (
        r"none of its image ids, such as 1001 and 1002, is of one of the 9 images, whose ids are such as 1 and 2 and "
        r"files '000001\.jpg' and '000002\.jpg'"
    )


def files_of_no_image(results):
    for result in results:
        result["image_id"] = f"COCO_val_{result['image_id']}"
    return r"none of its image ids, such as 'COCO_val_1' and 'COCO_val_2', is of one of the 9 images"


def nobody(results):
    results.clear()
    return "hold no pose for any of the 9 images"


def another_person(results):
    results[4]["truth_row"] = 0
    results[5]["truth_row"] = 2
    return r"truth_row 2 in image 3 is of nobody, 2 people are annotated there"


@pytest.mark.parametrize(
    "change",
    [
        spoil(change)
        for change in (
            another_category, some_without_category, ids_of_no_image, files_of_no_image, nobody, another_person,
        )
    ],
)  # fmt: skip
def test_results_that_cannot_be_of_these_images_are_one_line(people, make, results, change):
    message = change(results)
    with pytest.raises(UserError, match=message) as error:
        evaluate(people, make(clean=results))
    assert "\n" not in str(error.value)


def test_poses_of_no_image_are_counted(people, make, results):
    for result in results[:4]:
        result["image_id"] += 1000
    with pytest.warns(DoubtWarning, match="4 of 18 poses are left out: .* do not have, such as 1001"):
        assert evaluate(people, make(clean=results))["AP"] < 0.9


def test_part_of_the_images_has_results_of_all_without_a_doubt(coco_folder, make, results):
    few = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=3).open()
    assert evaluate(few, make(clean=results))["AP"] == pytest.approx(1)


def test_results_for_hardly_half_of_the_images_are_a_doubt(people, coco_content, make, results):
    ids = sorted({person["image_id"] for person in results})
    one_missed = [person for person in results if person["image_id"] != ids[0]]
    evaluate(people, make(clean=one_missed))
    half = [person for person in results if person["image_id"] in ids[: len(ids) // 2]]
    n_empty = len(ids) - len(ids) // 2
    with pytest.warns(
        DoubtWarning, match=f"has no pose in {n_empty} of the {len(ids)} images with people, who all cou"
    ):
        evaluate(people, make(clean=half))


def test_ids_are_read_alike_in_all_cells(coco_folder, coco_content, tmp_path, make, results):
    """Numbers of files from 1, ids from 2: in fog nobody is found in the first image, so its ids could be either."""
    for entry in (*coco_content["images"], *coco_content["annotations"]):
        entry["id" if "file_name" in entry else "image_id"] += 1
    (tmp_path / "shifted").mkdir()
    (tmp_path / "shifted" / "people.json").write_text(json.dumps(coco_content))
    people = read_coco(tmp_path / "shifted" / "people.json", coco_folder / "images")
    estimator = make(clean=results, fog_3=[result for result in results if result["image_id"] > 1])
    estimator.check_data(people, [CLEAN, FOG])
    for index in (1, 8):
        frame = people.frame(index)
        (found,) = estimator.predict([frame])
        assert found.image_id == index + 2
        np.testing.assert_allclose(found.xy[0], people.truth(index).xy[0])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        *(
            ("score", value, "result 3: score must be a finite number")
            for value in (None, "1", float("nan"), True, [1])
        ),
        *(
            ("keypoints", value, "result 3: keypoints")
            for value in (None, "x", [None] * 51, ["1"] * 51, [[1, 2, 2]] * 17)
        ),
        ("keypoints", [float("inf")] * 51, r"result 3: keypoints\[0\] must be a finite number"),
        ("keypoints", [1, 2] * 17, "result 3 must hold 51 keypoint values .17 joints., got 34"),
        *(
            ("image_id", value, "result 3: image_id must be a whole number or text")
            for value in (None, [1], {}, True, 1.5)
        ),
        *(("category_id", value, "result 3: category_id must be a whole number or text") for value in ([1], True, 0.5)),
        *(
            ("truth_row", value, "result 3: truth_row must be a whole number of 0 or more")
            for value in (-1, "0", 1.5, True)
        ),
    ],
)
def test_damaged_result_is_one_line_that_names_it(people, make, results, field, value, message):
    results[3][field] = value
    with pytest.raises(UserError, match=message) as error:
        evaluate(people, make(clean=results))
    assert "clean.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_poses_of_any_of_several_categories_taken_as_one_are_ours(coco_folder, coco_content, tmp_path, make, results):
    coco_content["categories"].append({**coco_content["categories"][0], "id": 7, "name": "dog"})
    for entry in (*coco_content["annotations"][:8], *results[:8]):
        entry["category_id"] = 7
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "people.json").write_text(json.dumps(coco_content))
    both = read_coco(tmp_path / "both" / "people.json", coco_folder / "images", reading=Reading(category="all"))
    assert evaluate(both, make(clean=results))["AP"] == pytest.approx(1)
