import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from robustpose.metrics.calibration import _rank, calibrate

RNG = np.random.default_rng(0)
SCORE = RNG.random(137)
OKS = RNG.random(137)


def test_scores_that_are_the_oks_have_no_error():
    found = calibrate(SCORE, SCORE)
    assert found["error"] == 0
    assert found["rank_correlation"] == pytest.approx(1)
    assert all(b["score"] == b["oks"] for b in found["bins"])


def test_scores_that_are_right_on_average_have_a_small_error():
    score = RNG.random(20000)
    assert calibrate(score, (RNG.random(20000) < score).astype(float))["error"] < 0.02


@pytest.mark.parametrize("offset", [-0.2, 0.3])
def test_scores_that_are_off_by_the_same_everywhere_have_that_error(offset):
    assert calibrate(SCORE + offset, SCORE)["error"] == pytest.approx(abs(offset))


def test_bins_are_of_equally_many_poses_by_rising_score():
    bins = calibrate(SCORE, OKS)["bins"]
    counts = [b["n"] for b in bins]
    assert len(bins) == 10
    assert sum(counts) == 137
    assert max(counts) - min(counts) <= 1
    scores = [b["score"] for b in bins]
    assert scores == sorted(scores)
    assert sum(b["n"] * b["oks"] for b in bins) / 137 == pytest.approx(OKS.mean())


def test_error_is_at_least_that_of_the_means_and_at_most_that_of_each_pose():
    error = calibrate(SCORE, OKS)["error"]
    assert abs(SCORE.mean() - OKS.mean()) <= error <= abs(SCORE - OKS).mean()


def test_order_of_the_poses_changes_nothing():
    order = RNG.permutation(137)
    found, expected = calibrate(SCORE[order], OKS[order]), calibrate(SCORE, OKS)
    assert found["bins"] == expected["bins"]
    assert found["rank_correlation"] == pytest.approx(expected["rank_correlation"])


@pytest.mark.parametrize("digits", [1, 9])
def test_rank_correlation_is_spearmans_with_ties_or_without(digits):
    score, oks = SCORE.round(digits), (SCORE + OKS).round(digits)
    assert calibrate(score, oks)["rank_correlation"] == pytest.approx(spearmanr(score, oks).statistic)


def test_rank_correlation_looks_at_the_order_alone():
    assert calibrate(SCORE, SCORE**3)["rank_correlation"] == pytest.approx(1)
    assert calibrate(SCORE, -SCORE)["rank_correlation"] == pytest.approx(-1)


def test_equal_scores_or_a_single_pose_have_no_rank_correlation():
    assert calibrate(np.ones(5), OKS[:5])["rank_correlation"] is None
    assert calibrate(SCORE[:5], np.zeros(5))["rank_correlation"] is None
    assert calibrate(SCORE[:1], OKS[:1])["rank_correlation"] is None


def test_few_poses_have_a_bin_each_and_none_have_no_calibration():
    assert [b["n"] for b in calibrate(SCORE[:3], OKS[:3])["bins"]] == [1, 1, 1]
    assert calibrate(np.zeros(0), np.zeros(0)) is None


@pytest.mark.parametrize("values", [[3, 1, 2], [0.5, 0.5, 0.1, 0.5, 0.9, 0.1], [7], [2, 2, 2]])
def test_ranks_are_those_of_scipy_to_the_bit(values):
    assert _rank(np.array(values, float)).tolist() == rankdata(values).tolist()
