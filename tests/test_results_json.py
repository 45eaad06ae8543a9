import json

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.pose.results_json import read_results, round_poses, write_results
from robustpose.pose.types import Poses

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
