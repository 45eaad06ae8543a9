import numpy as np
import pytest

from robustpose.metrics.oks_kernels import RECALLS, average_precision, compare_people, match_people, variances_of
from robustpose.pose.oks import oks_to_each
from robustpose.pose.skeletons import COCO
from tests.people import truth_of

VARIANCES = variances_of(np.array(COCO.sigmas))
THRESHOLDS = np.linspace(0.5, 0.95, 10)


def compare(xy, truth):
    return compare_people(np.array(xy, float), truth.xy, truth.visible > 0, truth.boxes, truth.area, VARIANCES)


def test_oks_is_one_at_the_truth_and_falls_with_the_distance():
    truth = truth_of(np.random.default_rng(0).uniform(0, 200, (1, 17, 2)))
    oks = compare([truth.xy[0], truth.xy[0] + 5, truth.xy[0] + 50], truth)[:, 0]
    assert oks[0] == 1
    assert oks[0] > oks[1] > oks[2] >= 0


def test_oks_is_that_of_the_suppression_where_all_joints_are_annotated():
    rng = np.random.default_rng(1)
    truth = truth_of(rng.uniform(0, 200, (3, 17, 2)))
    xy = truth.xy[[0, 1, 2, 0]] + rng.normal(0, 8, (4, 17, 2))
    expected = [oks_to_each(one, 0.0, truth.xy, 2 * truth.area, COCO.sigmas) for one in xy]
    np.testing.assert_allclose(compare(xy, truth), expected, rtol=1e-12)


def test_joints_that_are_not_annotated_do_not_enter_oks():
    rng = np.random.default_rng(2)
    visible = np.array([[2] * 5 + [0] * 12])
    truth = truth_of(rng.uniform(0, 200, (1, 17, 2)), visible)
    xy = truth.xy + 3
    moved = xy.copy()
    moved[:, 5:] += 500
    np.testing.assert_array_equal(compare(moved, truth), compare(xy, truth))
    moved[:, 4] += 500
    assert compare(moved, truth)[0, 0] < compare(xy, truth)[0, 0]


def test_person_without_keypoints_is_as_near_as_its_doubled_box():
    truth = truth_of(np.random.default_rng(3).uniform(0, 100, (1, 17, 2)), np.zeros((1, 17), int))
    x1, y1, x2, y2 = truth.boxes[0]
    inside = np.full((17, 2), [x2 + (x2 - x1) - 1, y1 - (y2 - y1) + 1])
    outside = np.full((17, 2), [x2 + (x2 - x1) + 30, (y1 + y2) / 2])
    oks = compare([inside, outside], truth)[:, 0]
    assert oks[0] == 1
    assert 0 < oks[1] < 1


def match(oks, ignored=None, crowd=None, thresholds=(0.5,)):
    oks = np.array(oks, float)
    nobody = np.zeros(oks.shape[1], bool)
    return match_people(
        oks,
        nobody if ignored is None else np.array(ignored),
        nobody if crowd is None else np.array(crowd),
        np.array(thresholds),
    ).tolist()


def test_pose_takes_the_person_it_is_most_like():
    assert match([[0.6, 0.9]]) == [[1]]


def test_better_score_chooses_first_and_nobody_is_taken_twice():
    assert match([[0.6, 0.7], [0.9, 0.95], [0.8, 0.8]]) == [[1, 0, -1]]


def test_threshold_is_reached_by_what_equals_it():
    assert match([[0.5]], thresholds=(0.5, 0.55)) == [[0], [-1]]
    assert match([[1.0]], thresholds=(1.0,)) == [[0]]


def test_person_who_counts_is_taken_before_a_likelier_one_who_does_not():
    assert match([[0.6, 0.9]], ignored=[False, True]) == [[0]]
    assert match([[0.4, 0.9]], ignored=[False, True]) == [[1]]


def test_crowd_takes_any_number_of_poses_and_others_that_are_ignored_one():
    oks = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]]
    assert match(oks, ignored=[True, False], crowd=[True, False]) == [[0, 0, 0]]
    assert match(oks, ignored=[True, False]) == [[0, -1, -1]]


def test_without_people_or_poses_there_are_no_matches():
    assert match(np.zeros((2, 0))) == [[-1, -1]]
    assert match(np.zeros((0, 2))) == [[]]


def plain_ap(weights, image, verdict, positives):
    """Return AP of weighted images with every copy of a pose written out, as COCO's program accumulates it."""
    total = weights @ positives
    if total == 0:
        return np.nan
    sums = []
    for row in verdict:
        copies = np.repeat(row, weights[image])
        copies = copies[copies >= 0]
        right = np.cumsum(copies == 1)
        recall, precision = right / total, right / (np.arange(len(copies)) + 1 + np.spacing(1))
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(recall, RECALLS, side="left")
        sums.append(np.append(precision, 0)[np.minimum(place, len(precision))].sum())
    return np.mean(sums) / len(RECALLS)


def draw_verdicts(rng, n_images, n_found, n_thresholds=3):
    image = rng.integers(0, n_images, n_found)
    verdict = rng.choice([-1, 0, 1], (n_thresholds, n_found), p=[0.1, 0.4, 0.5]).astype(np.int8)
    positives = np.bincount(image, minlength=n_images) + rng.integers(0, 3, n_images)
    return image, verdict, positives


@pytest.mark.parametrize("seed", range(30))
def test_ap_is_that_of_every_copy_written_out(seed):
    rng = np.random.default_rng(seed)
    n_images = int(rng.integers(1, 40))
    found = draw_verdicts(rng, n_images, int(rng.integers(0, 120)))
    weights = rng.multinomial(n_images, [1 / n_images] * n_images, size=5).astype(np.uint8)
    expected = [plain_ap(row.astype(int), *found) for row in weights]
    np.testing.assert_allclose(average_precision(weights, *found, RECALLS), expected, atol=1e-12)


def test_everything_twice_changes_nothing():
    rng = np.random.default_rng(0)
    found = draw_verdicts(rng, 20, 80)
    weights = rng.integers(0, 4, (6, 20)).astype(np.uint8)
    np.testing.assert_allclose(
        average_precision(2 * weights, *found, RECALLS), average_precision(weights, *found, RECALLS), atol=1e-14
    )


def test_ap_falls_when_a_right_pose_is_made_wrong_and_not_when_an_uncounted_one_appears():
    image, verdict, positives = draw_verdicts(np.random.default_rng(1), 20, 80)
    once = np.ones((1, 20), np.uint8)
    ap = average_precision(once, image, verdict, positives, RECALLS)
    for place in np.flatnonzero((verdict == 1).all(0))[:5]:
        worse = verdict.copy()
        worse[:, place] = 0
        assert average_precision(once, image, worse, positives, RECALLS) < ap
    more = np.insert(verdict, 10, -1, axis=1)
    assert average_precision(once, np.insert(image, 10, 3), more, positives, RECALLS) == ap


def test_all_people_found_and_nothing_else_is_one():
    verdict = np.ones((2, 5), np.int8)
    weights = np.array([[1, 1, 1, 1, 1], [0, 3, 1, 0, 7]], np.uint8)
    found = average_precision(weights, np.arange(5), verdict, np.ones(5, int), RECALLS)
    np.testing.assert_allclose(found, [1, 1], rtol=1e-15)
