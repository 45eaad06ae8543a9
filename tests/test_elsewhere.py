"""Elsewhere: a worker that would work with other variables does no work, and this process does it with a warning."""

import warnings

import pytest

import robustpose
from robustpose.data.identity import identify_dataset, know_dataset
from robustpose.data.spec import DataSpec
from robustpose.errors import DoubtWarning
from tests import set_variables

SMALL = {"limit": 8, "metric": "pck:box@0.2", "resamples": 0, "progress": False, "report": False}
CELLS = {"corruptions": [set_variables.darken], "severities": [3]}


def bench(n_workers, model=set_variables.find, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtWarning)
        return robustpose.bench(model, "toy", workers=n_workers, **{**SMALL, **CELLS, **given})


@pytest.mark.parametrize(("name", "value", "what"), [("SHARE", 0.1, "of what is benched"), ("LEVEL", 0.3, "of darken")])
def test_variable_that_was_set_counts_whatever_the_number_of_workers(monkeypatch, name, value, what):
    monkeypatch.setattr(set_variables, name, value)
    model = set_variables.find if name == "SHARE" else "demo"
    with pytest.warns(
        UserWarning, match=f"^{name} {what} is another one in worker processes.*does all the work itself"
    ):
        shared = bench(2, model)
    assert shared.cells == bench(1, model).cells


def test_variables_that_are_as_in_the_file_are_shared_out_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", DoubtWarning)
        robustpose.bench(set_variables.find, "toy", workers=2, **SMALL, **CELLS)


@pytest.mark.parametrize("name", ["SHARE", "LEVEL"])
def test_run_does_not_go_on_with_a_variable_that_was_set_in_between(monkeypatch, tmp_path, name):
    bench(1, out=tmp_path / "run")
    monkeypatch.setattr(set_variables, name, 0.3)
    with pytest.raises(robustpose.UserError, match=f"^{name} of .* has changed .*choose another out="):
        bench(1, out=tmp_path / "run")


def test_stopped_run_in_a_temporary_folder_is_not_gone_on_with_where_a_variable_was_set(monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(set_variables, "SHARE", 0.1)
    expected = bench(1)
    monkeypatch.setattr(set_variables, "SHARE", 0.5)
    with monkeypatch.context() as patch:
        patch.setattr("robustpose.benchmark.run.score_cells", stop)
        with pytest.raises(KeyboardInterrupt):
            bench(1)
    monkeypatch.setattr(set_variables, "SHARE", 0.1)
    again = bench(1)
    assert again.cells == expected.cells
    assert again.clean == expected.clean


def test_variable_of_a_dataset_is_known(monkeypatch):
    dataset = DataSpec(name="tests.set_variables:Few").open()
    before = know_dataset(dataset)[1]
    assert identify_dataset(dataset, [])[0]["state"]["Few"] == before["Few"]
    monkeypatch.setattr(set_variables.Few, "LEVEL", 0.5)
    assert know_dataset(dataset)[1]["Few"] != before["Few"]
