"""Run a campaign: all runs that are not done, some at once, in the order that fills the table fastest.

Several processes may do this in one folder: each run is locked by the one that does it, so they share the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from robustpose.campaign.jobs import Job, stop_all
from robustpose.campaign.notes import begin_note, end_note, is_replaced, lock_path, log_path, read_note, write_note
from robustpose.campaign.order import Costs, choose_next
from robustpose.campaign.plan import CampaignPlan, Tried, make_plan, try_runs
from robustpose.campaign.runs import Run
from robustpose.campaign.table import FILE, Started, Table
from robustpose.errors import UserError
from robustpose.files import write_text, writing_to
from robustpose.locks import open_and_lock, release
from robustpose.processes import count_cores
from robustpose.progress import Progress
from robustpose.results.parts import Part, is_slice

LOOK = 0.2  # seconds between two looks at jobs
SHOW = 5.0  # seconds between two looks at how long the rest takes
ELSEWHERE = 5.0  # seconds between two looks at what other processes do


@dataclass(frozen=True)
class Wishes:
    """How a campaign is done; no number depends on it."""

    n_jobs: int = 1
    gpus: Sequence[str] = ()
    fresh: bool = False  # whether runs that were made otherwise are made again
    show: Callable[[str, Progress], None] = lambda label, progress: None
    tell: Callable[[object], None] = lambda line: None
    when_filled: Callable[[], None] = lambda: None  # called when all runs of a seed are done


def plan_campaign(table: Table, wishes: Wishes) -> tuple[CampaignPlan, Costs]:
    """Return what there is to do and what it costs, after a trial of every kind of run that is not known yet."""
    costs = Costs()
    for run in table.done:
        if (note := read_note(run, table.out)) is not None and note.seconds:
            costs.add(run, note.seconds)
    known = {run.kind for run in table.done}
    new = [run for run in table.left if run.kind not in known]
    tried = Tried({}, {}, ())
    if new:
        tried = try_runs(
            new, table.out, table.networks, wishes.n_jobs, wishes.gpus, lambda at: wishes.show("trying", at)
        )
    for name, text in table.campaign.parts.items():
        for n_images in tried.n_images if is_slice(text) else ():
            try:
                Part(text).select(n_images)
            except UserError as error:
                raise UserError(f"parts.{name}: {error}") from error
    costs.plan(tried.seconds)
    return make_plan(table.runs, table.left, costs, tried, wishes.n_jobs), costs


def fill_table(table: Table, costs: Costs, text: str, wishes: Wishes) -> None:
    """Do all runs that are not done. `text` is the campaign's file, which is kept beside them.

    A run that fails keeps those from being done that need it, and no others. What failed before is tried again.
    """
    with writing_to(table.out):
        table.out.mkdir(parents=True, exist_ok=True)
    write_text(table.out / FILE, text)
    again = {run for run, problem in table.failed.items() if "--fresh" in problem} if wishes.fresh else set()
    table.failed.clear()
    free: list[str | None] = list(wishes.gpus[: wishes.n_jobs]) or [None] * min(wishes.n_jobs, len(table.runs))
    looked = shown = time.monotonic()
    filled = 0
    try:
        while True:
            while free and (ready := table.ready):
                _start(choose_next(ready, costs), table, free, again, wishes)
                _show(table, wishes, costs)
            if not table.running and not table.elsewhere:
                break
            time.sleep(LOOK)
            if time.monotonic() > shown + SHOW:
                shown = time.monotonic()
                _show(table, wishes, costs)
            for run, started in list(table.running.items()):
                if started.job.ended():
                    free.append(started.job.gpu)
                    _end(run, started, table, costs, wishes)
            if table.elsewhere and time.monotonic() > looked + ELSEWHERE:
                looked = time.monotonic()
                was, table.elsewhere = table.elsewhere, set()
                table.look(list(was), with_failures=True)
            n_filled = table.count_filled()
            if n_filled > filled and table.left:
                filled = n_filled
                wishes.when_filled()
    finally:
        stop_all([started.job for started in table.running.values()])
        for run, started in table.running.items():
            with suppress(OSError, UserError):
                write_note(run, table.out, started.note.change(seconds=started.note.seconds + started.job.seconds))
            release(started.lock)


def _start(run: Run, table: Table, free: list[str | None], again: set[Run], wishes: Wishes) -> None:
    """Start a run, unless another process does it, or has done it by now."""
    path = lock_path(run, table.out)
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open_and_lock(path)
    if lock is None:
        table.elsewhere.add(run)
        return
    with ExitStack() as undo:
        undo.callback(release, lock)
        table.look([run])
        table.failed.pop(run, None)
        if run in table.done:
            return
        changes = table.other.pop(run, [])
        if changes and not wishes.fresh:  # since the campaign began: its training was made again
            table.failed[run] = f"{changes[0]}: make it again with --fresh"
            return
        is_fresh = bool(changes) or run in again or is_replaced(run, table.out, read_note(run, table.out))
        note = begin_note(run, table.out, is_fresh)
        write_note(run, table.out, note)
        words = run.command(table.out, table.networks)
        if not run.is_training and "--workers" not in words:
            n_busy = min(wishes.n_jobs, len(table.running) + len(table.ready))
            words += ["--workers", str(max(1, count_cores() // max(1, n_busy)))]
        is_made = run.product(table.out).is_file() and not is_fresh  # by hand: it is looked at, which takes no time
        job = Job([*words, *["--fresh"] * is_fresh], log_path(run, table.out), free.pop(), lock)
        table.running[run] = Started(job, note, lock, is_made)
        undo.pop_all()


def _end(run: Run, started: Started, table: Table, costs: Costs, wishes: Wishes) -> None:
    """Take in a run that has ended."""
    del table.running[run]
    try:
        problem = started.job.problem
        if problem is None and not run.product(table.out).is_file():
            problem = f"its command ended well, but {run.product(table.out)} is not there"
        note = end_note(run, table.out, started.note, 0.0 if started.is_made else started.job.seconds, problem)
        write_note(run, table.out, note)
        if problem is None:
            table.look([run])
            if run not in table.done and run not in table.other:
                problem = "it keeps no matches, by which runs are compared: its metric gives none"
    finally:
        release(started.lock)
    if problem is not None:
        table.failed[run] = problem
        wishes.tell(f"failed: {run.name}: {problem}")
    elif note.seconds:
        costs.add(run, note.seconds)
    _show(table, wishes, costs)


def _show(table: Table, wishes: Wishes, costs: Costs) -> None:
    others = [f"{run.name} (another process)" for run in table.runs if run in table.elsewhere]
    names = "  ".join([*(run.name for run in table.running), *others])
    seconds = None
    if table.left:
        spent = sum(started.job.seconds for started in table.running.values()) / wishes.n_jobs
        guess = costs.guess_all(table.left, wishes.n_jobs)
        seconds = None if guess is None else max(guess - spent, 1.0)
    wishes.show("campaign", Progress(len(table.done), len(table.runs), seconds, names))
