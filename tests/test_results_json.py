import json
from dataclasses import replace

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.pose.results_json import read_results, round_all, round_poses, write_results
from robustpose.pose.types import NotFinite, Poses, join_poses
from robustpose.reading import parse_json
from tests.people import assert_same_poses

RNG = np.random.default_rng(0)
POSES = [
    Poses(i, RNG.uniform(0, 90, (n, 5, 2)), RNG.random((n, 5)), RNG.random(n)) for i, n in ((7, 2), (3, 1), (4, 0))
]


def test_what_is_written_is_read_back_to_the_last_decimal(tmp_path):
    write_results(tmp_path / "r.json", POSES)
    read = read_results(tmp_path / "r.json", 5)
    assert list(read) == [7, 3]
    for poses in POSES[:2]:
        expected = round_poses(poses)
        np.testing.assert_array_equal(read[poses.image_id].xy, expected.xy)
        np.testing.assert_array_equal(read[poses.image_id].confidence, expected.confidence)
        np.testing.assert_array_equal(read[poses.image_id].score, expected.score)


def test_file_is_a_plain_coco_results_list(tmp_path):
    write_results(tmp_path / "r.json", POSES)
    results = json.loads((tmp_path / "r.json").read_text())
    assert [set(r) for r in results] == [{"image_id", "category_id", "keypoints", "score"}] * 3
    write_results(tmp_path / "empty.json", [])
    assert json.loads((tmp_path / "empty.json").read_text()) == []


def test_rounding_twice_changes_nothing():
    once = round_poses(POSES[0])
    np.testing.assert_array_equal(round_poses(once).xy, once.xy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("{}", "must be a list"),
        ("[1]", "result 0 must be an object, got 1"),
        ('[{"image_id": 1, "score": 1}]', "lacks keypoints"),
        ('[{"image_id": 1, "score": 1, "keypoints": [1, 2, 3]}]', "must hold 15 .*another skeleton"),
    ],
)
def test_damaged_file_is_an_error_that_names_it(tmp_path, content, message):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(UserError, match=message):
        read_results(tmp_path / "r.json", 5)


def test_poses_of_an_image_that_do_not_follow_each_other_are_read_together(tmp_path):
    others = [Poses("b", RNG.uniform(0, 90, (3, 5, 2)), RNG.random((3, 5)), RNG.random(3)), *POSES[:2], POSES[0]]
    write_results(tmp_path / "r.json", others)
    read = read_results(tmp_path / "r.json", 5)
    assert list(read) == ["b", 7, 3]
    twice = round_poses(join_poses([POSES[0], POSES[0]]))
    assert_same_poses([read[7], read[3]], [twice, round_poses(POSES[1])])


JSON = [
    "[-0, -0.0, 1e400, 123456789012345678901234567890, 0.1000000000000000055511151231]",
    '{"a": 1, "a": [NaN, -Infinity]}',
    '["\\ud800", "\\ud83d\\ude00"]',
    "[1]".encode("utf-16"),
    b"\xef\xbb\xbf[2]",
]


@pytest.mark.parametrize("raw", JSON)
def test_json_is_read_as_python_reads_it(raw):
    assert repr(parse_json(raw, "it")) == repr(json.loads(raw))


def test_poses_of_several_images_are_rounded_as_those_of_each():
    single = Poses(9, np.float32([[[1.23456, 2.5]] * 5]), np.float32([[0.12345678] * 5]), np.float32([0.5]))
    rounded = join_poses([round_poses(poses) for poses in (*POSES, single)])
    for found, name in zip(round_all([*POSES, single]), ("xy", "confidence", "score"), strict=True):
        np.testing.assert_array_equal(found, getattr(rounded, name))
    huge = Poses(8, np.full((1, 5, 2), 1e307), np.ones((1, 5)), np.ones(1))
    with pytest.raises(NotFinite, match="of image 8"), np.errstate(over="ignore"):
        round_all([*POSES, huge])


def test_poses_of_several_categories_are_written_and_read_with_their_own(tmp_path):
    ids, categories = ("dog", 7), np.arange(len(POSES[0].score)) % 2
    write_results(tmp_path / "r.json", [replace(POSES[0], categories=categories)], ids)
    content = json.loads((tmp_path / "r.json").read_text())
    assert [result["category_id"] for result in content] == [ids[category] for category in categories]
    (read,) = read_results(tmp_path / "r.json", 5, category_ids=ids).values()
    np.testing.assert_array_equal(read.categories, categories)


def test_poses_that_do_not_say_their_category_say_none_in_files_of_several(tmp_path):
    write_results(tmp_path / "r.json", [POSES[0]], (3, 5))
    assert "category_id" not in json.loads((tmp_path / "r.json").read_text())[0]
    (read,) = read_results(tmp_path / "r.json", 5, category_ids=(3, 5)).values()
    assert read.categories is None


def test_category_that_the_data_do_not_have_is_named(tmp_path):
    poses = replace(POSES[0], categories=np.full(len(POSES[0].score), 2))
    with pytest.raises(UserError, match=r"of image . must be indices of the dataset's category_ids, 0\.\.1, got \[2"):
        write_results(tmp_path / "r.json", [poses], (3, 5))
