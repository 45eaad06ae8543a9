import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.results.resampling import RESAMPLES, check_resamples, draw_if_any, draw_weights, interval


@pytest.mark.parametrize("n_images", [1, 2, 161, 3000])
def test_every_resample_has_as_many_images_as_there_are(n_images):
    weights = draw_weights(n_images, 20)
    assert weights.shape == (20, n_images)
    np.testing.assert_array_equal(weights.sum(1, dtype=int), n_images)


def test_weights_depend_on_the_two_numbers_alone():
    first = draw_weights(50, 30).copy()
    np.random.default_rng(3).random(10)
    draw_weights(51, 30)
    draw_weights(50, 31)
    draw_weights.cache_clear()
    np.testing.assert_array_equal(draw_weights(50, 30), first)
    assert (draw_weights(51, 30)[:, :50] != first).any()


def test_more_resamples_begin_with_the_fewer():
    np.testing.assert_array_equal(draw_weights(40, 25)[:10], draw_weights(40, 10))


def test_weights_are_those_of_drawing_with_replacement():
    weights = draw_weights(400, RESAMPLES).astype(float)
    np.testing.assert_allclose(weights.mean(0), 1, atol=0.2)  # each image as often as any other
    assert weights.var() == pytest.approx(1 - 1 / 400, rel=0.02)
    assert (weights == 0).mean() == pytest.approx(np.exp(-1), abs=0.01)
    assert len(np.unique(weights, axis=0)) == RESAMPLES


def test_weights_that_are_shared_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        draw_weights(10, 5)[0, 0] = 3


def test_interval_holds_the_middle_of_the_values_in_any_order():
    values = np.random.default_rng(0).permutation(np.linspace(0, 1, 1001))
    assert interval(values) == pytest.approx([0.025, 0.975])
    assert interval(values, 0.5) == pytest.approx([0.25, 0.75])


def test_interval_moves_with_its_values():
    values = np.random.default_rng(1).normal(size=300)
    low, high = interval(values)
    assert interval(3 * values + 2) == pytest.approx([3 * low + 2, 3 * high + 2])
    assert interval(np.full(300, 0.5)) == [0.5, 0.5]


def test_few_values_that_are_missing_are_left_out_and_many_leave_no_interval():
    values = np.random.default_rng(2).normal(size=1000)
    some = values.copy()
    some[:100] = np.nan
    assert interval(some) == interval(values[100:])
    some[100] = np.nan
    assert interval(some) is None
    assert interval(np.zeros(0)) is None


def test_resamples_of_which_there_is_no_interval_are_refused():
    check_resamples(0, 0)
    check_resamples(40, 1)
    for n_resamples, least, rest in ((1, 0, "at least 40, or 0 for no intervals, got 1"), (0, 1, "at least 40, got 0")):
        with pytest.raises(UserError, match=rest):
            check_resamples(n_resamples, least)
    for n_resamples in (-1, 39):
        with pytest.raises(UserError):
            check_resamples(n_resamples, 0)


def test_a_single_image_is_not_resampled():
    assert draw_if_any(1, 1000) is None
    assert draw_if_any(9, 0) is None
    assert draw_if_any(9, 40).shape == (40, 9)
