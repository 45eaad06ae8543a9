"""Processes: tasks done one after the other in this process, or shared out over new ones that end with it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import cv2

from robustpose.blame import find_blame
from robustpose.errors import UserError
from robustpose.main_module import names_main, without_main
from robustpose.network_processes import become_client, run_networks
from robustpose.printing import print_warning
from robustpose.stopping import be_a_worker, hold_signals
from robustpose.threads import one_thread_elsewhere

Opened = TypeVar("Opened")
Task = TypeVar("Task")
Result = TypeVar("Result")
Do = Callable[[Opened, Task], Iterator[Result]]
_starting = threading.RLock()
WORKER_NUMBER = "ROBUSTPOSE_WORKER"  # environment variable: 0, 1, … in the processes of a run


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(prepare: Callable[[], Opened], do: Do[Opened, Task, Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Yield what ``do(prepare(), task)`` yields for every task, in this process. `prepare` is called once."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one thread a process everywhere: the same speed per worker, the same sums
    try:
        opened = prepare()
        for task in tasks:
            yield from do(opened, task)
    finally:
        cv2.setNumThreads(threads)


def run_in_processes(
    prepare: Callable[[], Opened],
    do: Do[Opened, Task, Result],
    tasks: Sequence[Task],
    n_workers: int,
    n_networks: int = 0,
) -> Iterator[Result]:
    """Yield what ``do(prepare(), task)`` yields for every task, from `n_workers` new processes, as it comes.

    `prepare` is called once in each process, before its first task. All that is given, and all results, are sent from
    one process to another. `n_networks` more processes run the networks that `prepare` makes: see `network_processes`.

    Raises:
        UserError: `prepare` or `do` raised it, or a worker died. What was finished before has been yielded.
    """
    context = multiprocessing.get_context("spawn")  # a forked process would share the threads' locks
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()  # results, and the futures of tasks that have ended
    ours: set[Any] = set()  # not those of another thread that works, too
    failure: BaseException | None = None
    with ExitStack() as to_end:  # in the reverse order
        with start_processes(with_main=names_main(prepare, do, tasks)), one_thread_elsewhere():
            others = set(multiprocessing.active_children())
            numbers: Any = context.SimpleQueue()
            to_end.callback(numbers.close)
            for number in range(n_workers):
                numbers.put(number)
            receiver, sender = context.Pipe(duplex=False)
            to_end.callback(receiver.close)
            listener = threading.Thread(target=_listen, args=(receiver, events), daemon=True)
            listener.start()
            to_end.callback(listener.join)
            to_end.callback(sender.close)  # the last end to write to: the listener has heard all and stops
            asking = _start_networks(context, prepare, n_workers, n_networks, to_end)
            worker = (prepare, do, sender, context.Lock(), numbers, asking)
            pool = ProcessPoolExecutor(n_workers, context, initializer=_start_worker, initargs=worker)
            to_end.callback(pool.shutdown, wait=True, cancel_futures=True)
            to_end.callback(_kill, ours)  # what a worker has not finished is not needed
            try:
                for task in tasks:
                    pool.submit(_do, task).add_done_callback(events.put)
            except BrokenProcessPool as error:
                failure = error
            finally:
                ours |= set(multiprocessing.active_children()) - others
                for end in asking:  # the workers have them: a network process hears when one ends
                    end.close()
        n_running = len(tasks)
        while n_running and failure is None:
            event = events.get()
            if isinstance(event, Future):
                n_running -= 1
                failure = event.exception()
            else:
                yield event
    while not events.empty():
        event = events.get()
        if not isinstance(event, Future):
            yield event
    if isinstance(failure, BrokenProcessPool):
        raise UserError(
            "a worker process died, perhaps for lack of memory; finished work is kept: start the same command again, "
            "perhaps with fewer --workers"
        ) from failure
    if failure is not None:
        raise failure


def _start_networks(
    context: Any, prepare: Callable[[], Any], n_workers: int, n_networks: int, to_end: ExitStack
) -> list[Connection]:
    """Start network processes, which the workers are shared out over; return an end of a pipe for every worker."""
    pipes = [context.Pipe() for _ in range(n_workers)] if n_networks else []
    for number in range(n_networks):
        answering = [answering for answering, _ in pipes[number::n_networks]]
        process = context.Process(target=_run_networks, args=(prepare, answering, number))
        process.start()
        to_end.callback(process.join)
        to_end.callback(process.kill)  # first
    for answering, _ in pipes:  # so a worker hears when its network process ends
        answering.close()
    return [asking for _, asking in pipes]


def _run_networks(prepare: Callable[[], Any], answering: Sequence[Connection], number: int) -> None:
    _begin_process(number)
    run_networks(prepare, answering)


@contextmanager
def start_processes(with_main: bool = True) -> Iterator[None]:
    """Hear signals only after the block, in which processes are started: none is interrupted before it is a worker.

    Without the main module, they do not run a script again. Other threads wait: what new processes inherit is changed.
    """
    with _starting:
        if hasattr(signal, "pthread_sigmask"):
            with hold_signals(), _silenced_tracker():
                resource_tracker.ensure_running()  # where this starts it, signals come through again before Python 3.13
        with hold_signals(), nullcontext() if with_main else without_main():
            yield


@contextmanager
def _silenced_tracker() -> Iterator[None]:
    """Have Python's resource tracker, if it starts here, say nothing of what it removes behind workers that we kill.

    Libraries take semaphores when they are imported: tqdm, for PyTorch. The tracker inherits options of warnings.
    """
    sys.warnoptions.append("ignore::UserWarning:multiprocessing.resource_tracker")
    try:
        yield
    finally:
        sys.warnoptions.pop()


def _listen(receiver: Connection, events: queue.SimpleQueue[Any]) -> None:
    """Pass on what workers send, until no one is left who could. A worker killed while it sends blocks no one else."""
    with suppress(EOFError, OSError):
        while True:
            events.put(receiver.recv())


def _kill(processes: set[Any]) -> None:
    for process in processes.intersection(multiprocessing.active_children()):
        process.kill()


# A worker's state is its process's: an executor's tasks have nowhere else to find what the initialiser was given.
_worker: dict[str, Any] = {}


def _start_worker(
    prepare: Any, do: Any, sender: Connection, lock: Any, numbers: Any, asking: Sequence[Connection]
) -> None:
    number = numbers.get()
    _begin_process(number)
    _worker.update(prepare=prepare, do=do, sender=sender, lock=lock)
    for owner, end in enumerate(asking):
        if owner == number:
            become_client(end)
        else:
            end.close()


def _begin_process(number: int) -> None:
    """Make this new process one of a run: number 0, 1, … of its workers or of its network processes."""
    be_a_worker()
    end_with_parent()
    cv2.setNumThreads(1)
    warnings.showwarning = print_warning
    warnings.simplefilter("ignore", UserWarning)  # the parent has opened the same data and said what there is to say
    os.environ[WORKER_NUMBER] = str(number)


def end_with_parent() -> None:
    """Let this process end when its parent does, even one that was killed and could not say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _do(task: Any) -> None:
    try:
        _do_task(task)
    except BaseException as error:
        blamed = find_blame(error)  # here: the traceback stays behind
        if blamed is None:
            raise
        raise blamed from error


def _do_task(task: Any) -> None:
    if "opened" not in _worker:  # not when the worker starts: of what goes wrong there an executor says nothing
        _worker["opened"] = _worker["prepare"]()
    for result in _worker["do"](_worker["opened"], task):
        with _worker["lock"]:
            _worker["sender"].send(result)


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed for the next tensor: getting pages from the system anew costs a tenth of a step.

    Elsewhere nothing happens.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for large tensors
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: give nothing back until so much is free
