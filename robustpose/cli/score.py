"""robustpose score: the predictions of a finished run scored again, with intervals and slices, without its model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.data_options import DataOptions
from robustpose.cli.option_groups import with_groups
from robustpose.cli.parse import count_cores


@with_groups
def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Run folder of a finished bench.")],
    data: DataOptions,
    resamples: Annotated[int, typer.Option(help="Of the images, for 95 % intervals and slices; 0 for neither.")] = 1000,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
) -> None:
    """Score a finished run again: figures, intervals, slices, report. Its model is not needed.

    The data are those that the run was made with; name them where they have been moved.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from robustpose.bench.job import Job, no_estimator
    from robustpose.bench.rescore import rescore
    from robustpose.results.inputs import open_again
    from robustpose.results.summary import read_summary
    from robustpose.show.terminal import print_summary, progress_display

    read_summary(folder)  # whose data to ask for: a folder that is no run has none
    spec, corrupted_images = open_again(folder, data.describe() if data.is_given else None)
    job = Job(spec.open, no_estimator, corrupted_images, folder)
    with progress_display() as on_progress:
        summary = rescore(job, count_cores() if workers is None else workers, resamples, on_progress)
    print_summary(summary)
    print(f"report: {folder / 'report.html'}")
