"""Run a benchmark: predict what is lacking, score every cell, write it up. Or score a finished run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from robustpose.benchmark.extend import extend_run
from robustpose.benchmark.job import Job, OpenedData, Prepared, hold_against_clean, prepare, read_truths
from robustpose.benchmark.networks import with_networks
from robustpose.benchmark.plan import BenchPlan, measure_plan, plan_bench, plan_scores
from robustpose.benchmark.predict import predict_cells
from robustpose.benchmark.scoring import Scoring, score_cells
from robustpose.benchmark.write_scores import write_scores
from robustpose.changes import keep_known, list_changes
from robustpose.claims import claim_folder
from robustpose.data.identity import identify_dataset
from robustpose.data.subset import without_idle_limit
from robustpose.errors import UserError, show_doubts
from robustpose.files import hold_folder
from robustpose.fresh import StartOver
from robustpose.pose.cell import CLEAN, Cell
from robustpose.progress import Progress
from robustpose.results.doubts import doubt_score, doubts_of_rescored
from robustpose.results.resampling import RESAMPLES, check_resamples
from robustpose.results.rows import suite_of
from robustpose.results.run_folder import IDENTITY, RunFolder, list_made
from robustpose.results.summary import read_summary
from robustpose.work import Engine, Workers, announce_plan, as_engine


def run_bench(
    job: Job,
    cells: Sequence[Cell],
    workers: Workers = 1,
    n_resamples: int = RESAMPLES,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
    fresh: StartOver | None = None,
    announce: Callable[[BenchPlan], None] | None = None,
) -> dict[str, Any]:
    """Bring a benchmark to its end and return its summary. Started again, it goes on where it was, unless `fresh`.

    The cells have clean first. Images are resampled `n_resamples` times for intervals and slices; 0 for neither.
    `on_progress` is called with what is being done (``predict`` or ``score``) and how far it is. `announce` is told
    the plan first, for which some images are tried. After an error, finished units stay in the run folder.
    """
    engine = check_numbers(workers, n_resamples)
    return run_prepared(prepare(job, cells), engine, n_resamples, on_progress, fresh, announce)


def plan_run(
    job: Job, cells: Sequence[Cell], workers: Workers = 1, n_resamples: int = RESAMPLES, fresh: StartOver | None = None
) -> BenchPlan:
    """Return what `run_bench` would do, with all checks of its start. Nothing is written or locked."""
    engine = check_numbers(workers, n_resamples)
    prepared = prepare(job, cells)
    show_doubts(prepared.warnings)
    return plan_bench(prepared, engine, n_resamples, fresh)


def run_prepared(
    prepared: Prepared,
    engine: Engine,
    n_resamples: int,
    on_progress: Callable[[str, Progress], None],
    fresh: StartOver | None = None,
    announce: Callable[[BenchPlan], None] | None = None,
    bring: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Do what `run_bench` does with a job that has been checked; numbers have been, too.

    `bring` puts what was predicted elsewhere into the folder, once that is claimed.
    """
    job, cells = prepared.job, prepared.cells
    predicting = with_networks(engine, prepared)
    show_doubts(prepared.warnings)
    if fresh is None:
        extend_run(prepared)
    with claim_folder(job.out, "results", IDENTITY, prepared.identity, list_made, fresh):
        bring()
        announce_plan(announce, partial(measure_plan, prepared, predicting, n_resamples))
        predict_cells(prepared, predicting, partial(on_progress, "predict"))
        data = hold_against_clean(prepared.data, job.out)
        scores = score_cells(Scoring(job, n_resamples), data, cells, engine, partial(on_progress, "score"))
        summary = write_scores(job, data, scores, prepared.provenance, prepared.warnings)
    of_score = doubt_score(summary["metric"], summary["clean"], prepared.provenance["estimator"])
    show_doubts([*scores[CLEAN].warnings, *of_score])
    return summary


def rescore(
    job: Job,
    workers: Workers = 1,
    n_resamples: int = RESAMPLES,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
    announce: Callable[[BenchPlan], None] | None = None,
) -> dict[str, Any]:
    """Score a finished run again, on the data of the run, and return its summary: see `run_bench`.

    The `make_estimator` of the job is not called, and the suite is the run's own.
    """
    engine = check_numbers(workers, n_resamples)
    job, data, cells, old = open_finished(job)
    with hold_folder(job.out):
        about = old["provenance"]
        data = hold_against_clean(data, job.out)
        announce_plan(announce, partial(plan_scores, job, data, cells, engine, n_resamples, about))
        scores = score_cells(Scoring(job, n_resamples), data, cells, engine, partial(on_progress, "score"))
        doubts = doubts_of_rescored(old, data.dataset.warnings)
        summary = write_scores(job, data, scores, old["provenance"], doubts)
    show_doubts(summary["warnings"])
    return summary


def plan_rescoring(job: Job, workers: Workers = 1, n_resamples: int = RESAMPLES) -> BenchPlan:
    """Return what `rescore` would do, with its checks. Nothing is written or locked."""
    engine = check_numbers(workers, n_resamples)
    job, data, cells, old = open_finished(job)
    return plan_scores(job, hold_against_clean(data, job.out), cells, engine, n_resamples, old["provenance"])


def open_finished(job: Job) -> tuple[Job, OpenedData, Sequence[Cell], dict[str, Any]]:
    """Open the data of a finished run; return its job with its suite, its data, its cells and its summary."""
    old = read_summary(job.out)
    job = replace(job, suite=suite_of(old), name=old.get("name"))
    data = read_truths(job.make_dataset())
    differences = tell_data_apart(old["provenance"]["dataset"], data)
    if differences:
        raise UserError(
            f"these are not the data of {job.out}: {'; '.join(differences[:3])} (bench --model results:{job.out} and "
            "another --out scores its predictions as they are on these)"
        )
    cells = [CLEAN, *map(Cell.from_key, old["cells"])]
    lacking = [cell for cell in cells if not RunFolder(job.out).prediction_path(cell).is_file()]
    if lacking:
        raise UserError(
            f"{job.out} lacks predictions of its run ({RunFolder(job.out).prediction_path(lacking[0])} is not there): "
            "run the same bench again, which makes them anew"
        )
    return job, data, cells, old


def tell_data_apart(noted: Mapping[str, Any], data: OpenedData) -> list[str]:
    """Return in what data are not those that a run notes of itself, a line each."""
    before = without_idle_limit(noted, data.dataset)
    before.pop("pixels_sha256", None)  # scores are of poses and of the truth alone
    now = identify_dataset(data.dataset, data.truths, with_pixels=False)[0]
    return list_changes(before, keep_known(before, now))


def check_numbers(workers: Workers, n_resamples: int) -> Engine:
    """Return the engine that is meant; UserError unless there is somebody to work and a number of resamples."""
    engine = as_engine(workers)
    check_resamples(n_resamples, 0)
    return engine
