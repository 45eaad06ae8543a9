import json

import pytest

from robustpose import UserError
from robustpose.benchmark import scoring
from robustpose.benchmark.run import run_bench
from robustpose.corruptions.suites import choose_cells
from tests.runs import files_of
from tests.test_bench import CELLS


def test_summary_and_slices_have_intervals_from_a_thousand_resamples(finished_run):
    summary = json.loads((finished_run / "summary.json").read_text())
    assert summary["intervals"]["resamples"] == 1000
    assert set(summary["intervals"]["cells"]) == {cell.key for cell in CELLS[1:]}
    slices = json.loads((finished_run / "slices.json").read_text())
    assert (slices["metric"], slices["resamples"]) == ("AP", 1000)
    assert len(slices["joints"]) == 17
    assert {row["kind"] for row in slices["slices"]} == {"size", "visible joints", "crowding"}
    for row in (*slices["slices"], *slices["joints"]):
        low, high = row["clean_interval"]
        assert low <= row["clean"] <= high


def test_processes_for_scoring_change_no_byte(tmp_path, make_job, finished_run, monkeypatch):
    monkeypatch.setattr(scoring, "WORTH_A_PROCESS", 1)
    run_bench(make_job(tmp_path / "run"), CELLS, workers=2)
    assert files_of(tmp_path / "run") == files_of(finished_run)


def test_without_resamples_there_are_no_intervals_and_no_slices_but_the_same_figures(tmp_path, make_job, finished_run):
    job = make_job(tmp_path / "run")
    run_bench(job, CELLS)
    assert (job.out / "slices.json").is_file()
    summary = run_bench(job, CELLS, n_resamples=0)
    assert not (job.out / "slices.json").exists()
    assert summary["intervals"] is None
    whole = json.loads((finished_run / "summary.json").read_text())
    assert {**summary, "intervals": 0, "paired": 0} == {**whole, "intervals": 0, "paired": 0}
    for cell in CELLS:
        name = f"matches/{cell.file_stem}.npz"
        assert (job.out / name).read_bytes() == (finished_run / name).read_bytes()


def test_fewer_resamples_give_other_intervals_of_the_same_figures(tmp_path, make_job, finished_run):
    job = make_job(tmp_path / "run")
    summary = run_bench(job, CELLS, n_resamples=50)
    assert summary["intervals"]["resamples"] == 50
    assert summary["cells"] == json.loads((finished_run / "summary.json").read_text())["cells"]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"n_resamples": -1}, "--resamples must be at least 40, or 0 for no intervals, got -1"),
        ({"workers": 0}, "--workers must be at least 1, got 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused_before_anything_starts(tmp_path, make_job, numbers, message):
    with pytest.raises(UserError, match=message):
        run_bench(make_job(tmp_path / "run"), CELLS, **numbers)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_metric_without_matches_is_benched_without_intervals(tmp_path, run, workers):
    words = ["--model", "tests.outside:guess_from_pixels", "--data", "tests.outside:Squares"]
    words += ["--metric", "tests.outside:MeanScore", "--corruptions", "contrast", "--severities", "2"]
    code, output, _ = run("bench", *words, "--workers", workers, "--out", tmp_path / "run")
    assert code == 0
    assert "mean score" in output
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["metric"] == "mean score"
    assert summary["intervals"] is None
    assert 0 < summary["clean"] < 1
    assert not (tmp_path / "run/slices.json").exists()
    assert not (tmp_path / "run/matches").exists()


def test_pck_has_intervals_and_slices_of_its_own(tmp_path, run):
    words = ["--model", "tests.outside:guess_from_pixels", "--data", "tests.outside:Squares"]
    words += ["--metric", "pck:box@0.3", "--corruptions", "contrast", "--severities", "2", "--resamples", "40"]
    assert run("bench", *words, "--out", tmp_path / "run")[0] == 0
    low, high = json.loads((tmp_path / "run/summary.json").read_text())["intervals"]["clean"]
    assert 0 <= low <= high <= 1
    slices = json.loads((tmp_path / "run/slices.json").read_text())
    assert (slices["metric"], slices["joint_figure"], slices["calibration"]) == ("PCK", "PCK", None)


def test_means_of_the_whole_grid_have_intervals(tmp_path, run):
    words = ["--model", "tests.outside:guess_from_pixels", "--data", "tests.outside:Squares", "--metric", "pck:box@0.3"]
    assert run("bench", *words, "--resamples", "40", "--workers", "1", "--out", tmp_path / "run")[0] == 0
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    found = summary["intervals"]
    for name in ("mPC", "rPC"):
        low, high = found[name]
        assert low <= summary[name] <= high
    assert set(found["groups"]) == set(summary["groups"])
    assert set(found["geometric"]) == {"mPC_without", "mPC_only"}


def test_cells_that_are_added_have_matches_too(tmp_path, make_job, finished_run):
    job = make_job(tmp_path / "run")
    run_bench(job, choose_cells(["contrast"], [1]))
    assert len(list((job.out / "matches").iterdir())) == 2
    run_bench(job, CELLS)
    assert files_of(job.out) == files_of(finished_run)


def test_how_the_data_were_opened_is_noted_by_the_command_and_not_without_being_told(finished_run, tmp_path, run):
    assert not (finished_run / "inputs.json").exists()
    words = ["--model", "tests.outside:guess_from_pixels", "--data", "tests.outside:Squares", "--corruptions", "none"]
    assert run("bench", *words, "--seed", "3", "--out", tmp_path / "run")[0] == 0
    inputs = json.loads((tmp_path / "run/inputs.json").read_text())
    assert inputs["data"] == {"name": "tests.outside:Squares"}
    assert inputs["corrupted_images"] == {"seed": 3}
