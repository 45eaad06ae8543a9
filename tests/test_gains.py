import json
import shutil

import numpy as np
import pytest

from robustpose import UserError
from robustpose.corruptions.suites import COCO_C
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.compare import compare_runs
from robustpose.results.gains import find_gains, find_printed_gains
from robustpose.results.published import get_row
from tests.summaries import COCO_VAL, write_run


def test_gains_are_hardened_less_standard_by_corruption_and_by_severity(tmp_path):
    standard, hardened = write_run(tmp_path / "a", drop=0.05), write_run(tmp_path / "b", clean=0.69, drop=0.03)
    gains = find_gains(standard, hardened)
    assert gains.clean == pytest.approx((0.7, 0.69))
    assert gains.mean == pytest.approx((0.55, 0.60))
    assert gains.of_mean.value == pytest.approx(0.05)
    assert list(gains.corruptions) == list(COCO_C.corruptions)
    assert {round(gain.value, 6) for gain in gains.corruptions.values()} == {0.05}
    assert [round(gains.severities[at].value, 6) for at in (1, 2, 3, 4, 5)] == [0.01, 0.03, 0.05, 0.07, 0.09]
    assert all(gain.interval is None for gain in [gains.of_mean, *gains.severities.values()])
    assert gains.notes == ()
    assert find_gains(hardened, standard).of_mean.value == pytest.approx(-0.05)


def test_cells_that_one_run_lacks_are_in_no_gain_and_said(tmp_path):
    names, severities = ("fog", "snow"), (2, 4)
    part = [CLEAN, *(Cell(name, severity) for name in names for severity in severities)]
    gains = find_gains(write_run(tmp_path / "a"), write_run(tmp_path / "b", cells=part, drop=0.04))
    assert gains.mean is gains.of_mean is None
    assert list(gains.corruptions) == ["snow", "fog"]  # in the suite's order
    assert gains.corruptions["fog"].value == pytest.approx(0.03)
    assert list(gains.severities) == [2, 4]
    assert gains.notes == (
        "by severity the mean over 2 corruptions; coco-c has 15",
        "by corruption the mean over severity 2 and 4 alone",
    )
    clean = find_gains(tmp_path / "a", write_run(tmp_path / "c", cells=(CLEAN,)))
    assert not clean.corruptions
    assert not clean.severities
    assert clean.notes == ()


def test_runs_of_other_images_have_no_gain(tmp_path):
    with pytest.raises(UserError, match="they are not of the same images: name toy and person_keypoints"):
        find_gains(write_run(tmp_path / "a"), write_run(tmp_path / "b", dataset=COCO_VAL))


def test_intervals_are_of_paired_differences_as_compare_has_them(finished_run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished_run, other)
    gains = find_gains(finished_run, other)
    assert all(gain.value == 0 and gain.interval == [0, 0] for gain in gains.severities.values())
    name = next(iter(gains.corruptions))
    comparison = compare_runs([finished_run, other])
    [row] = [row for row in comparison.rows if (row.kind, row.name) == ("corruption", name)]
    assert gains.corruptions[name].value == row.differences[1].value
    np.testing.assert_allclose(gains.corruptions[name].interval, row.differences[1].interval)


def test_runs_without_intervals_have_gains_without_them(finished_run, tmp_path):
    """Also where the matches are lost, or of other scores: then it is said."""
    plain, lost = tmp_path / "plain", tmp_path / "lost"
    for folder in (plain, lost):
        shutil.copytree(finished_run, folder)
    summary = json.loads((plain / "summary.json").read_text())
    (plain / "summary.json").write_text(json.dumps({**summary, "intervals": None}))
    shutil.rmtree(lost / "matches")
    gains = find_gains(finished_run, plain)
    assert not any(gain.interval for gain in gains.corruptions.values())
    assert not any("no intervals" in note for note in gains.notes)
    gains = find_gains(finished_run, lost)
    assert not any(gain.interval for gain in gains.corruptions.values())
    assert any(note.startswith("no intervals: ") and "no matches of clean" in note for note in gains.notes)


def test_printed_gains_are_those_of_the_rows():
    gains = find_printed_gains(get_row("coco-c/table4/standard"), get_row("coco-c/table4/advmix"))
    assert gains.of_mean.value == pytest.approx(0.026)
    assert gains.corruptions["zoom_blur"].value == pytest.approx(-0.006)
    assert gains.severities == {}
    assert gains.of_mean.interval is None
