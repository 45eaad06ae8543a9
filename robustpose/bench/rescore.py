"""Score a finished run again: its predictions, without its model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from robustpose.bench.run import check_numbers
from robustpose.bench.work import Job
from robustpose.bench.write_results import finish
from robustpose.data.spec import provenance_of
from robustpose.errors import UserError
from robustpose.files import list_differences, lock_folder
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
    given = json.loads(json.dumps({**provenance_of(dataset), "metric": dataset.metric}))
    if given != old["provenance"]["dataset"]:
        differences = list_differences(old["provenance"]["dataset"], given)
        raise UserError(f"these are not the data of {job.out}: {'; '.join(differences[:3])}")
    truths = [dataset.truth(index) for index in range(len(dataset))]
    cells = [CLEAN, *map(Cell.from_key, old["cells"])]
    with lock_folder(job.out):
        return finish(job, dataset, truths, cells, old["provenance"], n_workers, n_resamples, on_progress)
