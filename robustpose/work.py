"""Work that resumes: a folder is claimed, tasks are shared out, results come as they are finished.

Bench's predictions and scoring, the corrupted set and the stylised copies are done so: each is a `Work`, whose tasks
leave files that are whole or not there. Started again, a command makes tasks only of what is lacking, so nothing else
has to be kept of a run that was stopped. What a task leaves depends on nothing but the work and the task: their order,
and who does them, do not matter.

Another engine than the processes of one machine plugs in at `run_tasks`.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from robustpose.changes import find_changes, take_in
from robustpose.errors import UserError, first_few
from robustpose.files import list_differences, lock_folder, without_parts, write_text, writing_to
from robustpose.fresh import StartOver
from robustpose.processes import run_here, run_in_processes
from robustpose.progress import Forecast, Progress

Opened = TypeVar("Opened")
Task = TypeVar("Task")
Result = TypeVar("Result")
TaskIn = TypeVar("TaskIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)


class Work(Protocol[Opened, TaskIn, ResultOut]):
    """What there is to do, but for its tasks. Can be sent to another process, as can tasks and results."""

    def open(self) -> Opened:
        """Open what all tasks need. Called once in each process that does tasks."""

    def kinds(self, task: TaskIn) -> Sequence[Hashable]:
        """Return one entry for each result of a task, its kind or a `Piece`: those of one kind take about as long."""

    def do(self, opened: Opened, task: TaskIn) -> Iterator[ResultOut]:
        """Do a task, and yield each result when its files are written."""


class Chunk(NamedTuple):
    """Images that are worked on together: its number, and the indices of its images in the dataset."""

    number: int
    indices: range


def cut_chunks(n_images: int) -> list[Chunk]:
    """Return chunks of 4 to 64 images, by the number of images alone: enough of them to share out and to resume at."""
    size = min(max(n_images // 32, 4), 64)
    starts = range(0, n_images, size)
    return [Chunk(number, range(start, min(start + size, n_images))) for number, start in enumerate(starts)]


@contextmanager
def claim_folder(
    folder: Path,
    what: str,
    note: str,
    identity: Mapping[str, Any],
    list_made: Callable[[Path], Sequence[Path]] = lambda folder: (),
    fresh: StartOver | None = None,
) -> Iterator[None]:
    """Hold a folder for one piece of work: locked, noted whose it is, and rid of what killed processes left.

    The folder is made if it is not there. What is `fresh` starts over: the files that `list_made` finds are removed
    first if the folder is one of this command's. The other arguments are those of `check_claim`.
    """
    with lock_folder(folder):
        is_cleared = fresh is not None and clear_folder(folder, what, note, identity, list_made, fresh)
        old = None if is_cleared else check_claim(folder, what, note, identity)
        with without_parts(folder):
            noted = dict(identity) if old is None else take_in(old, identity)
            if noted != old:
                write_text(folder / note, json.dumps(noted, indent=2) + "\n", sync=True)
            yield


def look_at_folder(
    folder: Path,
    what: str,
    note: str,
    identity: Mapping[str, Any],
    fresh: StartOver | None = None,
    beside: Sequence[str] = (),
) -> bool:
    """Tell whether a folder holds something to go on with, without making, locking or changing anything.

    The errors are those of `claim_folder`, but for a folder that another process is writing to.
    """
    with writing_to(folder):
        place = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder")
    if place != folder:
        return False
    if fresh is not None and _read_own_note(folder, what, note, identity) is not None:
        return False
    return check_claim(folder, what, note, identity, beside) is not None


def clear_folder(
    folder: Path,
    what: str,
    note: str,
    identity: Mapping[str, Any],
    list_made: Callable[[Path], Sequence[Path]],
    fresh: StartOver,
) -> bool:
    """Remove what a command made in a folder, locked by the caller, if its note is of such a command; tell if it is.

    The note stays until there is another: stopped in between, the folder is still known to be ours.
    """
    if _read_own_note(folder, what, note, identity) is None:
        return False  # what else is there is refused as ever
    fresh.remove(folder, list_made(folder), what)
    return True


def _read_own_note(folder: Path, what: str, note: str, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a folder notes of itself, None for no note; UserError for that of another command."""
    old = read_claim(folder, note)
    if old is not None and 2 * len(old.keys() & identity.keys()) < len(identity):
        raise UserError(f"{folder / note} is not a note about {what}: choose another --out; nothing was removed")
    return old


