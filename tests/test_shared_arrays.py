from __future__ import annotations

from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

from robustpose.shared_arrays import ArrayPipe

FLOAT, BYTE = np.dtype("float32"), np.dtype("uint8")


def send(pipe: ArrayPipe, note: Any, *arrays: Any) -> None:
    for place, array in zip(pipe.place([(a.shape, a.dtype) for a in arrays]), arrays, strict=True):
        place[:] = array
    pipe.send(note)


def test_arrays_come_as_they_went_both_ways_and_larger_ones_after_smaller_ones() -> None:
    here, there = map(ArrayPipe, Pipe())
    rng = np.random.default_rng(0)
    for n in (3, 1, 4000, 2):
        sent = [rng.normal(size=(n, 2)).astype(FLOAT), rng.integers(0, 255, 7 * n).astype(BYTE)]
        send(here, {"n": n}, *sent)
        note, found = there.receive()
        assert note == {"n": n}
        for one, other in zip(found, sent, strict=True):
            np.testing.assert_array_equal(one, other)
        send(there, None, found[0] * 2)
        np.testing.assert_array_equal(here.receive()[1][0], sent[0] * 2)


def test_notes_without_arrays_and_arrays_without_numbers_are_sent_too() -> None:
    here, there = map(ArrayPipe, Pipe())
    here.send("alone")
    assert there.receive() == ("alone", [])
    send(here, 1, np.empty((0, 3), FLOAT), np.ones(2, FLOAT))
    _, (nothing, ones) = there.receive()
    assert nothing.shape == (0, 3)
    assert ones.tolist() == [1, 1]


def test_nobody_at_the_other_end_is_an_end_of_file() -> None:
    here, there = map(ArrayPipe, Pipe())
    there.end.close()
    with pytest.raises(EOFError):
        here.receive()
    with pytest.raises(BrokenPipeError):
        here.send("is anybody there?")
