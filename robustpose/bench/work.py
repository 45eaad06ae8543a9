"""The work: slices of images through all their cells, in this process or in several.

A slice's images are decoded once and corrupted for every cell that is not done. Each (cell, slice) is a unit: written
when it is finished, never done twice. What a unit holds depends on nothing but its cell and its images, so processes,
their number and the order do not matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.evaluate import Dataset, Estimator, get_frames, place_boxes, predict
from robustpose.pose.cell import Cell
from robustpose.pose.skeletons import Skeleton
from robustpose.processes import run_here, run_in_processes
from robustpose.results.run_folder import RunFolder

Slice = tuple[int, range]  # number, indices of images


@dataclass(frozen=True)
class Job:
    """What a process needs to know to do units: all of it can be sent to another process.

    Attributes:
        make_dataset: opens the dataset.
        make_estimator: makes the estimator for a skeleton.
        corrupted_images: where the corrupted images of the images come from.
        out: the run folder.
        suite: whose mean the cells of the run make if they are all of its.
        opened: how the data were opened, for those who come back to the run; see `results.opened`.
    """

    make_dataset: Callable[[], Dataset]
    make_estimator: Callable[[Skeleton], Estimator]
    corrupted_images: CorruptedImages
    out: Path
    suite: Suite = COCO_C
    opened: Mapping[str, Any] | None = field(default=None, hash=False)


def no_estimator(skeleton: Skeleton) -> Estimator:
    """Stand in for the estimator of jobs that have nothing to predict."""
    raise UserError(f"this job has no estimator for skeleton '{skeleton.name}': it only scores what was predicted")


@dataclass(frozen=True)
class UnitDone:
    """One unit was finished: its cell, its number of images, and the seconds it took."""

    cell: Cell
    n_images: int
    seconds: float


def cut_slices(n_images: int) -> list[Slice]:
    """Return slices of 4 to 64 images, by the number of images alone: enough of them to share out and to resume at."""
    size = min(max(n_images // 32, 4), 64)
    starts = range(0, n_images, size)
    return [(number, range(start, min(start + size, n_images))) for number, start in enumerate(starts)]


def do_slice(
    job: Job, dataset: Dataset, estimator: Estimator, number: int, indices: range, cells: Sequence[Cell]
) -> Iterator[UnitDone]:
    """Do the units of one slice in `cells`, and tell of each."""
    folder = RunFolder(job.out)
    frames = get_frames(dataset, indices)
    for cell in cells:
        start = time.perf_counter()
        poses = predict(
            [place_boxes(dataset, job.corrupted_images.frame_in(frame, cell)) for frame in frames], estimator
        )
        try:
            folder.write_unit(cell, number, poses)
        except OSError as error:
            raise UserError(f"cannot write to {job.out} ({error}): finished work is kept") from error
        yield UnitDone(cell, len(indices), time.perf_counter() - start)


def do_here(
    job: Job, dataset: Dataset, estimator: Estimator, todo: Sequence[tuple[Slice, Sequence[Cell]]]
) -> Iterator[UnitDone]:
    """Do all units in this process."""
    return run_here(
        partial(do_slice, job, dataset, estimator), [(number, indices, cells) for (number, indices), cells in todo]
    )


def do_in_processes(job: Job, todo: Sequence[tuple[Slice, Sequence[Cell]]], n_workers: int) -> Iterator[UnitDone]:
    """Do all units in `n_workers` new processes, and tell of each as it is finished.

    Raises:
        UserError: a worker met a mistake in the data, or died. What was finished stays.
    """
    return run_in_processes(
        partial(_open_and_do_slice, job), [(number, indices, cells) for (number, indices), cells in todo], n_workers
    )


def _open_and_do_slice(job: Job, number: int, indices: range, cells: Sequence[Cell]) -> Iterator[UnitDone]:
    dataset, estimator = _open(job)
    return do_slice(job, dataset, estimator, number, indices, cells)


@cache  # once a process
def _open(job: Job) -> tuple[Dataset, Estimator]:
    dataset = job.make_dataset()
    return dataset, job.make_estimator(dataset.skeleton)