def check_claim(
    folder: Path, what: str, note: str, identity: Mapping[str, Any], beside: Sequence[str] = ()
) -> dict[str, Any] | None:
    """Return what a folder, locked by the caller, notes if it is that of `identity`, and None if it is free.

    Hidden files do not count: a lock, or what is left of a note that could not be written, keeps nobody out. If the
    folder holds something else, the error names what differs from the JSON file `note`, but for its keys `beside`, and
    calls the content `what`, such as `results`.
    """
    old = read_claim(folder, note)
    if old is None:
        others = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
        if others:
            raise UserError(
                f"{folder.absolute()} is not empty ({others[0]}, …) and holds no {what}: choose another --out"
            )
        return None
    compared = {key: value for key, value in old.items() if key not in beside}
    changes, *others_of = find_changes(compared, identity)
    differences = list_differences(*others_of)
    if differences:
        raise UserError(
            f"{folder.absolute()} holds {what} of another setup ({'; '.join([*differences, *changes][:3])}): "
            "choose another --out, or start over with --fresh"
        )
    if changes:
        raise UserError(
            f"{first_few(changes, 'changes')} ({folder.absolute()}): choose another --out, or start over with --fresh"
        )
    return old


def read_claim(folder: Path, note: str) -> dict[str, Any] | None:
    """Return what a folder notes of itself; None if it has no note."""
    path = folder / note
    if not path.is_file():
        return None
    try:
        old = json.loads(path.read_text())
        if not isinstance(old, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path.absolute()} is damaged: choose another --out, or delete that folder") from error
    return old


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


def check_workers(n_workers: int) -> None:
    """Raise UserError unless there is somebody to work."""
    if n_workers < 1:
        raise UserError(f"--workers must be at least 1, got {n_workers}")


def do_tasks(
    work: Work[Opened, Task, Result],
    tasks: Sequence[Task],
    n_workers: int,
    on_progress: Callable[[Progress], None],
    n_done: int = 0,
    opened: Opened | None = None,
) -> Iterator[Result]:
    """Do the tasks that are lacking and yield their results as they come, in any order. What was finished stays.

    At most `n_workers` processes share them; with 1, everything happens in this one. `on_progress` is called before the
    first result, and after the caller has taken each; earlier runs have left what counts `n_done`. `opened` is what
    `work.open` returns, if it is open in this process already.
    """
    n_workers = max(min(n_workers, len(tasks)), 1)
    forecast = Forecast([kind for task in tasks for kind in work.kinds(task)], n_done, n_workers)
    on_progress(forecast.now())
    for result, kind, seconds in run_tasks(work, tasks, n_workers, opened) if tasks else ():
        yield result
        on_progress(forecast.update(kind, seconds))


def run_tasks(
    work: Work[Opened, Task, Result], tasks: Sequence[Task], n_workers: int, opened: Opened | None = None
) -> Iterator[tuple[Result, Hashable, float]]:
    """Yield the results of tasks, each with its kind and seconds: done in this process, or in several of this machine.

    This is the place for another engine, such as a cluster. It has to do what is done here:

    - send `work` to each worker, and there call ``opened = work.open()`` once, not once a task;
    - take all of ``do_timed(work, opened, task)`` for every task, once, in any order, and hand over here what it yields
      when it comes: the caller notes the result and shows progress;
    - raise here what `open` or `do` raises, or UserError for a lost worker, once what came before is handed over;
    - end its workers when this generator is closed, and when this process is killed;
    - let workers see the same paths: tasks read the data, and write into the folder that is locked here. Files are
      written whole and each by one task, so no worker needs a lock.
    """
    do = partial(do_timed, work)
    if n_workers == 1:
        return run_here(work.open if opened is None else lambda: opened, do, tasks)
    return run_in_processes(work.open, do, tasks, n_workers)


def do_timed(work: Work[Opened, Task, Result], opened: Opened, task: Task) -> Iterator[tuple[Result, Hashable, float]]:
    """Do a task where it is called, and yield each result with its kind and the seconds it took."""
    start = time.perf_counter()
    for kind, result in zip(work.kinds(task), work.do(opened, task), strict=True):
        yield result, kind, time.perf_counter() - start
        start = time.perf_counter()
