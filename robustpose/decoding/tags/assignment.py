"""Assignment: a column for every row at least total cost, ties decided by the order of rows and columns.

Kuhn's and Munkres' method by shortest augmenting paths. Costs of rounded distances tie often, and which of the best
assignments is taken decides who owns a joint: here it is always the same one, on any machine.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def assign(cost):  # type: ignore[no-untyped-def]
    """Return a column for every row (n,), all different, so that the sum of costs (n, m), m at least n, is least.

    Rows are served in their order. Each first takes the first free column among its cheapest; the rest then find their
    places by a search for the shortest path, of equally near columns the first. Costs are finite float64.
    """
    n, m = cost.shape
    row_price = np.zeros(n)
    column_price = np.zeros(m)
    owner = np.full(m + 1, -1)  # the row that has a column; the last column stands for none
    is_served = np.zeros(n, np.bool_)
    for row in range(n):
        row_price[row] = cost[row].min()
        for column in range(m):
            if owner[column] < 0 and cost[row, column] == row_price[row]:
                owner[column] = row
                is_served[row] = True
                break
    nearest = np.empty(m)
    came_from = np.empty(m, np.int64)
    is_reached = np.empty(m, np.bool_)
    for start in range(n):
        if is_served[start]:
            continue
        nearest[:] = np.inf
        is_reached[:] = False
        owner[m] = start
        at = m
        while owner[at] >= 0:
            row = owner[at]
            for column in range(m):
                if not is_reached[column]:
                    reduced = cost[row, column] - row_price[row] - column_price[column]
                    if reduced < nearest[column]:
                        nearest[column] = reduced
                        came_from[column] = at
            step, best = np.inf, -1
            for column in range(m):
                if not is_reached[column] and nearest[column] < step:
                    step, best = nearest[column], column
            row_price[start] += step
            for column in range(m):
                if is_reached[column]:
                    row_price[owner[column]] += step
                    column_price[column] -= step
                else:
                    nearest[column] -= step
            at = best
            is_reached[at] = True
        while at != m:  # every column on the path goes to the row before it
            before = came_from[at]
            owner[at] = owner[before]
            at = before
    columns = np.empty(n, np.int64)
    for column in range(m):
        if owner[column] >= 0:
            columns[owner[column]] = column
    return columns
