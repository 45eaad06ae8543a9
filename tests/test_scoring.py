import numpy as np
import pytest

from robustpose import Cell, UserError, work
from robustpose.benchmark import scoring
from robustpose.benchmark.job import read_truths
from robustpose.benchmark.scoring import Scoring, score_cells
from robustpose.corruptions.suites import choose_cells
from robustpose.pose.results_json import write_results
from robustpose.pose.types import Poses
from robustpose.results.run_folder import RunFolder
from robustpose.work import Processes

CELLS = choose_cells(["contrast", "gaussian_noise"], [1, 4])


@pytest.fixture
def opened(tmp_path, make_job):
    """Job and data of a run with nothing but predictions, which get worse with the severity."""
    job = make_job(tmp_path / "run")
    (job.out / "predictions").mkdir(parents=True)
    data = read_truths(job.make_dataset())
    rng = np.random.default_rng(0)
    for cell in CELLS:
        found = [
            Poses(
                truth.image_id,
                truth.xy + rng.normal(0, 1 + cell.severity, truth.xy.shape),
                np.ones(truth.xy.shape[:2]),
                rng.random(len(truth.xy)),
            )
            for truth in data.truths
        ]
        write_results(RunFolder(job.out).prediction_path(cell), found)
    return job, data


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def plain(scores):
    """Return scores in types that can be compared."""
    return {
        cell: (
            score.figures,
            score.resampled.tolist(),
            {key: (scored.value, scored.resampled.tolist()) for key, scored in score.slices.items()},
            score.calibration,
        )
        for cell, score in scores.items()
    }


def test_two_processes_score_and_write_what_one_does(opened, monkeypatch):
    job, data = opened
    here = score_cells(Scoring(job, 20), data, CELLS, Processes(2), lambda progress: None)  # too little to share out
    assert all(0 < score.figures["AP"] < 1 for score in here.values())
    written = files_of(job.out / "matches")
    assert set(written) == {f"{cell.file_stem}.npz" for cell in CELLS}
    for path in (job.out / "matches").iterdir():
        path.unlink()
    started = []
    monkeypatch.setattr(scoring, "WORTH_A_PROCESS", 1)
    run = work.run_in_processes
    monkeypatch.setattr(work, "run_in_processes", lambda *args: started.append(args[3]) or run(*args))
    apart = score_cells(Scoring(job, 20), data, CELLS, Processes(2), lambda progress: None)
    assert started == [2]
    assert list(apart) == list(here) == list(CELLS)
    np.testing.assert_equal(plain(apart), plain(here))
    assert files_of(job.out / "matches") == written


def test_progress_goes_from_nothing_to_all_cells(opened):
    job, data = opened
    seen = []
    score_cells(
        Scoring(job, 0), data, CELLS, Processes(1), lambda progress: seen.append((progress.done, progress.total))
    )
    assert seen == [(done, len(CELLS)) for done in range(len(CELLS) + 1)]


def test_without_resamples_matches_are_written_all_the_same(opened):
    job, data = opened
    scores = score_cells(Scoring(job, 0), data, CELLS, Processes(1), lambda progress: None)
    assert all(score.resampled is None and score.slices == {} for score in scores.values())
    assert len(files_of(job.out / "matches")) == len(CELLS)


@pytest.mark.parametrize("in_processes", [False, True])
def test_damaged_predictions_are_one_line_that_names_them(opened, monkeypatch, in_processes):
    job, data = opened
    path = RunFolder(job.out).prediction_path(Cell("contrast", 4))
    path.write_text(path.read_text()[:-30])
    if in_processes:
        monkeypatch.setattr(scoring, "WORTH_A_PROCESS", 1)
    with pytest.raises(UserError, match=r"results file .*contrast-4\.json") as error:
        score_cells(Scoring(job, 20), data, CELLS, Processes(2), lambda progress: None)
    assert "\n" not in str(error.value)


def test_image_without_poses_in_the_predictions_has_nobody_found(opened):
    job, data = opened
    for cell in CELLS:
        RunFolder(job.out).prediction_path(cell).write_text("[]")
    scores = score_cells(Scoring(job, 5), data, CELLS, Processes(1), lambda progress: None)
    assert all(score.figures["AP"] == 0 for score in scores.values())
    assert all((score.resampled == 0).all() for score in scores.values())
