import json

import numpy as np
import pytest

from robustpose.results.compare import compare_runs
from tests.runs import bench_predictions, write_predictions


@pytest.fixture(scope="module")
def predictions(tmp_path_factory, coco_folder):
    """Two folders of predictions: of one pose estimator, and of one that is worse for all."""
    folder = tmp_path_factory.mktemp("predictions")
    return [write_predictions(folder / f"{noise}", coco_folder, noise) for noise in (1.0, 6.0)]


@pytest.fixture
def runs(run, coco_folder, tmp_path, predictions):
    """The runs of both."""
    return [
        bench_predictions(run, coco_folder, of, tmp_path / name) for name, of in zip("ab", predictions, strict=True)
    ]


def find(comparison, kind, name):
    return next(one for one in comparison.slices if (one.kind, one.name) == (kind, name))


def test_slices_are_compared_in_pairs(runs):
    comparison = compare_runs(runs)
    said = [json.loads((folder / "slices.json").read_text())["slices"] for folder in runs]
    assert {one.kind for one in comparison.slices} == {"size", "visible joints", "crowding", "joint"}
    for mine, other in zip(*said, strict=True):
        found = find(comparison, mine["kind"], mine["name"])
        clean = found.rows[0]
        assert found.n_people == mine["n_people"]
        assert clean.values == (mine["clean"], other["clean"])
        assert list(clean.intervals[0]) == pytest.approx(mine["clean_interval"], abs=1e-5)
        assert clean.differences[1].value == other["clean"] - mine["clean"]
        assert clean.differences[1].interval is not None
    assert [row.name for row in found.rows] == ["AP*", "mean_of_chosen"]


def test_a_run_beside_itself_differs_in_no_slice(runs):
    for one in compare_runs([runs[0], runs[0]]).slices:
        assert one.rows[0].differences[1].interval == [0, 0]


def test_fewer_resamples_are_the_first_ones(runs):
    whole, few = (compare_runs(runs, n).slices[0].rows[0].differences[1].interval for n in (1000, 100))
    assert few != whole
    assert few[0] < whole[1]


def test_slices_of_a_run_that_kept_no_resamples_are_not_told_apart_and_that_is_said(runs):
    (runs[1] / "slices.npz").unlink()
    comparison = compare_runs(runs)
    differences = [row.differences[1] for one in comparison.slices for row in one.rows]
    assert all(d.interval is None and not d.is_distinguishable for d in differences)
    assert any(f"b kept no resamples of them: robustpose score {runs[1]}" in note for note in comparison.notes)


def test_means_of_other_cells_are_not_compared(run, coco_folder, tmp_path, predictions, runs):
    words = ("--corruptions", "fog", "--severities", "1")
    fewer = bench_predictions(run, coco_folder, predictions[1], tmp_path / "fewer", *words)
    comparison = compare_runs([runs[0], fewer])
    assert {row.name for one in comparison.slices for row in one.rows} == {"AP*", "clean"}  # of people, of joints


def test_one_image_has_no_intervals(run, coco_folder, tmp_path, predictions):
    runs = [
        bench_predictions(run, coco_folder, of, tmp_path / name, "--limit", "1")
        for name, of in zip("ab", predictions, strict=True)
    ]
    comparison = compare_runs(runs)
    differences = [row.differences[1] for row in comparison.rows if row.differences[1] is not None]
    differences += [row.differences[1] for one in comparison.slices for row in one.rows]
    assert not any(difference.is_distinguishable for difference in differences)
    assert comparison.verdict[0].startswith("Only 1 image:")


def test_slices_of_fewer_resamples_than_asked_for_say_so(runs, run):
    assert run("score", runs[1], "--resamples", 50, "--workers", 1)[0] == 0
    assert any("slices are compared by 50 resamples, for b kept no more of them" in n for n in compare_runs(runs).notes)


def test_resamples_too_few_for_an_interval_are_not_used(runs):
    """Such as earlier versions took."""
    path, arrays = runs[1] / "slices.npz", dict(np.load(runs[1] / "slices.npz"))
    np.savez(path, **{name: array[:, :, :5] for name, array in arrays.items()})
    content = json.loads((runs[1] / "slices.json").read_text())
    rows = [*content["slices"], *content["joints"]]
    for row in rows:
        row |= {name: None for name in row if name.endswith("_interval")}
    (runs[1] / "slices.json").write_text(json.dumps(content | {"resamples": 5}))
    comparison = compare_runs(runs)
    assert all(row.differences[1].interval is None for one in comparison.slices for row in one.rows)
    assert any("b kept 5 resamples of them: robustpose score" in note for note in comparison.notes)


def test_a_slice_says_on_how_many_images_it_is(runs):
    for one in compare_runs(runs).slices:
        assert 0 < one.n_images <= min(one.n_people, 30)
