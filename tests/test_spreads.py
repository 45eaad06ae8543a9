import numpy as np
import pytest

from robustpose.results.resampling import draw_weights, interval
from robustpose.results.spreads import LEAST_OF_IMAGES, Trainings, interval_of_difference, interval_of_mean

N_IMAGES, N_RESAMPLES = 60, 300
WEIGHTS = draw_weights(N_IMAGES, N_RESAMPLES) / N_IMAGES


def train(k, rng, luck=0.0, hard=0.0, own=0.0, images=None):
    """Return trainings whose scores are means over images, around 0.5; each part is a standard deviation of a score."""
    images = hard * rng.normal(size=N_IMAGES) if images is None else images
    scores = 0.5 + luck * rng.normal(size=(k, 1)) + N_IMAGES**0.5 * (images + own * rng.normal(size=(k, N_IMAGES)))
    return Trainings(scores.mean(1), scores @ WEIGHTS.T)


def half(ends):
    return (ends[1] - ends[0]) / 2


def test_trainings_that_are_the_same_have_the_interval_over_images():
    one = train(1, np.random.default_rng(0), hard=0.01)
    same = Trainings(np.repeat(one.values, 3), np.repeat(one.resampled, 3, axis=0))
    found = interval_of_mean(same, N_IMAGES)
    assert half(found) == pytest.approx(half(interval(one.resampled[0])), rel=0.15)
    assert same.spread == pytest.approx(0, abs=1e-12)


def test_trainings_that_only_luck_sets_apart_have_the_interval_of_student():
    scores = np.array([0.50, 0.52, 0.54])
    found = interval_of_mean(Trainings(scores, np.repeat(scores[:, None], 50, axis=1)), N_IMAGES)
    assert found == pytest.approx([0.52 - 4.3027 * 0.02 / 3**0.5, 0.52 + 4.3027 * 0.02 / 3**0.5], abs=1e-5)


def test_what_is_hard_for_all_trainings_cancels_in_a_difference():
    rng = np.random.default_rng(1)
    images = 0.05 * rng.normal(size=N_IMAGES)
    one, other = (train(4, rng, luck=0.001, images=images) for _ in range(2))
    assert half(interval_of_difference(one, other, N_IMAGES)) < 0.2 * half(interval_of_mean(one, N_IMAGES))


def test_a_difference_is_the_other_way_round_with_the_opposite_sign():
    rng = np.random.default_rng(2)
    one, other = train(3, rng, luck=0.01, own=0.01), train(5, rng, luck=0.02, own=0.01)
    low, high = interval_of_difference(one, other, N_IMAGES)
    assert interval_of_difference(other, one, N_IMAGES) == pytest.approx([-high, -low])


def test_trainings_that_score_alike_by_chance_keep_most_of_the_interval_over_images():
    rng = np.random.default_rng(3)
    alike = train(3, rng, own=0.02)
    alike = Trainings(np.full(3, 0.5), alike.resampled)  # no spread is seen
    over_images = 2.0 * alike.resampled.mean(0).std()
    assert half(interval_of_mean(alike, N_IMAGES)) == pytest.approx(LEAST_OF_IMAGES * over_images, rel=0.05)


def test_no_score_is_below_none_or_above_all():
    scores = np.array([0.01, 0.99])
    assert interval_of_mean(Trainings(scores, np.repeat(scores[:, None], 50, axis=1)), N_IMAGES) == [0.0, 1.0]


def test_of_one_image_or_of_resamples_without_scores_there_is_no_interval():
    of = train(3, np.random.default_rng(4), luck=0.01)
    holes = of.resampled.copy()
    holes[1, : N_RESAMPLES // 5] = np.nan
    assert interval_of_mean(of, 1) is None
    assert interval_of_mean(Trainings(of.values, holes), N_IMAGES) is None
    assert interval_of_mean(Trainings(of.values, of.resampled[:, :0]), N_IMAGES) is None


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("parts", [(0.02, 0.01, 0.0), (0.01, 0.01, 0.01), (0.003, 0.02, 0.01)])
def test_intervals_hold_the_truth_about_95_times_in_100(k, parts):
    rng = np.random.default_rng(5)
    luck, hard, own = parts
    held = np.zeros((300, 2))
    for number in range(len(held)):
        images = hard * rng.normal(size=N_IMAGES)
        one, other = (train(k, rng, luck, own=own, images=images) for _ in range(2))
        means, differences = interval_of_mean(one, N_IMAGES), interval_of_difference(one, other, N_IMAGES)
        held[number] = means[0] <= 0.5 <= means[1], differences[0] <= 0 <= differences[1]
    assert ((held.mean(0) > 0.92) & (held.mean(0) < 0.99)).all(), held.mean(0)


@pytest.mark.parametrize("sizes", [(2, 5), (2, 20)])
def test_a_group_of_two_beside_a_larger_one_holds_the_truth_as_often(sizes):
    rng = np.random.default_rng(6)
    held = np.zeros(300)
    for number in range(len(held)):
        images = 0.01 * rng.normal(size=N_IMAGES)
        one, other = (
            train(k, rng, luck, own=0.005, images=images) for k, luck in zip(sizes, (0.03, 0.01), strict=True)
        )
        low, high = interval_of_difference(one, other, N_IMAGES)
        held[number] = low <= 0 <= high
    assert 0.92 < held.mean() <= 0.99
