"""Assignment: a column for every row at least total cost, ties decided as munkres 3.0.0 decides them.

Costs of rounded distances tie often, because a row's score is the same in all its columns: many assignments are then
the best, and which of them is taken decides who owns a joint. HigherHRNet's program leaves that to the package munkres.
This takes the same columns as version 3.0.0 with its compiled part, as its wheels bring it. (1.1.4 takes others of the
best ones, and so does 3.0.0 without that part.)

Kuhn's and Munkres' method by shortest augmenting paths. What decides a tie is the order in which columns are looked at,
and the digits that sums lose beside a cost as large as the padding of 1e10: so additions come in that program's order.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FEW_CELLS = 16  # below, munkres leaves a matrix to its part in Python, which decides some ties otherwise
LARGEST = 1e300  # no sum of this many costs is infinite


@njit(cache=True)
def assign(cost):  # type: ignore[no-untyped-def]
    """Return a column for every row (n,), all different, so that the sum of costs (n, m), m at least n, is least.

    Rows are served in their order. Each first takes the first free column among its cheapest; the rest then find their
    places by a search for the shortest path to a free column. Costs are float64.

    Raises:
        ValueError: a cost is not finite, or beyond 1e300; or there are more rows than columns.
    """
    n, m = cost.shape
    if n > m:
        raise ValueError("costs must have as many columns as rows, or more: pad them")
    row_price = np.empty(n)
    column_price = np.zeros(m)
    columns = np.full(n, -1)
    owner = np.full(m, -1)  # the row that has a column
    for row in range(n):
        least = np.inf
        for column in range(m):
            if not abs(cost[row, column]) <= LARGEST:
                raise ValueError("costs must be finite, and within 1e300")
            least = min(least, cost[row, column])
        row_price[row] = least
        for column in range(m):
            if owner[column] < 0 and cost[row, column] == least:
                owner[column], columns[row] = row, column
                break
    came_from = np.empty(m, np.int64)  # the row before each column, on the shortest path to it
    for start in range(n):
        if columns[start] >= 0:
            continue
        if n * m < FEW_CELLS:
            column = _search_few(cost, start, owner, row_price, column_price, came_from)
        else:
            column = _search(cost, start, owner, row_price, column_price, came_from)
        row = -1
        while row != start:  # every column on the path goes to the row before it
            row = came_from[column]
            owner[column] = row
            columns[row], column = column, columns[row]
    return columns


@njit(cache=True)
def _search(cost, start, owner, row_price, column_price, came_from):  # type: ignore[no-untyped-def]
    """Return the free column that is nearest to a row, with the path to it in came_from (m,); prices are updated.

    Of equally near columns a free one is taken, of several the one that is looked at last; if none is free, the first.
    They are looked at from the last column to the first, but the place of one that is reached goes to the one that
    is then at the end.
    """
    m = len(owner)
    left = np.arange(m - 1, -1, -1)  # the columns that are not reached, in the order in which they are looked at
    n_left = m
    nearest = np.full(m, np.inf)
    far, row = 0.0, start  # how far the last row is
    while True:
        best = -1
        for i in range(n_left):
            column = left[i]
            reduced = far + cost[row, column] - row_price[row] - column_price[column]
            if reduced < nearest[column]:
                nearest[column] = reduced
                came_from[column] = row
            if (
                best < 0
                or nearest[column] < nearest[left[best]]
                or (nearest[column] == nearest[left[best]] and owner[column] < 0)
            ):
                best = i
        end = left[best]
        far = nearest[end]
        if owner[end] < 0:
            break
        row = owner[end]
        n_left -= 1
        left[best], left[n_left] = left[n_left], end
    row_price[start] += far
    for column in left[n_left:]:
        row_price[owner[column]] += far - nearest[column]
        column_price[column] -= far - nearest[column]
    return end


@njit(cache=True)
def _search_few(cost, start, owner, row_price, column_price, came_from):  # type: ignore[no-untyped-def]
    """Do what `_search` does for a small matrix: of equally near columns take the first, free or not.

    Prices are updated, and so rounded, at every column that is reached.
    """
    m = len(owner)
    is_reached = np.zeros(m, np.bool_)
    nearest = np.full(m, np.inf)
    row = start
    while True:
        end = -1
        for column in range(m):
            if is_reached[column]:
                continue
            reduced = cost[row, column] - row_price[row] - column_price[column]
            if reduced < nearest[column]:
                nearest[column] = reduced
                came_from[column] = row
            if end < 0 or nearest[column] < nearest[end]:
                end = column
        step = nearest[end]
        row_price[start] += step
        for column in range(m):
            if is_reached[column]:
                row_price[owner[column]] += step
                column_price[column] -= step
            else:
                nearest[column] -= step
        if owner[end] < 0:
            return end
        is_reached[end] = True
        row = owner[end]
