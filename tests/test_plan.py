"""A bench's plan: what is left, at what price; nothing is written for it, and no number of the run changes."""

import json
import random
import re

import numpy as np
import pytest

from robustpose.benchmark.job import prepare
from robustpose.benchmark.plan import plan_bench, share_out
from robustpose.benchmark.run import plan_rescoring, plan_run, run_bench
from robustpose.benchmark.trial import spread_evenly
from robustpose.corruptions.suites import choose_cells
from robustpose.errors import UserError
from robustpose.random_state import same_random_numbers
from robustpose.work import Processes
from tests.runs import Stop, files_of

CELLS = choose_cells(["contrast", "gaussian_noise"], [1, 4])


def test_plan_says_what_there_is_and_makes_nothing(tmp_path, make_job):
    plan = plan_run(make_job(tmp_path / "new" / "run"), CELLS, workers=2)
    assert (plan.n_images, plan.n_cells, plan.n_done, plan.n_total, plan.boxes) == (9, 5, 0, 45, "gt")
    assert re.fullmatch(
        r"9 images × 5 cells, \d+ people, gt boxes, tests.outside:guess_from_pixels: "
        r"less than 10 s with 2 workers, \d+ MB",
        str(plan),
    )
    assert list(tmp_path.iterdir()) == []


def test_run_that_is_announced_gives_the_same_bytes(tmp_path, make_job, finished_run):
    plans = []
    run_bench(make_job(tmp_path / "run"), CELLS, announce=plans.append)
    assert files_of(tmp_path / "run") == files_of(finished_run)
    size = sum(map(len, files_of(finished_run).values()))
    assert abs(plans[0].n_bytes / size - 1) < 0.25  # tiny images; on photographs see benchmarks/plan.py


def test_what_is_on_disk_counts_as_done(tmp_path, make_job):
    job = make_job(tmp_path / "run")

    def stop(what, progress):
        if progress.done == 12:
            raise Stop

    with pytest.raises(Stop):
        run_bench(job, CELLS, on_progress=stop)
    before = files_of(job.out)
    plan = plan_run(job, CELLS)
    assert plan.n_done == 12
    assert "12 of 45 are predicted" in str(plan)
    assert files_of(job.out) == before
    run_bench(job, CELLS)
    assert plan_run(job, CELLS).n_done == 45
    assert "all are predicted" in str(plan_rescoring(job))


def test_run_that_takes_more_images_keeps_what_it_has(run, coco_folder, tmp_path):
    data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", "1"]
    contrast = ["--corruptions", "contrast", "--severities", "2", "--out", tmp_path / "run"]
    command = ["bench", "--model", "tests.outside:guess_from_pixels", *data, *contrast]
    assert run(*command, "--limit", "4")[0] == 0
    before = files_of(tmp_path / "run")
    code, _, errors = run(*command, "--limit", "9", "--dry-run")
    assert code == 0
    assert "9 images × 2 cells" in errors
    assert "8 of 18 are predicted" in errors
    assert files_of(tmp_path / "run") == before


def test_another_runs_folder_is_refused(tmp_path, make_job, finished_run):
    with pytest.raises(UserError, match="holds results of another setup"):
        plan_run(make_job(finished_run, seed=6), CELLS)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is no folder"):
        plan_run(make_job(tmp_path / "file" / "run"), CELLS)


def test_error_of_the_estimator_is_its_own(tmp_path, make_job):
    with pytest.raises(UserError, match=r"always_fails.*KeyError"):
        plan_run(make_job(tmp_path / "run", "tests.test_plan:always_fails"), CELLS)
    assert list(tmp_path.iterdir()) == []


def always_fails(image, boxes):
    raise KeyError("weights")


def test_clean_alone_is_planned(tmp_path, make_job):
    plan = plan_run(make_job(tmp_path / "run"), CELLS[:1], n_resamples=0)
    assert str(plan).startswith("9 images × 1 cell,")


