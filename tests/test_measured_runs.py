import json
import re
import shutil

import pytest

from robustpose.corruptions.suites import HELD_OUT
from robustpose.errors import UserError
from robustpose.results.about import About
from robustpose.results.measured_runs import find_runs, measure_runs
from tests.measured import write_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two runs, one of them in a folder further down."""
    folder = tmp_path_factory.mktemp("made")
    write_run(folder / "a", 0.70)
    write_run(folder / "further/b", 0.72, kind="sbl_r101")
    return folder


@pytest.fixture
def runs(tmp_path, made):
    """A copy of them to spoil."""
    return shutil.copytree(made, tmp_path / "runs")


def measure(*places, told=None, training=None):
    measured, notes = measure_runs(places, told or {}, training, 40)
    return {one.name: one for one in measured}, notes


def test_runs_are_found_at_any_depth_and_named_by_their_path(made):
    measured, notes = measure(made)
    assert list(measured) == ["a", "further/b"]
    assert not notes
    assert measured["a"].resampled.mean.shape == (40,)


def test_a_run_folder_is_named_by_itself(made):
    assert list(measure(made / "a", made / "further/b")[0]) == ["a", "b"]


def test_two_folders_of_one_name_are_told_apart(runs):
    write_run(runs / "other/b", 0.74)
    assert list(find_runs([runs / "further/b", runs / "other/b"]).summaries) == ["b", str(runs / "other/b")]


def test_a_run_that_is_named_twice_counts_once_and_that_is_said(made):
    measured, notes = measure(made / "a", made, made / "a")
    assert list(measured) == ["a", "further/b"]
    assert notes == [f"{made / 'a'} is named twice, and counts once"] * 2


def test_a_copy_of_a_run_counts_once_and_the_one_with_matches_is_kept(runs):
    shutil.copytree(runs / "a", runs / "z")
    shutil.rmtree(runs / "a/matches")
    measured, notes = measure(runs)
    assert list(measured) == ["further/b", "z"]
    assert notes == ["left out: a is the same run as z"]


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (lambda run: (run / "summary.json").write_text("{"), "left out: the summary .* is no JSON"),
        (lambda run: (run / "summary.json").write_text("[]"), "left out: .* lacks cells"),
        (lambda run: (run / "summary.json").rename(run / "run.json"), "left out: .* its bench has not finished"),
        (lambda run: shutil.rmtree(run / "matches"), "a has no intervals: .* has no matches"),
        (lambda run: (run / "matches/fog-3.npz").write_bytes(b"x"), r"a has no intervals: .*fog-3\.npz is damaged"),
        (
            lambda run: shutil.copy(run / "matches/fog-1.npz", run / "matches/fog-3.npz"),
            r"a has no intervals: .*fog-3\.npz is of 60 images and scores",
        ),
    ],
)
def test_a_spoilt_run_beside_others_is_said_in_one_line(runs, spoil, note):
    spoil(runs / "a")
    measured, (said,) = measure(runs)
    assert "further/b" in measured

    assert re.match(note, said)
    if "a" in measured:
        assert measured["a"].resampled is None


def test_a_spoilt_run_that_is_named_itself_is_refused(runs):
    (runs / "a/summary.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        find_runs([runs / "a", runs])


@pytest.mark.parametrize("place", ["empty", "absent", "file"])
def test_a_place_without_runs_is_refused(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match="there is no finished run in" if place == "empty" else "is no folder: expected"
    ):
        find_runs([tmp_path / place])


def test_only_damaged_runs_are_refused_with_what_is_wrong(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/summary.json").write_text("{")
    with pytest.raises(UserError, match=r"there is no finished run in .* \(left out: the summary .* is no JSON"):
        find_runs([tmp_path])


def test_runs_of_another_suite_are_measured_apart(runs):
    write_run(runs / "held", 0.7, cells=HELD_OUT.cells, suite=HELD_OUT)
    measured, _ = measure(runs)
    assert len({one.pixels for one in measured.values()}) == 2


def test_what_is_said_of_a_run_that_is_not_there_is_refused(made):
    with pytest.raises(UserError, match=r"no run is called 'further/c' \(did you mean 'further/b'\?\): there are a, "):
        measure(made, told={"further/c": About(training="AdvMix")})


def test_training_for_all_is_that_of_runs_that_say_none(made):
    measured, _ = measure(made, told={"a": About(training="AdvMix")}, training="Standard")
    assert [one.about.training for one in measured.values()] == ["AdvMix", "Standard"]


def test_warnings_of_a_run_are_said(runs):
    summary = json.loads((runs / "a/summary.json").read_text())
    (runs / "a/summary.json").write_text(json.dumps({**summary, "warnings": ["boxes look odd"]}))
    assert measure(runs)[1] == ["a: boxes look odd"]


def test_progress_is_told_run_by_run(made):
    told = []
    measure_runs([made], {}, None, 40, told.append)
    assert [(one.done, one.total) for one in told] == [(1, 2), (2, 2)]


def test_a_run_of_nothing_but_noughts_is_measured(tmp_path):
    write_run(tmp_path / "a", 0.0, spread=0)
    measured, notes = measure(tmp_path)
    assert measured["a"].means.ratio is None
    assert "next to nothing" in notes[0]
