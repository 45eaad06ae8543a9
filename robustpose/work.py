"""Work that resumes: tasks are shared out by an engine, results come as they are finished.

Bench's predictions and scoring, the corrupted set and the stylised copies are done so: each is a `Work`, whose tasks
leave files that are whole or not there. Started again, a command makes tasks only of what is lacking, so nothing else
has to be kept of a run that was stopped. What a task leaves depends on nothing but the work and the task: their order,
and who does them, do not matter.

An `Engine` is who does the tasks: `Processes` of this machine, or a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

from robustpose.amounts import count
from robustpose.carried import Carried, WorkElsewhere
from robustpose.errors import UserError, quote
from robustpose.processes import count_cores, run_here, run_in_processes
from robustpose.progress import Forecast, Progress, as_piece

Opened = TypeVar("Opened")
Task = TypeVar("Task")
Made = TypeVar("Made")
Result = TypeVar("Result")
TaskInOut = TypeVar("TaskInOut")
ResultOut = TypeVar("ResultOut", covariant=True)
Timed = tuple[Result, Hashable, float]  # a result, its kind, and the seconds that it took
PROCESSES = "processes"
TASKS_A_WORKER = 4  # so that the last ones to end do not keep the others waiting for long
WORTH_A_TASK = 64  # pieces, such as images × cells: below, what the parts of a task read again costs more than it saves


class Work(Protocol[Opened, TaskInOut, Made, ResultOut]):
    """What there is to do, but for its tasks. Can be sent to another process, as can tasks, what is made, and results.

    `do` and `keep` are called one after the other for each result, perhaps on two machines: `keep` where the folder is
    that the work is for. So `do` writes nothing.
    """

    def open(self) -> Opened:
        """Open what all tasks need. Called once in each process that does tasks."""

    def kinds(self, task: TaskInOut) -> Sequence[Hashable]:
        """Return one entry for each result of a task, its kind or a `Piece`: those of one kind take about as long."""

    def part(self, task: TaskInOut, start: int, stop: int) -> TaskInOut:
        """Return the task that makes the results from `start` to before `stop` of a task, as they count in `kinds`."""

    def do(self, opened: Opened, task: TaskInOut) -> Iterator[Made]:
        """Do a task, and yield what it makes, one after the other."""

    def keep(self, made: Made) -> ResultOut:
        """Write what was made, whole and in files of its own, and return the result."""

    def carry(self, opened: Opened) -> Carried:
        """Return this work for machines that see none of this one's files; see `robustpose.carried`."""


class Chunk(NamedTuple):
    """Images that are worked on together: its number, and the indices of its images in the dataset."""

    number: int
    indices: range


