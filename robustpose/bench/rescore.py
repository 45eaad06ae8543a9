"""Score a finished run again: its predictions, without its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from robustpose.bench.job import Job, read_truths
from robustpose.bench.run import check_numbers
from robustpose.bench.scoring import Scoring, score_cells
from robustpose.bench.write_scores import write_scores
from robustpose.errors import UserError
from robustpose.files import list_differences, lock_folder, remove_parts
from robustpose.pose.cell import CLEAN, Cell
from robustpose.progress import Progress
from robustpose.results.resampling import RESAMPLES
from robustpose.results.rows import suite_of
from robustpose.results.summary import read_summary


def rescore(
    job: Job,
    n_workers: int = 1,
    n_resamples: int = RESAMPLES,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
) -> dict[str, Any]:
    """Score a finished run again, without its model, and return its summary.

    Args:
        job: the run folder, and how to open the data; `make_estimator` is not called, and the suite is the run's own.
        n_workers: processes.
        n_resamples: of the images, for intervals and slices; 0 for neither.
        on_progress: called with ``score`` and how far it is.

    Raises:
        UserError: the folder holds no finished run, or the data are not those of the run.
    """
    check_numbers(n_workers, n_resamples)
    old = read_summary(job.out)
    job = replace(job, suite=suite_of(old))
    dataset = job.make_dataset()
    given = {**dataset.provenance, "metric": dataset.metric}
    differences = list_differences(old["provenance"]["dataset"], given)
    if differences:
        raise UserError(f"these are not the data of {job.out}: {'; '.join(differences[:3])}")
    data, cells = read_truths(dataset), [CLEAN, *map(Cell.from_key, old["cells"])]
    with lock_folder(job.out):
        remove_parts(job.out)
        scores = score_cells(Scoring(job, n_resamples), data, cells, n_workers, partial(on_progress, "score"))
        return write_scores(job, data, scores, old["provenance"])
