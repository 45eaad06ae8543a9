import itertools

import numpy as np
import pytest
from munkres import Munkres, native_status
from scipy.optimize import linear_sum_assignment

from robustpose.decoding.tags.assignment import assign

PADDING = 1e10


def draw_cost(rng):
    """Return costs as grouping makes them (n, m), m at least n: n peaks, up to 30 people, rounded distances of tags."""
    n, m, n_tags = rng.integers(1, 31), rng.integers(1, 31), rng.integers(1, 3)
    spread = rng.choice([0.3, 1, 3, 10, 100, 1000])  # of people's tags: those of crowds are near
    means = rng.normal(0, spread, (m, n_tags))
    tags = [
        rng.normal(0, spread, (n, n_tags)),
        means[rng.integers(0, m, n)] + rng.normal(0, 0.3, (n, n_tags)),
        rng.normal(0, spread, (n, n_tags))[rng.integers(0, n, n)],
        np.tile(rng.normal(0, spread, n_tags), (n, 1)),
    ][rng.integers(4)]
    values = [
        rng.uniform(0.1, 1, n),
        rng.uniform(0.1, 1.2, 3)[rng.integers(0, 3, n)],
        rng.integers(2, 20, n) / 20,
        np.full(n, rng.uniform(0.1, 1)),
    ][rng.integers(4)]
    if rng.random() < 0.7:  # peaks come best first
        values = -np.sort(-values)
    apart = np.linalg.norm(tags[:, None] - means, axis=2)
    return pad(np.round(apart) * 100 - values.astype(np.float32).astype(float)[:, None])


def pad(cost):
    """Return costs (n, m) with columns of the padding, so that there are not more rows than columns."""
    n, m = cost.shape
    return np.concatenate([cost, np.full((n, max(0, n - m)), PADDING)], axis=1)


def draw_any_cost(rng):
    """Return costs (n, m), m at least n, that grouping does not make: negative, huge, tiny, of few values."""
    n = int(rng.integers(1, 10))
    size = n, n + int(rng.integers(0, 6))
    return [
        rng.normal(size=size),
        rng.integers(-2, 3, size) * 10.0 ** rng.integers(-300, 299),
        rng.normal(size=size) * 10.0 ** rng.integers(-20, 20, size),
        rng.choice([-1e300, 1e300, 0, -0.0, 1, PADDING, 1e-300], size),
    ][rng.integers(4)]


@pytest.fixture(scope="module")
def published():
    """Return munkres as a function: a column for every row."""
    status = native_status()
    if not status["available"]:
        pytest.skip(f"munkres has no compiled part here, and decides ties otherwise: {status['disabled_reason']}")
    return lambda cost: [column for _, column in Munkres().compute(cost)]


@pytest.mark.parametrize("seed", range(15))
def test_columns_are_those_of_the_published_program(published, seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        cost = draw_cost(rng)
        assert assign(cost).tolist() == published(cost)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_small_matrices_have_the_columns_of_the_published_program(published, n):
    rng = np.random.default_rng(n)
    for m in range(1, 9):
        for _ in range(20):
            cost = pad(rng.integers(0, 3, (n, m)) * 100.0 - rng.choice([0.25, 0.3, 0.7, 0.9], (n, 1)))
            assert assign(cost).tolist() == published(cost)


def test_costs_of_any_size_have_the_columns_of_the_published_program(published):
    rng = np.random.default_rng(0)
    for _ in range(1000):
        cost = draw_any_cost(rng)
        assert assign(cost).tolist() == published(cost)


def peaks(values, rounded):
    """Return the padded costs of peaks with heatmap values (n,) at rounded distances (n, m) from people."""
    return pad(100.0 * np.array(rounded) - np.array(values, np.float32).astype(float)[:, None])


@pytest.mark.parametrize(
    ("cost", "columns"),
    [
        # Four columns and more: of equally near columns a free one, and of these the first.
        (np.array([[0.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]), [0, 3, 1, 2]),
        (np.array([[0.0, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1]]), [0, 3, 1]),
        (np.array([[1.0, 1, 1, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 0, 1, 1]]), [5, 1]),
        # More peaks than people: beside the padding, 0.5 and 0.8 are the same.
        (peaks([0.5, 0.5, 0.8, 0.8], [[0, 0]] * 4), [3, 2, 1, 0]),
        (peaks([0.9, 0.6, 0.6, 0.9, 0.9], [[0, 0], [0, 0], [0, 1], [0, 0], [0, 0]]), [4, 3, 2, 1, 0]),
        (peaks([0.5, 0.7, 0.5, 0.6, 0.7], [[0, 0, 0]] * 2 + [[0, 1, 0]] + [[0, 0, 0]] * 2), [4, 1, 3, 2, 0]),
        # Fewer than 16 cells: the first of equally near columns, free or not.
        (np.zeros((3, 5)), [0, 1, 2]),
        (np.array([[1.0, 0, 0], [1, 0, 5]]), [2, 1]),
    ],
)
def test_ties_are_decided_as_munkres_3_0_0_does(cost, columns):
    assert assign(cost).tolist() == columns


@pytest.mark.parametrize("seed", range(20))
def test_cost_is_least(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 20))
    cost = rng.normal(size=(n, n + int(rng.integers(0, 10))))
    np.testing.assert_array_equal(assign(cost), linear_sum_assignment(cost)[1])


@pytest.mark.parametrize("shape", [(4, 6), (3, 4)])
@pytest.mark.parametrize("seed", range(10))
def test_cost_is_least_where_many_tie(shape, seed):
    rng = np.random.default_rng(seed)
    n, m = shape
    cost = rng.integers(0, 3, shape).astype(float)
    columns = assign(cost)
    assert len(set(columns)) == n
    best = min(cost[range(n), list(order)].sum() for order in itertools.permutations(range(m), n))
    assert cost[range(n), columns].sum() == best


def test_costs_that_are_all_equal_give_the_columns_in_order():
    for value in (0.0, -3.0, PADDING, 1e300):
        assert assign(np.full((7, 9), value)).tolist() == list(range(7))


def test_no_rows_are_no_columns():
    assert assign(np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.1e300, -1.7e308])
@pytest.mark.parametrize("size", [2, 5])
def test_costs_that_cannot_be_added_up_are_refused(value, size):
    cost = np.zeros((size, size))
    cost[1, 0] = value
    with pytest.raises(ValueError, match="costs must be finite, and within 1e300"):
        assign(cost)


def test_more_rows_than_columns_are_refused():
    with pytest.raises(ValueError, match="pad them"):
        assign(np.zeros((4, 3)))
