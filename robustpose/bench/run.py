"""Run a benchmark: do what is not done, score every cell, write the tables. Started again, it goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from robustpose.bench.predict import predict_cells, prepare
from robustpose.bench.work import Job
from robustpose.bench.write_results import finish
from robustpose.errors import UserError
from robustpose.files import lock_folder
from robustpose.pose.cell import Cell
from robustpose.progress import Progress
from robustpose.results.resampling import RESAMPLES


def run_bench(
    job: Job,
    cells: Sequence[Cell],
    n_workers: int = 1,
    n_resamples: int = RESAMPLES,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
) -> dict[str, Any]:
    """Bring a benchmark to its end and return its summary.

    Args:
        job: data, estimator, corrupted images and run folder.
        cells: clean first.
        n_workers: processes; with 1, everything happens in this one.
        n_resamples: of the images, for intervals and slices; 0 for neither.
        on_progress: called with what is being done (``predict`` or ``score``) and how far it is.

    Raises:
        UserError: a mistake in what was given. Finished units stay in the run folder.
    """
    check_numbers(n_workers, n_resamples)
    prepared = prepare(job, cells)
    with lock_folder(job.out):
        provenance = predict_cells(prepared, n_workers, on_progress)
        return finish(job, prepared.dataset, prepared.truths, cells, provenance, n_workers, n_resamples, on_progress)


def check_numbers(n_workers: int, n_resamples: int) -> None:
    """Raise UserError unless there is somebody to work and a number of resamples."""
    if n_workers < 1:
        raise UserError(f"--workers must be at least 1, got {n_workers}")
    if n_resamples < 0:
        raise UserError(f"--resamples must be at least 0, got {n_resamples}")
