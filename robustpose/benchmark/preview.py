"""Preview: an estimate of a suite's mean, such as mPC, from some images and three of its five severities.

It is marked as one and kept apart from full results. Severities 2 and 4 are taken from the line between their
neighbours, so a corruption's mean is (1.5·s1 + 2·s3 + 1.5·s5) / 5. The interval is the bootstrap's over the previewed
images, widened by what that line misses: in full runs of five estimators it was off by 0.1 to 1.3 % of mPC.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from robustpose.benchmark.job import Job, Prepared, prepare
from robustpose.benchmark.networks import with_networks
from robustpose.benchmark.plan import BenchPlan, measure_plan, plan_bench
from robustpose.benchmark.predict import predict_cells
from robustpose.benchmark.run import check_numbers
from robustpose.benchmark.scoring import Scoring, score_cells
from robustpose.claims import claim_folder
from robustpose.corruptions.suites import Suite, cells_of
from robustpose.data.subset import Adjusted
from robustpose.errors import UserError, show_doubts, spell_list
from robustpose.files import write_text
from robustpose.fresh import StartOver
from robustpose.metrics.robustness import relative_under_corruption
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.progress import Progress
from robustpose.results.cell_score import CellScore
from robustpose.results.doubts import doubt_few, doubt_score, list_doubts
from robustpose.results.resampling import LEVEL, RESAMPLES, interval
from robustpose.results.run_folder import IDENTITY, list_made
from robustpose.work import Workers, announce_plan

N_IMAGES = 100
WEIGHTS = {1: 0.3, 3: 0.4, 5: 0.3}  # by severity, in a corruption's mean
LINE_ERROR = 0.01  # of mPC, one standard deviation
SEED = 1


def run_preview(
    job: Job,
    n_images: int = N_IMAGES,
    workers: Workers = 1,
    n_resamples: int = RESAMPLES,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
    fresh: StartOver | None = None,
    announce: Callable[[BenchPlan], None] | None = None,
) -> dict[str, Any]:
    """Estimate what a full benchmark would give, write preview.json into the run folder, and return it.

    The folder is a preview's own: a full benchmark refuses it, and it has no summary.json that could be taken for one.
    `n_images` are drawn evenly from the dataset; all if it has fewer. The other arguments are those of `run_bench`.
    """
    engine = check_numbers(workers, n_resamples)
    prepared = prepare_preview(job, n_images, n_resamples)
    predicting = with_networks(engine, prepared)
    job, cells, of_estimator = prepared.job, prepared.cells, prepared.provenance["estimator"]
    with claim_folder(job.out, "results", IDENTITY, prepared.identity, list_made, fresh):
        announce_plan(announce, partial(measure_plan, prepared, predicting, n_resamples, is_preview=True))
        predict_cells(prepared, predicting, partial(on_progress, "predict"))
        scoring = Scoring(job, n_resamples, with_slices=False)
        scores = score_cells(scoring, prepared.data, cells, engine, partial(on_progress, "score"))
        metric = prepared.data.make_metric().primary
        estimate, few = _estimate(scores, metric, job.suite), doubt_few(len(prepared.data.truths))
        preview = {
            **({} if job.name is None else {"name": job.name}),
            "is_estimate": True,
            "suite": job.suite.identity,
            "metric": metric,
            **estimate,
            "level": LEVEL,
            "images": len(prepared.data.truths),
            "severities": list(WEIGHTS),
            "warnings": [*list_doubts(prepared.warnings, metric, estimate["clean"], of_estimator), *few],
            "provenance": prepared.provenance,
        }
        write_text(job.out / "preview.json", json.dumps(preview, indent=2) + "\n")
    show_doubts([*doubt_score(metric, estimate["clean"], of_estimator), *few])
    return preview


def plan_preview(
    job: Job,
    n_images: int = N_IMAGES,
    workers: Workers = 1,
    n_resamples: int = RESAMPLES,
    fresh: StartOver | None = None,
) -> BenchPlan:
    """Return what `run_preview` would do, with all checks of its start. Nothing is written or locked."""
    engine = check_numbers(workers, n_resamples)
    prepared = prepare_preview(job, n_images, n_resamples)
    return plan_bench(prepared, engine, n_resamples, fresh, is_preview=True)


def prepare_preview(job: Job, n_images: int, n_resamples: int) -> Prepared:
    """Check a preview before anything is written."""
    cells = list_cells(job.suite)
    if n_images < 1 or n_resamples < 1:
        raise UserError("a preview needs images and resamples: at least 1 of each")
    prepared = prepare(replace(job, make_dataset=partial(choose_images, job.make_dataset, n_images)), cells)
    if prepared.data.make_metric().against_clean:
        raise UserError(
            "--preview estimates the mean of a score, from what is known of how that falls with severity, and not "
            "consistency: leave it out, and take fewer images (--limit) or cells (--severities 3)"
        )
    per_group = prepared.estimator.images_per_group
    if per_group > 1:
        raise UserError(
            f"--preview draws some of the images, and this model looks at {per_group} consecutive ones at once "
            "(--adapt-images): leave it out, and take fewer images (--limit) or cells (--severities 3)"
        )
    show_doubts(prepared.warnings)
    return prepared


def list_cells(suite: Suite) -> tuple[Cell, ...]:
    """Return clean and the cells of a suite that a preview looks at; only of severities 1 to 5 the line is known."""
    if suite.severities != (1, 2, 3, 4, 5):
        raise UserError(f"--preview looks at 3 of 5 severities: suite {suite.name} has {spell_list(suite.severities)}")
    return cells_of(suite.corruptions, list(WEIGHTS))


def choose_images(make_dataset: Callable[[], Dataset], n_images: int) -> Dataset:
    """Open a dataset and return `n_images` of its images, drawn at random, always the same."""
    dataset = make_dataset()
    n_all = len(dataset)
    if n_all <= n_images:
        return Adjusted(dataset, preview=(n_all, n_all))
    chosen = np.sort(np.random.default_rng([SEED, n_all]).choice(n_all, n_images, replace=False))
    return Adjusted(dataset, indices=chosen.tolist(), preview=(n_images, n_all))


def _estimate(found: Mapping[Cell, CellScore], metric: str, suite: Suite) -> dict[str, Any]:
    """Return the fields of preview.json that summary.json has, too."""
    scores = {cell: score.figures[metric] for cell, score in found.items()}
    resampled: dict[Cell, Any] = {cell: score.resampled for cell, score in found.items()}
    by_corruption = {name: _mean_of(scores, name) for name in suite.corruptions}
    mean = sum(by_corruption.values()) / len(by_corruption)
    intervals = None
    if all(among is not None for among in resampled.values()):
        # The line's error is the same in every resample: spread evenly over them, as a normal distribution has it.
        among = sum(_mean_of(resampled, name) for name in suite.corruptions) / suite.n_corruptions
        error = LINE_ERROR * np.random.default_rng(SEED).standard_normal(len(among))
        with np.errstate(divide="ignore", invalid="ignore"):
            intervals = {
                "clean": interval(resampled[CLEAN]),
                suite.mean_name: interval(among * (1 + error)),
                suite.ratio_name: interval(among * (1 + error) / resampled[CLEAN]),
            }
    return {
        "clean": scores[CLEAN],
        suite.mean_name: mean,
        suite.ratio_name: relative_under_corruption(mean, scores[CLEAN]),
        "groups": {},
        "corruptions": by_corruption,
        "cells": {},
        "intervals": intervals,
    }


def _mean_of(scores: Mapping[Cell, Any], name: str) -> Any:
    return sum(weight * scores[Cell(name, severity)] for severity, weight in WEIGHTS.items())
