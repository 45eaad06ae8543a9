"""Processes: work shared out over new processes that end with their parent, or done in this one."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, TypeVar

import cv2

from robustpose.errors import UserError

T = TypeVar("T")
WORKER_NUMBER = "ROBUSTPOSE_WORKER"  # environment variable: 0, 1, … in the processes of a run
Work = Callable[..., Iterator[T]]


def run_here(work: Work[T], todo: Iterable[tuple[Any, ...]]) -> Iterator[T]:
    """Yield what ``work(*arguments)`` yields for every entry of `todo`, in this process."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one thread a process everywhere: the same speed per worker, the same sums
    try:
        for arguments in todo:
            yield from work(*arguments)
    finally:
        cv2.setNumThreads(threads)


def run_in_processes(work: Work[T], todo: Sequence[tuple[Any, ...]], n_workers: int) -> Iterator[T]:
    """Yield what ``work(*arguments)`` yields for every entry of `todo`, from `n_workers` new processes, as it comes.

    Args:
        work: something that can be sent to another process. It arrives there once, so it may keep what it opens.
        todo: arguments that can be sent.
        n_workers: number of processes.

    Raises:
        UserError: `work` raised it, or a worker died.
    """
    context = multiprocessing.get_context("spawn")  # a forked process would share the threads' locks
    numbers: Any = context.SimpleQueue()
    for number in range(n_workers):
        numbers.put(number)
    done: Any = context.SimpleQueue()  # without a thread in between: what a finished task has put is there
    pool = ProcessPoolExecutor(n_workers, context, initializer=_start_worker, initargs=(work, done, numbers))
    try:
        running = {pool.submit(_do, arguments) for arguments in todo}
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
        numbers.close()


def _raise_first(finished: set[Future[None]]) -> None:
    for future in finished:
        future.result()


def _drain(done: Any) -> Iterator[Any]:
    while not done.empty():
        yield done.get()


# A worker's state is its process's: an executor's tasks have nowhere else to find what the initialiser was given.
_worker: dict[str, Any] = {}


def _start_worker(work: Work[Any], done: Any, numbers: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore", UserWarning)  # the parent has opened the same data and said what there is to say
    _worker.update(work=work, done=done)
    os.environ[WORKER_NUMBER] = str(numbers.get())


def _end_with_parent() -> None:
    """End this process when its parent does, even one that was killed and could not say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(arguments: tuple[Any, ...]) -> None:
    for result in _worker["work"](*arguments):
        _worker["done"].put(result)


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed for the next tensor: getting pages from the system anew costs a tenth of a step.

    Elsewhere nothing happens.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for large tensors
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: give nothing back until so much is free