def test_predictions_of_another_program_take_no_time(run, coco_folder, tmp_path):
    from tests.runs import write_predictions

    predictions = write_predictions(tmp_path / "predictions", coco_folder, 3.0)
    data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", "1"]
    words = ["--corruptions", "fog,contrast", "--severities", "1,4", "--out", tmp_path / "run", "--dry-run"]
    code, _, errors = run("bench", "--model", f"results:{predictions}", *data, *words)
    assert code == 0
    assert "less than 10 s" in errors


def test_measured_corruptions_differ_by_cell(tmp_path, make_job, monkeypatch):
    from robustpose.benchmark import plan, trial

    monkeypatch.setattr(trial, "WORTH_TRYING", 0.0)
    found = []
    monkeypatch.setattr(plan, "time_predicting", lambda prepared, tasks, n, rates, pixels: found.append(rates) or 0.0)
    prepared = prepare(make_job(tmp_path / "run"), CELLS)
    plan_bench(prepared, Processes(1), 0)
    assert {cell.corruption for cell in found[0].corrupt} == {"contrast", "gaussian_noise"}
    assert all(seconds > 0 for seconds in found[0].corrupt.values())
    assert found[0].corrupting(CELLS[0]) == 0


def test_first_call_of_a_model_is_not_counted_however_long_it_takes(tmp_path, make_job, monkeypatch):
    from robustpose.benchmark import plan, trial

    at = [0.0]  # seconds of a clock that only the estimator moves: a minute of loading, then 1 ms a call
    monkeypatch.setattr(trial, "CLOCK", lambda: at[0])
    found = []
    monkeypatch.setattr(plan, "time_predicting", lambda prepared, tasks, n, rates, pixels: found.append(rates) or 0.0)
    prepared = prepare(make_job(tmp_path / "run"), CELLS)
    predict = prepared.estimator.predict

    def load_and_predict(frames):
        at[0] += 0.001 if at[0] else 60.0
        return predict(frames)

    prepared.estimator.predict = load_and_predict
    plan_bench(prepared, Processes(1), 0)
    assert 0 < found[0].predict < 0.01


def test_tasks_are_shared_out_in_order():
    assert share_out([3, 1, 1, 1], 2) == 3
    assert share_out([1, 1, 1, 3], 2) == 4
    assert share_out([], 2) == 0


@pytest.mark.parametrize("n", [0, 1, 2, 5, 161])
def test_spread_holds_everything_once(n):
    assert sorted(spread_evenly(n)) == list(range(n))


def test_tried_random_numbers_are_put_back():
    with same_random_numbers():
        tried = random.random(), np.random.rand()
    assert (random.random(), np.random.rand()) == tried


def test_dry_run_of_commands_says_one_line_and_writes_nothing(run, coco_folder, tmp_path, finished_run):
    data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", "1"]
    contrast = ["--corruptions", "contrast", "--severities", "2"]
    bench = ["bench", "--model", "tests.outside:guess_from_pixels", *data]
    styles = ["--styles", coco_folder / "images"]
    for words, said in (
        ([*bench, *contrast], r"9 images × 2 cells, .*"),
        ([*bench, "--preview"], r"9 images × 46 cells, .*"),
        (["corrupt", *data, *contrast], r"9 images to write: less than 10 s with 1 worker, \d+ kB"),
        (["stylize", *data, *styles], r"9 images to write: less than 10 s with 1 worker, \d+ kB"),
    ):
        code, output, errors = run(*words, "--out", tmp_path / "out", "--dry-run")
        assert (code, output) == (0, "")
        assert re.fullmatch(said, errors.strip().splitlines()[-1]), errors
        assert list(tmp_path.iterdir()) == []
    code, output, _ = run(*bench, *contrast, "--out", tmp_path / "out", "--dry-run", "--json", "-")
    assert json.loads(output)["plan"]["n_images"] == 9
