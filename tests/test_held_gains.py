import numpy as np
import pytest

from robustpose.results.held_gains import bound_ratio, hold_gain
from robustpose.results.resampling import interval


def draw(known=0.03, other=0.02, spread=0.004, shared=0.9, n=2000):
    """Return resampled gains on two suites, which rise and fall together for the most part."""
    rng = np.random.default_rng(0)
    both, *apart = rng.normal(0, spread, (3, n))
    return [
        mean + shared * both + (1 - shared**2) ** 0.5 * own for mean, own in zip((known, other), apart, strict=True)
    ]


def test_difference_of_two_gains_is_of_the_same_resamples_and_narrower_than_both():
    known, other = draw()
    gain = hold_gain(1, "c-bar 1", (0.03, 0.02), (known, other))
    assert gain.change.value == pytest.approx(-0.01)
    assert gain.change.interval == interval(other - known)
    width = np.diff(gain.change.interval)
    assert width < np.diff(gain.known.interval)
    assert width < np.diff(gain.other.interval)
    assert gain.change.is_distinguishable


def test_share_is_told_where_all_of_the_known_gain_is_above_0_and_nowhere_else():
    gain = hold_gain(1, "s", (0.03, 0.02), draw())
    assert gain.share == pytest.approx(2 / 3)
    low, high = gain.share_interval
    assert low < gain.share < high
    for values in ((0.002, 0.02), (-0.03, 0.02)):
        assert hold_gain(1, "s", values, draw(*values)).share is None
    assert hold_gain(1, "s", (0.03, 0.02), draw(), is_of_few=True).share is None
    assert hold_gain(1, "s", (0.03, 0.02), [np.zeros(0)] * 2).share is None


def test_few_images_tell_nothing_apart():
    gain = hold_gain(1, "s", (0.03, 0.02), draw(), is_of_few=True)
    assert not any(d.is_distinguishable for d in (gain.known, gain.other, gain.change))


def test_ratio_of_denominators_above_0_has_the_middle_of_the_ratios():
    known, other = draw()
    low, high = bound_ratio(other, known)
    expected = np.quantile(other / known, [0.025, 0.975])
    np.testing.assert_allclose([low, high], expected, rtol=0.01)


def test_denominators_that_are_not_above_0_widen_the_ratio_or_leave_it_without_ends():
    known, other = draw()
    few, many = known.copy(), known.copy()
    few[:40], many[:60] = -1e-3, -1e-3  # 2 and 3 percent of them
    low, high = bound_ratio(other, few)
    narrow = bound_ratio(other, known)
    assert low < narrow[0]
    assert high > narrow[1]
    assert bound_ratio(other, many) is None
    assert bound_ratio(other[:0], known[:0]) is None


def test_resamples_without_a_score_are_left_out_where_they_are_few():
    known, other = draw()
    other[:100] = np.nan
    assert bound_ratio(other, known) is not None
    other[:300] = np.nan
    assert bound_ratio(other, known) is None
