"""The table of a campaign: all of its runs, and what is known of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from robustpose.campaign.file import Campaign
from robustpose.campaign.jobs import Job
from robustpose.campaign.named_files import look_once
from robustpose.campaign.notes import SETTINGS, Note, find_state, lock_path, read_note, tell_changes
from robustpose.campaign.runs import Run, Trained, list_runs
from robustpose.errors import UserError, first_few
from robustpose.locks import is_held
from robustpose.results.outcome import RunState, State
from robustpose.results.rows import percent, row_of_chosen, rows_of
from robustpose.results.summary import read_summary

FILE = "campaign.yaml"  # in the campaign's folder: what its file said last


@dataclass
class Started:
    """A run that is at work in this process's hands."""

    job: Job
    note: Note
    lock: int
    is_made: bool  # before it was started


@dataclass
class Table:
    """All runs of a campaign, and what is known of them."""

    campaign: Campaign
    out: Path
    trained: Mapping[str, Trained]  # by training
    runs: list[Run] = field(init=False)
    done: set[Run] = field(default_factory=set)
    failed: dict[Run, str] = field(default_factory=dict)
    other: dict[Run, list[str]] = field(default_factory=dict)  # made otherwise than they would be now, and in what
    running: dict[Run, Started] = field(default_factory=dict)
    elsewhere: set[Run] = field(default_factory=set)  # done by other processes, as of the last look
    removed: set[Run] = field(default_factory=set)  # trainings that are done, of which nothing needs the weights

    def __post_init__(self) -> None:
        """Look at what there is."""
        self.networks = {name: trained.network for name, trained in self.trained.items()}
        self.runs = [self._name_files(run) for run in list_runs(self.campaign)]
        self._by_folder = {run.folder: run for run in self.runs}
        self.look(self.runs, with_failures=True)

    def _name_files(self, run: Run) -> Run:
        return replace(run, files=self.trained[run.training].files) if run.is_training else run

    def look(self, runs: Sequence[Run], with_failures: bool = False) -> None:
        """Read the notes of runs, and of those that take the weights of one of them.

        Failures are those of an earlier start, which count for nothing in this one, or of other processes.
        """
        given = {run.folder for run in runs}
        folders = set(given)
        with look_once():
            for run in self.runs:  # what makes weights comes before what takes them
                if run.folder in folders or run.after in folders:
                    folders.add(run.folder)
                    if run not in self.running:
                        self._look_at(run, with_failures and run.folder in given)
        self._count_removed()

    def _look_at(self, run: Run, with_failure: bool) -> None:
        note = read_note(run, self.out)
        state = find_state(run, note, self.out)
        self.done.discard(run)
        self.other.pop(run, None)
        if state == "done" and (self.has_weights(run) or self._are_removed(run)):
            self.done.add(run)
            self.failed.pop(run, None)
        elif state == "other" and note is not None:
            self.other[run] = tell_changes(run, note, self.out)
        elif note is not None and with_failure and note.state == "failed":
            self.failed.setdefault(run, note.problem)
        elif note is not None and with_failure and note.state == "begun" and is_held(lock_path(run, self.out)):
            self.elsewhere.add(run)

    def _are_removed(self, run: Run) -> bool:
        """Tell whether the weights that a run took were made for it, and removed from what else the training made."""
        before = None if run.after is None else self._by_folder[run.after]
        if before is None or before in self.other or not (self.out / before.folder / SETTINGS).is_file():
            return False
        note, of_run = read_note(before, self.out), read_note(run, self.out)
        if note is None or of_run is None or before.product(self.out).is_file():
            return False
        return note.state == "done" and note.product == of_run.weights

    def _count_removed(self) -> None:
        """Take trainings for done whose weights were removed when all that took them was done."""
        self.done -= self.removed
        self.removed.clear()
        for run in reversed(self.runs):  # what takes weights comes before what makes them
            takes = [] if run in self.done else [other for other in self.runs if other.after == run.folder]
            if takes and all(other in self.done and self._are_removed(other) for other in takes):
                self.removed.add(run)
                self.done.add(run)

    def has_weights(self, run: Run) -> bool:
        """Tell whether the run is done that makes the weights which a run takes, if it takes such."""
        return run.after is None or self._by_folder[run.after] in self.done

    @property
    def left(self) -> list[Run]:
        """Return what is not done."""
        return [run for run in self.runs if run not in self.done]

    @property
    def ready(self) -> list[Run]:
        """Return what can be done now."""
        taken = {*self.done, *self.failed, *self.running, *self.elsewhere}
        return [run for run in self.runs if run not in taken and self.has_weights(run)]

    def count_filled(self) -> int:
        """Return of how many seeds all runs are done, or have failed."""
        open_seeds = {run.seed for run in self.left if run not in self.failed}
        return sum(seed not in open_seeds for seed in self.campaign.seeds)

    def list_states(self) -> tuple[RunState, ...]:
        """Return all runs as they are shown."""
        return tuple(
            RunState(
                run.training,
                run.seed,
                run.bench,
                self._name_state(run),
                run.folder,
                self.failed.get(run, ""),
                _spell_scores(read_summary(self.out / run.folder)) if run in self.done and not run.is_training else "",
            )
            for run in self.runs
        )

    def _name_state(self, run: Run) -> State:
        if run in self.done:
            return "done"
        if run in self.failed:
            return "failed"
        return "running" if run in self.running or run in self.elsewhere else "waiting"


def _spell_scores(summary: Mapping[str, Any]) -> str:
    """Return the scores of a run, as far as it has them: `AP* 46.5, mPC 31.2`."""
    chosen = row_of_chosen(summary)
    rows = [*rows_of(summary, "headline")[:2], *([] if chosen is None else [chosen])]
    return ", ".join(f"{row.label} {percent(row.value)}" for row in rows if row.value is not None)


def open_table(campaign: Campaign, out: Path, trained: Mapping[str, Trained]) -> Table:
    """Return the table of a campaign's folder, or of one that is still to be made.

    Raises:
        UserError: the folder is something else's.
    """
    if os.path.lexists(out) and not out.is_dir():
        raise UserError(f"{out.absolute()} is no folder: choose another --out")
    held = sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) if out.is_dir() else []
    # Of a campaign whose file was lost, or whose runs were done by hand.
    is_ours = "notes" in held or any((out / "runs" / name).is_dir() for name in campaign.trainings)
    if held and FILE not in held and not is_ours:
        raise UserError(f"{out.absolute()} is not empty ({held[0]}, …) and holds no campaign: choose another --out")
    return Table(campaign, out, trained)


def check_place(out: Path) -> None:
    """Raise UserError where nothing can be written."""
    place = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not os.access(place, os.W_OK):
        raise UserError(f"cannot write {out.absolute()}: {place} takes no files; choose another --out")


def check_changes(table: Table, fresh: bool) -> None:
    """Raise UserError for runs that were made otherwise than the file says now, unless they are to be made again."""
    if table.other and not fresh:
        told = [f"{run.name}: {changes[0]}" for run, changes in table.other.items()]
        raise UserError(
            f"{table.out.absolute()} holds runs of another setup ({first_few(told, 'runs')}): choose another --out, or "
            "make these again with --fresh"
        )
