import json
import shutil

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.results.compare import compare_runs
from robustpose.show.pages.compare import render_comparison
from tests.runs import bench_predictions, few_images_do, write_predictions


@pytest.fixture(scope="module", autouse=True)
def enough_images():
    """Let the few images of these runs do."""
    with few_images_do():
        yield


@pytest.fixture
def runs(tmp_path, coco_folder, run):
    """Two runs of the same images: good predictions, and bad ones."""
    folders = []
    for name, noise in (("good", 1.0), ("bad", 6.0)):
        predictions = write_predictions(tmp_path / f"{name}-predictions", coco_folder, noise)
        folders.append(bench_predictions(run, coco_folder, predictions, tmp_path / name))
    return folders


def take_images(path, n_images):
    """Leave the first images only in a file of matches."""
    arrays = dict(np.load(path))
    kept = arrays["image"] < n_images
    arrays |= {"image": arrays["image"][kept], "verdict": arrays["verdict"][:, kept]}
    np.savez(path, **arrays | {"positives": arrays["positives"][:n_images]})


def find(comparison, name):
    return next(row for row in comparison.rows if row.name == name)


def test_values_and_intervals_are_those_of_the_summaries(runs):
    comparison = compare_runs(runs)
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in runs]
    row = find(comparison, "fog/4")
    assert list(row.values) == [summary["cells"]["fog/4"] for summary in summaries]
    assert [list(interval) for interval in row.intervals] == [s["intervals"]["cells"]["fog/4"] for s in summaries]
    assert [row.kind for row in comparison.rows] == ["headline"] * 3 + ["corruption"] * 2 + ["cell"] * 4 + ["chosen"]
    assert find(comparison, "mPC").values == (None, None)  # of a few cells there is none


def test_a_worse_run_is_distinguishable_and_the_better_one_leads(runs):
    row = find(compare_runs(runs), "AP*")
    assert row.differences[0] is None
    difference = row.differences[1]
    assert difference.value == row.values[1] - row.values[0] < 0
    assert difference.interval[0] <= difference.value <= difference.interval[1] < 0
    assert difference.is_distinguishable
    assert row.leaders == (0,)


def test_a_run_is_not_distinguishable_from_itself(runs):
    comparison = compare_runs([runs[0], runs[0]])
    for row in comparison.rows:
        if row.values[0] is not None:
            assert row.differences[1].value == 0
            assert row.differences[1].interval == [0, 0]
            assert not row.differences[1].is_distinguishable
            assert row.leaders == (0, 1)
    assert len(set(comparison.names)) <= 2


def test_pairing_makes_the_interval_of_a_difference_narrower(tmp_path, coco_folder, run, runs):
    predictions = write_predictions(tmp_path / "other-predictions", coco_folder, 1.2)  # the same noise, a little larger
    other = bench_predictions(run, coco_folder, predictions, tmp_path / "other")
    row = find(compare_runs([runs[0], other]), "AP*")
    widths = [high - low for low, high in row.intervals]
    low, high = row.differences[1].interval
    assert high - low < (widths[0] ** 2 + widths[1] ** 2) ** 0.5


def test_runs_of_other_images_are_refused(tmp_path, coco_folder, run, runs):
    fewer = bench_predictions(run, coco_folder, tmp_path / "good-predictions", tmp_path / "fewer", "--limit", "5")
    with pytest.raises(UserError, match=r"not of the same images: .*limit"):
        compare_runs([runs[0], fewer])


@pytest.mark.parametrize("least", [(0, 0.2), (0.1, 0.2), (0.2, 0)])
def test_other_least_scores_of_boxes_are_compared_with_a_note(runs, least):
    for folder, score in zip(runs, least, strict=True):
        summary = json.loads((folder / "summary.json").read_text())
        summary["provenance"]["dataset"] |= {"min_box_score": score} if score else {}
        (folder / "summary.json").write_text(json.dumps(summary))
    assert f"boxes from score {least[0]:g} in good, from {least[1]:g} in bad" in compare_runs(runs).notes


def test_pck_is_the_same_metric_however_it_is_spelt(runs):
    for metrics, is_same in ((("pck", "pck:head_size@0.50"), True), (("pck:box@0.2", "pck:box@0.3"), False)):
        for folder, metric in zip(runs, metrics, strict=True):
            summary = json.loads((folder / "summary.json").read_text())
            summary["provenance"]["dataset"]["metric"] = metric
            (folder / "summary.json").write_text(json.dumps(summary))
        if is_same:
            assert compare_runs(runs).dataset.endswith(" (pck:head_size@0.5)")
        else:
            with pytest.raises(UserError, match=r"metric pck:box@0\.2 and pck:box@0\.3"):
                compare_runs(runs)


def test_only_common_cells_are_compared_and_that_is_said(tmp_path, coco_folder, run, runs):
    words = ("--corruptions", "fog", "--severities", "1,4")
    part = bench_predictions(run, coco_folder, tmp_path / "bad-predictions", tmp_path / "part", *words)
    comparison = compare_runs([runs[0], part])
    assert [row.name for row in comparison.rows if row.kind == "cell"] == ["fog/1", "fog/4"]
    assert any("only the 2 corrupted cells" in note for note in comparison.notes)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: shutil.rmtree(folder / "matches"), "start its bench command again"),
        (lambda folder: (folder / "matches" / "fog-4.npz").write_bytes(b"nothing"), "fog-4.npz is damaged"),
        (lambda folder: (folder / "summary.json").unlink(), "its bench has not finished"),
        (
            lambda folder: shutil.copy(folder.parent / "good/matches/fog-4.npz", folder / "matches"),
            r"fog-4\.npz is of 9 images and scores .* but by summary\.json fog/4 scores .*: robustpose score",
        ),
        (lambda folder: take_images(folder / "matches/fog-4.npz", 8), r"fog-4\.npz is of 8 images"),
    ],
)
def test_a_spoilt_run_is_refused_in_one_line(runs, spoil, message):
    spoil(runs[1])
    with pytest.raises(UserError, match=message):
        compare_runs(runs)


def test_one_run_is_refused(runs):
    with pytest.raises(UserError, match="two or more run folders, got 1"):
        compare_runs(runs[:1])


def test_command_prints_a_table_and_writes_page_and_json(runs, run, tmp_path):
    code, output, _ = run("compare", *runs, "--out", tmp_path / "beside", "--resamples", 200)
    assert code == 0
    assert "A: good-predictions" in output
    assert "B − A" in output
    assert "≈" in output
    assert "best, or not distinguishable from it (none where that is all of them)" in " ".join(output.split())
    content = json.loads((tmp_path / "beside" / "comparison.json").read_text())
    assert content["resamples"] == 200
    assert content["rows"][0]["differences"][1]["distinguishable"] is True
    assert "<!doctype html>" in (tmp_path / "beside" / "compare.html").read_text()


def test_names_from_files_stay_text_on_the_page(runs):
    summary = json.loads((runs[1] / "summary.json").read_text())
    summary["provenance"]["estimator"]["name"] = "<img src=x onerror=alert(1)></script>"
    (runs[1] / "summary.json").write_text(json.dumps(summary))
    page = render_comparison(compare_runs(runs))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
