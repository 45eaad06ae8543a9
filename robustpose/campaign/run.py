"""Run a campaign: all runs that are not done, some at once, in the order that fills the table fastest.

Several processes may do this in one folder: each run is locked by the one that does it, so they share the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from robustpose.campaign.file import Campaign
from robustpose.campaign.jobs import Job, stop_all
from robustpose.campaign.notes import (
    Note,
    begin_note,
    end_note,
    find_state,
    lock_path,
    log_path,
    read_note,
    tell_changes,
    write_note,
)
from robustpose.campaign.order import Costs, choose_next
from robustpose.campaign.plan import CampaignPlan, Tried, make_plan, try_runs
from robustpose.campaign.runs import Run, list_runs
from robustpose.errors import UserError, first_few
from robustpose.files import write_text
from robustpose.locks import open_and_lock, release
from robustpose.processes import count_cores
from robustpose.progress import Progress
from robustpose.results.outcome import CellState, State

FILE = "campaign.yaml"  # in the campaign's folder: what its file said last
LOOK = 0.2  # seconds between two looks at jobs
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


@dataclass
class _Started:
    job: Job
    note: Note
    lock: int


@dataclass
class Table:
    """All runs of a campaign, and what is known of them."""

    campaign: Campaign
    out: Path
    networks: Mapping[str, str]  # by training: the network that it makes
    runs: list[Run] = field(init=False)
    done: set[Run] = field(default_factory=set)
    failed: dict[Run, str] = field(default_factory=dict)
    other: dict[Run, list[str]] = field(default_factory=dict)  # made otherwise than they would be now, and in what
    running: dict[Run, _Started] = field(default_factory=dict)
    elsewhere: set[Run] = field(default_factory=set)  # done by other processes, as of the last look

    def __post_init__(self) -> None:
        """Look at what there is."""
        self.runs = list_runs(self.campaign)
        self.look(self.runs)

    def look(self, runs: Sequence[Run]) -> None:
        """Read the notes of runs."""
        for run in runs:
            state = find_state(run, self.out)
            note = read_note(run, self.out)
            self.done.discard(run)
            if state == "done":
                self.done.add(run)
            elif state == "other" and note is not None:
                self.other[run] = tell_changes(run, note, self.out)
            elif note is not None and note.state == "failed":
                self.failed.setdefault(run, note.problem)

    @property
    def left(self) -> list[Run]:
        """Return what is not done."""
        return [run for run in self.runs if run not in self.done]

    @property
    def ready(self) -> list[Run]:
        """Return what can be done now."""
        folders = {run.folder for run in self.done}
        taken = {*self.done, *self.failed, *self.running, *self.elsewhere}
        return [run for run in self.runs if run not in taken and (run.after is None or run.after in folders)]

    def list_states(self) -> tuple[CellState, ...]:
        """Return all runs as they are shown."""
        return tuple(
            CellState(run.training, run.seed, run.bench, self._name_state(run), run.folder, self.failed.get(run, ""))
            for run in self.runs
        )

    def _name_state(self, run: Run) -> State:
        if run in self.done:
            return "done"
        if run in self.failed:
            return "failed"
        return "running" if run in self.running or run in self.elsewhere else "waiting"


def open_table(campaign: Campaign, out: Path, networks: Mapping[str, str]) -> Table:
    """Return the table of a campaign's folder, or of one that is still to be made.

    Raises:
        UserError: the folder is something else's.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out.absolute()} is no folder: choose another --out")
    held = [path.name for path in out.iterdir() if not path.name.startswith(".")] if out.is_dir() else []
    if held and FILE not in held:
        raise UserError(
            f"{out.absolute()} is not empty ({sorted(held)[0]}, …) and holds no campaign: choose another --out"
        )
    return Table(campaign, out, networks)


def plan_campaign(table: Table, wishes: Wishes) -> tuple[CampaignPlan, Costs]:
    """Return what there is to do and what it costs, after a trial of every kind of run that is not known yet."""
    costs = Costs()
    for run in table.done:
        if (note := read_note(run, table.out)) is not None:
            costs.add(run, note.seconds)
    known = {run.kind for run in table.done}
    new = [run for run in table.left if run.kind not in known]
    tried = Tried({}, {})
    if new:
        tried = try_runs(
            new, table.out, table.networks, wishes.n_jobs, wishes.gpus, lambda at: wishes.show("trying", at)
        )
    costs.plan(tried.seconds)
    return make_plan(table.runs, table.left, costs, tried, wishes.n_jobs), costs


