import json
import shutil
from dataclasses import replace

import pytest

from robustpose import UserError
from robustpose.benchmark.job import no_estimator
from robustpose.benchmark.run import rescore
from robustpose.files import lock_folder
from robustpose.pose.skeletons import COCO
from tests.runs import files_of


@pytest.fixture
def job(tmp_path, make_job, finished_run):
    """A job on a copy of the finished run whose model is not there any more."""
    shutil.copytree(finished_run, tmp_path / "run")
    return replace(make_job(tmp_path / "run"), make_estimator=no_estimator)


def test_scoring_again_changes_no_byte(job, finished_run):
    summary = rescore(job)
    assert files_of(job.out) == files_of(finished_run)
    assert summary == json.loads((finished_run / "summary.json").read_text())


def test_what_is_derived_is_made_again(job, finished_run):
    shutil.rmtree(job.out / "matches")
    for name in ("slices.json", "results.jsonl", "report.html"):
        (job.out / name).unlink()
    rescore(job, workers=2)
    assert files_of(job.out) == files_of(finished_run)


def test_run_without_intervals_gets_them(job, finished_run):
    assert rescore(job, n_resamples=0)["intervals"] is None
    assert not (job.out / "slices.json").exists()
    rescore(job)
    assert files_of(job.out) == files_of(finished_run)


def test_other_data_are_refused_in_one_line_and_nothing_is_touched(job, make_job, finished_run):
    for changes, difference in (({"limit": 3}, "limit"), ({"metric": "pck:box@0.2"}, "metric: 'coco_ap' there")):
        other = replace(job, make_dataset=job.make_dataset.__self__.model_copy(update=changes).open)
        with pytest.raises(UserError, match=rf"these are not the data of .*{difference}") as error:
            rescore(other)
        assert "\n" not in str(error.value)
    assert files_of(job.out) == files_of(finished_run)


def test_numbers_that_mean_nothing_are_refused(job):
    with pytest.raises(UserError, match="--resamples must be at least 40, or 0 for no intervals, got -1"):
        rescore(job, n_resamples=-1)
    with pytest.raises(UserError, match="--workers must be at least 1, got 0"):
        rescore(job, workers=0)


def test_damaged_predictions_are_one_line(job):
    (job.out / "predictions/contrast-4.json").write_text("[{")
    with pytest.raises(UserError, match=r"results file .*contrast-4\.json"):
        rescore(job)


def test_folder_that_is_being_written_to_is_left_alone(job):
    with lock_folder(job.out), pytest.raises(UserError, match="another process is writing"):
        rescore(job)


def test_folder_that_is_no_run_or_not_finished_is_one_line(job):
    (job.out / "summary.json").unlink()
    with pytest.raises(UserError, match="its bench has not finished"):
        rescore(job)
    (job.out / "run.json").unlink()
    with pytest.raises(UserError, match="it is no run folder"):
        rescore(job)


def test_job_without_an_estimator_says_that_it_only_scores():
    with pytest.raises(UserError, match="it only scores what was predicted"):
        no_estimator(COCO)
