import re
import warnings
from dataclasses import replace
from functools import partial

import pytest

import robustpose
from robustpose.api.comparing import Comparison
from robustpose.corruptions.suites import HELD_OUT
from robustpose.errors import UserError
from robustpose.results.compared import ComparedRow, Difference
from tests import outside
from tests.summaries import write_run


@pytest.fixture(scope="module")
def runs(coco_folder):
    """Two runs of one model, on other corrupted images."""
    data = {"annotations": coco_folder / "people.json", "images": coco_folder / "images"}
    bench = partial(robustpose.bench, **data, corruptions="contrast", severities=[1, 4], workers=1, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bench(outside.guess_from_pixels, resamples=40), bench(outside.Centre, resamples=40)


def test_differences_are_those_of_the_runs(runs):
    first, second = runs
    comparison = robustpose.compare(first, second.folder, resamples=50)
    difference = comparison.difference("contrast/4")
    assert difference.value == pytest.approx(second.score("contrast/4") - first.score("contrast/4"))
    assert difference.interval[0] <= difference.value <= difference.interval[1]
    assert comparison.values("clean") == (first.clean, second.clean)
    assert comparison.difference("clean", comparison.names[1]) == comparison.difference("clean", 1)
    assert comparison.difference("clean", 0) is None
    assert comparison.difference("mean") is comparison.difference("mPC") is None


def test_records_have_every_number_of_every_run(runs):
    comparison = robustpose.compare(*runs, names=["a", "b"], resamples=50)
    records = comparison.to_records()
    assert [record["run"] for record in records[:2]] == ["a", "b"]
    named = {"clean", "mPC", "rPC", "contrast", "contrast/1", "contrast/4", "mean_of_chosen"}
    assert {record["name"] for record in records} == named
    frame = comparison.to_frame().set_index(["name", "run"])
    assert frame.loc[("clean", "b"), "difference"] == comparison.difference("clean").value


def test_slices_have_records_and_the_verdict_is_in_words(runs):
    comparison = robustpose.compare(*runs, names=["a", "b"], resamples=50)
    mine, other = (record for record in comparison.slices if record["slice"] == "alone" and record["name"] == "AP*")
    assert (mine["run"], other["run"], mine["kind"], mine["difference"]) == ("a", "b", "crowding", None)
    assert other["difference"] == other["value"] - mine["value"]
    assert mine["n_people"] > 0
    assert comparison.verdict.startswith("a and b score nothing anywhere: ")
    assert comparison.verdict in repr(comparison)
    assert "a and b score nothing" in comparison._repr_html_()
    assert all(text in comparison._repr_html_() for text in comparison.warnings)


def test_mean_of_a_part_of_the_cells_is_printed_with_its_interval_and_marked(runs):
    ends = {"fog": None, "snow": None, "fog/1": None, "snow/1": None, "mean_of_chosen": (-0.035, 0.024)}
    kinds = ("corruption", "corruption", "cell", "cell", "chosen")
    rows = [
        ComparedRow(kind, name, (0.4, 0.39), (None, None), (None, Difference(-0.01, ends[name])), (0,))
        for kind, name in zip(kinds, ends, strict=True)
    ]
    result = replace(robustpose.compare(*runs, names=["a", "b"], resamples=40).result, rows=tuple(rows))
    assert "mean of 2 corruptions ≈ -1.0 [-3.5, 2.4]" in repr(Comparison(result))


def test_runs_of_one_name_are_told_apart_by_their_folders(runs):
    one, other = robustpose.compare(runs[0], runs[0], resamples=40).names
    assert one == other  # the same folder: there is nothing to tell


def test_comparison_is_shown_in_a_notebook_and_written(runs, tmp_path):
    comparison = robustpose.compare(*runs, names=["<i>a</i>", "b"], resamples=40)
    page = comparison._repr_html_()
    assert "&lt;i&gt;a" in page
    assert "<i>" not in page
    assert "contrast/4" not in page  # single cells are many
    assert "b − <i>a</i>: AP*" in repr(comparison)
    assert re.search(r"contrast (≈ )?[+-]\d", repr(comparison))
    page = comparison.write(tmp_path / "page")
    assert page.name == "compare.html"
    assert 'id="gallery"' in page.read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"names": ["a"]}, "names= must be one for each of the 2 runs, got 1"),
        ({"names": "ab"}, "names= takes a list of words, one for each run, got 'ab'"),
        ({"names": ["a", 3]}, r"names= takes a list of words, one for each run, got \['a', 3\]"),
        ({"names": ["a", "a"]}, "names= must differ from each other, got a, a"),
        ({"resamples": 0}, "resamples= must be a whole number of at least 1, got 0"),
    ],
)
def test_mistake_is_one_line(runs, given, message):
    with pytest.raises(UserError, match=message):
        robustpose.compare(*runs, **given)


def test_what_cannot_be_compared_says_why(runs, tmp_path):
    other = robustpose.load_run(write_run(tmp_path / "other", suite=HELD_OUT, cells=HELD_OUT.cells))
    with pytest.raises(UserError, match="they are not of the same images"):
        robustpose.compare(runs[0], other)
    with pytest.raises(UserError, match="compare takes the path of a folder, got int"):
        robustpose.compare(runs[0], 3)
    comparison = robustpose.compare(*runs, resamples=40)
    with pytest.raises(UserError, match=r"these runs have no 'contrst' in common \(did you mean 'contrast'\?\)"):
        comparison.difference("contrst")
    with pytest.raises(UserError, match="there is no run 'x': they are"):
        comparison.difference("clean", "x")
    with pytest.raises(UserError, match="run= must be below 2, the number of runs, got 2"):
        comparison.difference("clean", 2)