def check_changes(table: Table, fresh: bool) -> None:
    """Raise UserError for runs that were made otherwise than the file says now, unless they are to be made again."""
    if table.other and not fresh:
        told = [f"{run.name}: {changes[0]}" for run, changes in table.other.items()]
        raise UserError(
            f"{table.out.absolute()} holds runs of another setup ({first_few(told, 'runs')}): choose another --out, or "
            "make these again with --fresh"
        )


def fill_table(table: Table, costs: Costs, text: str, wishes: Wishes) -> None:
    """Do all runs that are not done. `text` is the campaign's file, which is kept beside them.

    A run that fails keeps those from being done that need it, and no others. What failed before is tried again.
    """
    table.out.mkdir(parents=True, exist_ok=True)
    write_text(table.out / FILE, text)
    again = set(table.failed) if wishes.fresh else set()  # one may have failed for what is in its folder
    table.failed.clear()
    free: list[str | None] = list(wishes.gpus[: wishes.n_jobs]) or [None] * wishes.n_jobs
    looked = time.monotonic()
    filled = 0
    try:
        while True:
            while free and (ready := table.ready):
                _start(choose_next(ready, costs), table, free, again, wishes)
            if not table.running and not table.elsewhere:
                break
            time.sleep(LOOK)
            for run, started in list(table.running.items()):
                if started.job.ended():
                    free.append(started.job.gpu)
                    _end(run, started, table, costs, wishes)
            if table.elsewhere and time.monotonic() > looked + ELSEWHERE:
                looked = time.monotonic()
                was, table.elsewhere = table.elsewhere, set()
                table.look(list(was))
            n_filled = _count_filled(table)
            if n_filled > filled and table.left:
                filled = n_filled
                wishes.when_filled()
    finally:
        stop_all([started.job for started in table.running.values()])
        for run, started in table.running.items():
            with suppress(OSError, UserError):
                write_note(run, table.out, replace(started.note, seconds=started.note.seconds + started.job.seconds))
            release(started.lock)


def _start(run: Run, table: Table, free: list[str | None], again: set[Run], wishes: Wishes) -> None:
    """Start a run, unless another process does it, or has done it by now."""
    path = lock_path(run, table.out)
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
        note = begin_note(run, table.out)
        write_note(run, table.out, note)
        words = run.command(table.out, table.networks)
        if not run.is_training and "--workers" not in words:
            words += ["--workers", str(max(1, count_cores() // wishes.n_jobs))]
        if changes or run in again:
            words.append("--fresh")
        job = Job(words, log_path(run, table.out), free.pop())
        table.running[run] = _Started(job, note, lock)
        undo.pop_all()
    _show(table, wishes, None)


def _end(run: Run, started: _Started, table: Table, costs: Costs, wishes: Wishes) -> None:
    """Take in a run that has ended."""
    del table.running[run]
    try:
        problem = started.job.problem
        if problem is None and not run.product(table.out).is_file():
            problem = f"its command ended well, but {run.product(table.out)} is not there"
        note = end_note(run, table.out, started.note, started.job.seconds, problem)
        write_note(run, table.out, note)
    finally:
        release(started.lock)
    if problem is None:
        table.done.add(run)
        costs.add(run, note.seconds)
    else:
        table.failed[run] = problem
        wishes.tell(f"failed: {run.name}: {problem}")
    _show(table, wishes, costs)


def _show(table: Table, wishes: Wishes, costs: Costs | None) -> None:
    names = "  ".join(run.name for run in table.running)
    seconds = None
    if costs is not None and table.left:
        spent = sum(started.job.seconds for started in table.running.values()) / wishes.n_jobs
        guess = costs.guess_all(table.left, wishes.n_jobs)
        seconds = None if guess is None else max(guess - spent, 1.0)
    wishes.show("campaign", Progress(len(table.done), len(table.runs), seconds, names))


def _count_filled(table: Table) -> int:
    """Return of how many seeds all runs are done, or have failed."""
    open_seeds = {run.seed for run in table.left if run not in table.failed}
    return sum(seed not in open_seeds for seed in table.campaign.seeds)
