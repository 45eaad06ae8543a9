"""Results in COCO-WholeBody's own form: fields for feet, face and hands beside the body's joints."""

import json
import warnings

import pytest

from robustpose import estimators
from robustpose.data.coco import read_coco
from robustpose.data.coco_reading import Reading
from robustpose.errors import DoubtWarning, UserError
from robustpose.evaluation import evaluate
from robustpose.pose.whole_body import PARTS

SIZES = {f"{part}_kpts": len(joints) for part, joints in PARTS.items()}


@pytest.fixture
def content(coco_content):
    """Annotations with all parts, whose joints are in the person's box."""
    for person in coco_content["annotations"]:
        x, y, width, height = person["bbox"]
        for field, n_joints in SIZES.items():
            xy = [(x + width * k / n_joints, y + height * k / n_joints) for k in range(n_joints)]
            person[field] = [number for x_y in xy for number in (*x_y, 2)]
    return coco_content


@pytest.fixture
def open_people(coco_folder, content, tmp_path):
    """A function that reads the annotations, of the whole body by default."""

    def read(parts="wholebody"):
        (tmp_path / "whole.json").write_text(json.dumps(content))
        return read_coco(tmp_path / "whole.json", coco_folder / "images", reading=Reading(parts=parts))

    return read


@pytest.fixture
def results(content):
    """Perfect results in the form of the annotations."""
    fields = ("image_id", "category_id", "keypoints", *SIZES)
    made = [{field: person[field] for field in fields} for person in content["annotations"]]
    return [{**person, "score": 1 - number / 100} for number, person in enumerate(made)]


@pytest.fixture
def score(tmp_path, open_people):
    """A function that returns the score of results."""

    def score_results(found, parts="wholebody", **options):
        (tmp_path / "results").mkdir(exist_ok=True)
        (tmp_path / "results" / "clean.json").write_text(json.dumps(found))
        people = open_people(parts)
        return evaluate(people, estimators.build(f"results:{tmp_path / 'results'}", people.skeleton, options))

    return score_results


def test_parts_beside_the_body_are_all_133_joints(score, results):
    assert score(results)["AP"] == pytest.approx(1)
    for person in results:
        person["face_kpts"] = [number + 500 for number in person["face_kpts"]]
    assert score(results)["AP"] < 0.5


def test_scores_are_those_of_the_same_joints_in_one_list(score, results):
    for number, person in enumerate(results):
        person["lefthand_kpts"] = [value + number for value in person["lefthand_kpts"]]
    one_list = [{**p, "keypoints": [number for field in ("keypoints", *SIZES) for number in p[field]]} for p in results]
    assert score(results) == score(one_list)  # whose other fields are not looked at
    assert score(results) == score([{k: v for k, v in p.items() if k not in SIZES} for p in one_list])


def test_score_of_the_whole_body_is_the_one_that_its_evaluation_sorts_by(score, results):
    wrong = [
        {**person, "score": 0.001, "keypoints": [0.0] * 51, **{f: [0.0] * 3 * n for f, n in SIZES.items()}}
        for person in results
    ]
    assert score([*results, *wrong])["AP"] == pytest.approx(1)
    for person in wrong:
        person["wholebody_score"] = 2
    with_own = score([*results, *wrong])["AP"]
    assert with_own < 0.9
    for person in wrong:
        del person["score"]
    assert score([*results, *wrong])["AP"] == with_own


def test_body_is_scored_by_its_own_score_without_a_doubt(score, results):
    for person in results:
        person |= {"wholebody_score": 1 - person["score"], "foot_kpts": []}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "annotations have")  # that there are more joints
        assert score(results, parts=None)["AP"] == pytest.approx(1)


def test_scores_of_parts_are_named_as_not_used(score, results):
    for person in results:
        person["foot_score"] = 0.5
    with pytest.warns(DoubtWarning, match="foot_score of results is not used"):
        assert score(results)["AP"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"face_kpts": None}, "result 2: face_kpts must be a valid list, got None"),
        ({"face_kpts": [1, 2, 3]}, "result 2: face_kpts needs 204 values .68 joints., got 3"),
        ({"foot_kpts": ["1"] * 18}, r"result 2: foot_kpts\[0\] must be a finite number"),
        ({"keypoints": [1, 2, 3]}, "result 2: keypoints needs 51 values .17 joints., got 3"),
    ],
)  # fmt: skip
def test_damaged_parts_are_one_line(score, results, change, message):
    results[2].update(change)
    with pytest.raises(UserError, match=message) as error:
        score(results)
    assert "clean.json" in str(error.value)


def test_part_that_is_lacking_is_named(score, results):
    del results[2]["righthand_kpts"]
    with pytest.raises(UserError, match="result 2 lacks righthand_kpts"):
        score(results)
