"""Plain values: what an object holds is told apart, and the same in every process."""

import array
import collections
import datetime
import itertools
import types
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from robustpose.plain_values import spell_plain
from robustpose.states import know


class Holder:
    """An object of somebody's own with one attribute."""

    def __init__(self, value):
        self.value = value


TWO = (lambda x: x, lambda x: -x)
PAIRS = {
    "word with a slash": lambda n: f"a/{n}",
    "decimal": Decimal,
    "fraction": lambda n: Fraction(n, 7),
    "array": lambda n: array.array("d", [n]),
    "deque": lambda n: collections.deque([n], maxlen=3),
    "default dictionary": lambda n: collections.defaultdict(list, a=n),
    "namespace": lambda n: types.SimpleNamespace(deep=[n]),
    "date": lambda n: datetime.date(2020, 1, 1 + n),
    "method of a date": lambda n: datetime.timedelta(n).total_seconds,
    "counter": lambda n: itertools.count(n).__next__,
    "range": range,
    "number of NumPy": np.float32,
    "type of NumPy": lambda n: np.dtype([np.int8, np.int16][n]),
    "type of PyTorch": lambda n: [torch.float16, torch.float32][n],
    "class": lambda n: [int, float][n],
    "lambda": lambda n: TWO[n],
    "default of a lambda": lambda n: lambda x, by=n: x * by,
    "keyword of a lambda": lambda n: lambda x, *, by=n: x * by,
    "function of a library": lambda n: [np.sin, np.cos][n],
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_held_is_known(name):
    one, same, other = (know(Holder(PAIRS[name](number))) for number in (0, 0, 1))
    assert one == same
    assert one.state["value"] != other.state["value"]
    assert not one.doubts


@pytest.mark.parametrize("value", [zip("ab"), (x for x in "ab"), itertools.cycle("ab")])
def test_what_cannot_be_known_is_a_doubt(value):
    assert "what 'value' (" in know(Holder(value)).doubts[0]
    assert "holds is not known: a change goes unnoticed" in know(Holder(value)).doubts[0]


@pytest.mark.parametrize("place", ["/data/coco", "~/coco", "../coco", "C:\\coco", "\\\\server\\coco"])
def test_places_do_not_count(place):
    assert spell_plain(place) is None
