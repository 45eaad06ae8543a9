"""robustpose score: the predictions of a finished run scored again, with intervals and slices, without its model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.data_options import (
    Annotations,
    Boxes,
    DataName,
    Images,
    Limit,
    MetricName,
    Root,
    SkeletonFile,
    Split,
)
from robustpose.cli.parse import count_cores, name_data


def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Run folder of a finished bench.")],
    data: DataName = None,
    root: Root = None,
    split: Split = None,
    annotations: Annotations = None,
    images: Images = None,
    boxes: Boxes = None,
    metric: MetricName = None,
    skeleton: SkeletonFile = None,
    limit: Limit = None,
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
    from robustpose.show.terminal import bench_progress, print_summary

    read_summary(folder)  # whose data to ask for: a folder that is no run has none
    given = name_data(data, root, split, annotations, images, boxes, metric, skeleton, limit)
    make_dataset, corrupted_images = open_again(folder, given)
    job = Job(make_dataset, no_estimator, corrupted_images, folder)
    with bench_progress() as on_progress:
        summary = rescore(job, count_cores() if workers is None else workers, resamples, on_progress)
    print_summary(summary)
    print(f"report: {folder / 'report.html'}")