def cut_chunks(n_images: int, images_per_group: int = 1) -> list[Chunk]:
    """Return chunks of 4 to 64 images, by the number of images alone: enough of them to share out and to resume at.

    Groups of images, counted from the first one, stay together: chunks are whole groups.

    >>> [len(chunk.indices) for chunk in cut_chunks(14, images_per_group=3)]
    [6, 6, 2]
    """
    size = min(max(n_images // 32, 4), 64)
    size = -(-size // images_per_group) * images_per_group
    starts = range(0, n_images, size)
    return [Chunk(number, range(start, min(start + size, n_images))) for number, start in enumerate(starts)]


def announce_plan(announce: Callable[[Result], None] | None, make: Callable[[], Result]) -> None:
    """Tell somebody the plan of a work that begins now, if there is one who wants to hear it.

    What is wrong with an image or a model, and shows when it is tried, is left for the work to say: then it is said
    once, and what is finished before stays.
    """
    if announce is None:
        return
    try:
        plan = make()
    except UserError:
        return
    announce(plan)


class Engine(Protocol):
    """Who does tasks."""

    @property
    def name(self) -> str:
        """Return what people call it: ``"processes"``, or the program that shares out."""

    @property
    def n_workers(self) -> int:
        """Return how many share the work, as far as that is known before it begins."""

    @property
    def n_cores(self) -> int:
        """Return how many cores the workers have between them."""

    def at_most(self, n_workers: int) -> Engine:
        """Return the engine with at most so many workers: more would have nothing to do."""

    def do(
        self, work: Work[Opened, Task, Made, Result], tasks: Sequence[Task], opened: Opened | None = None
    ) -> Iterator[Timed[Result]]:
        """Yield the results of tasks, each with its kind and seconds, in any order.

        `opened` is what `work.open` returns, if it is open in this process already. An engine has to

        - send `work` to each worker, and there call ``opened = work.open()`` once, not once a task;
        - take all of `do_timed` for every task, once, and hand over here the results when they come, kept: the caller
          notes them and shows progress;
        - raise here what `open`, `do` or `keep` raises, or UserError for workers that are lost, once what came before
          is handed over;
        - end its workers when this generator is closed, and when this process is killed.
        """


@dataclass(frozen=True)
class Processes:
    """The engine of one machine: tasks are done in new processes; with one worker, in this process."""

    n_workers: int = 1
    wished: int | None = None  # network processes, for work with networks; None: one for each GPU
    n_networks: int = 0  # network processes of the work at hand, where several workers share them

    @property
    def name(self) -> str:
        """Return ``"processes"``."""
        return PROCESSES

    @property
    def n_cores(self) -> int:
        """Return the number of cores that this process may use."""
        return count_cores()

    def at_most(self, n_workers: int) -> Processes:
        """Return as many processes, or fewer; a single worker has no network processes."""
        n = max(min(self.n_workers, n_workers), 1)
        return replace(self, n_workers=n, n_networks=min(self.n_networks, n) if n > 1 else 0)

    def do(
        self, work: Work[Opened, Task, Made, Result], tasks: Sequence[Task], opened: Opened | None = None
    ) -> Iterator[Timed[Result]]:
        """Yield the results of tasks. The workers, who see the same folders, keep what they make."""
        do = partial(do_and_keep, work)
        if self.n_workers == 1:
            return run_here(work.open if opened is None else lambda: opened, do, tasks)
        return run_in_processes(work.open, do, tasks, self.n_workers, self.n_networks)


def split_tasks(work: Work[Opened, Task, Made, Result], tasks: Sequence[Task], n_workers: int) -> Sequence[Task]:
    """Return tasks that are enough for so many workers: several for each, where there is enough to do.

    Parts of a task follow each other in its place. Their results are those of the task.
    """
    sizes = [sum(as_piece(kind).size for kind in work.kinds(task)) for task in tasks]
    wanted = min(TASKS_A_WORKER * n_workers, sum(sizes) // WORTH_A_TASK)
    if n_workers == 1 or wanted <= len(tasks):
        return tasks
    split: list[Task] = []
    for task, size in zip(tasks, sizes, strict=True):
        n_results = len(work.kinds(task))
        n_parts = min(max(round(wanted * size / sum(sizes)), 1), n_results)
        ends = [n_results * number // n_parts for number in range(n_parts + 1)]
        split += [work.part(task, start, stop) for start, stop in pairwise(ends)] if n_parts > 1 else [task]
    return split


def name_task(work: Work[Opened, Task, Made, Result], task: Task) -> str:
    """Return which images and cells a task is of, for people."""
    notes = list(dict.fromkeys(as_piece(kind).note for kind in work.kinds(task)))
    cells = " to ".join(dict.fromkeys((notes[0], notes[-1]))) if all(notes) and notes else ""
    chunk = task[0] if isinstance(task, tuple) and task else None
    if not isinstance(chunk, Chunk):
        return f"of {cells}" if cells else quote(task)
    return f"of images {chunk.indices.start + 1} to {chunk.indices.stop}" + (f" in {cells}" if cells else "")


def name_workers(n_workers: int, engine: str) -> str:
    """Return who works, for people.

    >>> name_workers(12, "ray"), name_workers(1, PROCESSES)
    ('12 workers on ray', '1 worker')
    """
    return count(n_workers, "worker") + ("" if engine == PROCESSES else f" on {engine}")


Workers = Engine | int  # an engine, or a number of processes of this machine


def as_engine(workers: Workers) -> Engine:
    """Return the engine that is meant; UserError unless there is somebody to work."""
    engine = Processes(workers) if isinstance(workers, int) else workers
    if engine.n_workers < 1:
        raise UserError(f"--workers must be at least 1, got {engine.n_workers}")
    return engine


def wish_networks(workers: Workers, wished: int | None) -> Engine:
    """Return an engine that has so many network processes where its work has networks; None: as it has by itself.

    UserError for a number, or workers, that there cannot be.
    """
    if wished is None:
        return as_engine(workers)
    if wished < 0:
        raise UserError(f"--network-processes must be at least 0, got {wished}")
    if not isinstance(workers, int | Processes):  # said before it connects
        raise UserError(
            f"--network-processes is for workers of this machine, those of {workers.name} run the network themselves: "
            "leave it out"
        )
    engine = Processes(workers) if isinstance(workers, int) else workers
    as_engine(engine)
    if wished and engine.n_workers == 1:
        raise UserError(
            f"--network-processes {wished} is for several workers, and there is 1, which runs the network itself: "
            "leave it out, or take --workers 2 or more"
        )
    return replace(engine, wished=wished)


def do_tasks(
    work: Work[Opened, Task, Made, Result],
    tasks: Sequence[Task],
    workers: Workers,
    on_progress: Callable[[Progress], None],
    n_done: int = 0,
    opened: Opened | None = None,
) -> Iterator[Result]:
    """Do the tasks that are lacking and yield their results as they come, in any order. What was finished stays.

    At most as many workers share them as there are tasks, which are split for many; a single process is this one.
    `on_progress` is called before the first result, and after the caller has taken each; earlier runs have left what
    counts `n_done`. `opened` is what `work.open` returns, if it is open in this process already.
    """
    engine = as_engine(workers)
    tasks = split_tasks(work, tasks, engine.n_workers)
    engine = engine.at_most(len(tasks))
    forecast = Forecast([kind for task in tasks for kind in work.kinds(task)], n_done, engine.n_workers)
    on_progress(forecast.now())
    for result, kind, seconds in engine.do(work, tasks, opened) if tasks else ():
        yield result
        on_progress(forecast.update(kind, seconds))


def do_timed(work: WorkElsewhere[Opened, Task, Made], opened: Opened, task: Task) -> Iterator[Timed[Made]]:
    """Do a task where it is called, and yield what it makes, each with its kind and the seconds it took."""
    start = time.perf_counter()
    for kind, made in zip(work.kinds(task), work.do(opened, task), strict=True):
        yield made, kind, time.perf_counter() - start
        start = time.perf_counter()


def do_and_keep(work: Work[Opened, Task, Made, Result], opened: Opened, task: Task) -> Iterator[Timed[Result]]:
    """Do a task, and keep what it makes, where it is called."""
    for made, kind, seconds in do_timed(work, opened, task):
        start = time.perf_counter()
        result = work.keep(made)
        yield result, kind, seconds + time.perf_counter() - start
