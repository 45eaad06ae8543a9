"""Remembering: a counter that predictions change is not held against a model; whatever else has changed it is."""

import pytest

import robustpose
from tests.set_variables import Counting
from tests.test_elsewhere import bench


def test_object_that_its_own_predictions_changed_is_the_same_one(tmp_path):
    model = Counting()
    first = bench(1, model, out=tmp_path / "run")
    assert model.n_calls
    assert bench(1, model, out=tmp_path / "run").cells == first.cells
    bench(1, model, out=tmp_path / "another")
    assert bench(1, model, out=tmp_path / "run").cells == first.cells
    model.share = 0.1
    with pytest.raises(robustpose.UserError, match="of what is benched has changed"):
        bench(1, model, out=tmp_path / "run")


def test_another_object_that_is_made_as_predictions_left_one_is_another(tmp_path):
    model, other = Counting(), Counting()
    bench(1, model, out=tmp_path / "run")
    other.n_calls = model.n_calls
    with pytest.raises(robustpose.UserError, match=r"n_calls of what is benched has changed .*: choose another out="):
        bench(1, other, out=tmp_path / "run")
