from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from robustpose.decoding.tags.assignment import assign


@pytest.mark.parametrize("seed", range(20))
def test_cost_is_least(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 20))
    cost = rng.normal(size=(n, n + int(rng.integers(0, 10))))
    np.testing.assert_array_equal(assign(cost), linear_sum_assignment(cost)[1])


@pytest.mark.parametrize("seed", range(20))
def test_cost_is_least_where_many_tie(seed):
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 3, (4, 6)).astype(float)
    columns = assign(cost)
    assert len(set(columns)) == 4
    best = min(cost[range(4), list(order)].sum() for order in permutations(range(6), 4))
    assert cost[range(4), columns].sum() == best


def test_of_equals_rows_take_the_first():
    np.testing.assert_array_equal(assign(np.zeros((3, 5))), [0, 1, 2])
    np.testing.assert_array_equal(assign(np.array([[1.0, 0, 0], [1, 0, 5]])), [2, 1])


def test_no_rows_are_no_columns():
    assert assign(np.zeros((0, 3))).shape == (0,)
