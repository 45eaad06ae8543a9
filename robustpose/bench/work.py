"""The work: slices of images through all their cells, in this process or in several.

A slice's images are decoded once and corrupted for every cell that is not done. Each (cell, slice) is a unit: written
when it is finished, never done twice. What a unit holds depends on nothing but its cell and its images, so processes,
their number and the order do not matter.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2

from robustpose.bench.run_folder import RunFolder
from robustpose.data.corrupted import corrupt_frame
from robustpose.errors import UserError
from robustpose.evaluate import Dataset, Estimator, predict
from robustpose.pose.cell import Cell
from robustpose.pose.skeleton import Skeleton

Slice = tuple[int, range]  # number, indices of images


@dataclass(frozen=True)
class Job:
    """What a process needs to know to do units: all of it can be sent to another process.

    Attributes:
        make_dataset: opens the dataset.
        make_estimator: makes the estimator for a skeleton.
        seed: ``"release"`` or a run seed.
        frost: folder of frost textures, or None.
        out: the run folder.
    """

    make_dataset: Callable[[], Dataset]
    make_estimator: Callable[[Skeleton], Estimator]
    seed: str | int
    frost: Path | None
    out: Path


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
    frames = [dataset.frame(index) for index in indices]
    for cell in cells:
        start = time.perf_counter()
        poses = predict([corrupt_frame(frame, cell, job.seed, job.frost) for frame in frames], estimator)
        try:
            folder.write_unit(cell, number, poses)
        except OSError as error:
            raise UserError(f"cannot write to {job.out} ({error}): finished work is kept") from error
        yield UnitDone(cell, len(indices), time.perf_counter() - start)


def do_here(
    job: Job, dataset: Dataset, estimator: Estimator, todo: Sequence[tuple[Slice, Sequence[Cell]]]
) -> Iterator[UnitDone]:
    """Do all units in this process."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one thread a process everywhere: the same speed per worker, the same sums
    try:
        for (number, indices), cells in todo:
            yield from do_slice(job, dataset, estimator, number, indices, cells)
    finally:
        cv2.setNumThreads(threads)


def do_in_processes(job: Job, todo: Sequence[tuple[Slice, Sequence[Cell]]], n_workers: int) -> Iterator[UnitDone]:
    """Do all units in `n_workers` new processes, and tell of each as it is finished.

    Raises:
        UserError: a worker met a mistake in the data, or died. What was finished stays.
    """
    context = multiprocessing.get_context("spawn")  # a forked process would share the threads' locks
    done: Any = context.Queue()
    pool = ProcessPoolExecutor(n_workers, context, initializer=_start_worker, initargs=(job, done))
    try:
        running = {pool.submit(_work, number, indices, cells) for (number, indices), cells in todo}
        while running:
            finished, running = wait(running, timeout=0.1)
            yield from _drain(done)
            _raise_first(finished)
        yield from _drain(done)
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, perhaps for lack of memory; finished work is kept: start the same command again, "
            "perhaps with fewer --workers"
        ) from error
    finally:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()  # what a worker has not finished is not needed
        pool.shutdown(wait=True, cancel_futures=True)
        done.close()


def _raise_first(finished: set[Future[None]]) -> None:
    for future in finished:
        future.result()


def _drain(done: Any) -> Iterator[UnitDone]:
    while True:
        try:
            yield done.get_nowait()
        except queue.Empty:
            return


# A worker's state is its process's: an executor's tasks have nowhere else to find what the initialiser made.
_worker: dict[str, Any] = {}


def _start_worker(job: Job, done: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore", UserWarning)  # the parent has opened the same data and said what there is to say
    _worker.update(job=job, done=done)


@cache
def _open(job: Job) -> tuple[Dataset, Estimator]:
    dataset = job.make_dataset()
    return dataset, job.make_estimator(dataset.skeleton)


def _end_with_parent() -> None:
    """End this process when its parent does, even one that was killed and could not say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(number: int, indices: range, cells: Sequence[Cell]) -> None:
    job: Job = _worker["job"]
    dataset, estimator = _open(job)  # not in the initialiser: there an error would read as a dead pool
    for unit in do_slice(job, dataset, estimator, number, indices, cells):
        _worker["done"].put(unit)
