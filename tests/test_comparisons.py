import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from robustpose.corruptions.suites import COCO_C
from robustpose.metrics.robustness import Means
from robustpose.results.about import About
from robustpose.results.comparisons import (
    CANNOT_TELL,
    CONTRADICTS,
    SUPPORTS,
    Comparison,
    compare_figure,
    correlate_ranks,
    keep_shares,
    rank_shares,
    subtract,
)
from robustpose.results.measurement import Measurement


def comparison(value, ends, low=0.0, high=np.inf, is_printed=False):
    return Comparison("it", ("a",), "data", value, ends, low, high, "points", is_printed)


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([0.1, 0.3], SUPPORTS),
        ([-0.3, -0.1], CONTRADICTS),
        ([-0.1, 0.3], CANNOT_TELL),
        (None, CANNOT_TELL),
        ([0, 0], CANNOT_TELL),
    ],
)
def test_only_a_whole_interval_says_something(ends, verdict):
    assert comparison(0.2, ends).verdict == verdict


def test_a_printed_number_is_taken_as_it_is():
    assert [comparison(value, None, is_printed=True).verdict for value in (0.1, -0.1, 0.0)] == [
        SUPPORTS,
        CONTRADICTS,
        CANNOT_TELL,
    ]


def test_a_range_has_two_ends():
    assert comparison(5, [4, 7], 3, 6).verdict == CANNOT_TELL
    assert comparison(5, [7, 8], 3, 6).verdict == CONTRADICTS
    assert comparison(5, [4, 5], 3, 6).margin == 1
    assert comparison(5, [4, 5]).to_json()["wanted"] == [0.0, None]


def test_ranks_and_their_correlation_are_those_of_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 9, (2, 15, 40)) / 9  # with ties
    assert np.array_equal(rank_shares(first), rankdata(-first, axis=0))
    expected = [spearmanr(a, b)[0] for a, b in zip(first.T, second.T, strict=True)]
    assert np.allclose(correlate_ranks(first, second), expected)
    assert correlate_ranks(first[:, 0], second[:, 0]) == pytest.approx(expected[0])


def test_a_share_of_nothing_has_no_meaning():
    assert keep_shares(Means(0.0, 0.0, None, {}, {"fog": 0.0}, {}, {}, {}), ["fog"]) is None
    resampled = Means(np.array([0.0, 0.5]), None, None, {}, {"fog": np.array([0.0, 0.4])}, {}, {}, {})
    assert np.array_equal(keep_shares(resampled, ["fog"]), [[np.nan, 0.8]], equal_nan=True)
    assert keep_shares(resampled, ["fog", "snow"]) is None
    assert np.isnan(rank_shares(np.array([np.nan, 1.0]))[0])


def measurement(value, resampled=None, n_images=9):
    none = (None, None, {}, {}, {}, {}, {})
    means = None if resampled is None else Means(np.asarray(resampled), *none)
    return Measurement("a", About(), "data", None, "data", "AP", COCO_C, Means(value, *none), means, n_images)


def compare(first, second):
    return list(compare_figure("it", (first, second), subtract(lambda means: means.clean)))


def test_differences_are_paired():
    rng = np.random.default_rng(1)
    hard = rng.normal(0.5, 0.1, 1000)
    (one,) = compare(measurement(0.51, hard + 0.01), measurement(0.5, hard))
    assert one.interval == pytest.approx([0.01, 0.01])


def test_without_resamples_of_both_or_of_the_same_images_there_is_no_interval():
    whole = measurement(0.6, [0.6, 0.6])
    (one,) = compare(whole, measurement(0.5))
    (two,) = compare(whole, measurement(0.5, [0.5, 0.5], n_images=8))
    assert one.interval is two.interval is None
    assert one.verdict == CANNOT_TELL


def test_a_figure_that_is_not_defined_gives_no_comparison():
    assert not compare(measurement(None), measurement(0.5))
    assert not compare(measurement(float("nan")), measurement(0.5))
