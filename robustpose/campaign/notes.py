"""Notes: what a campaign knows of each of its runs, a small JSON file each, beside the run folders.

A run is done where its note says so, for the same words, the same files and the same weights, and what it made is
there. A run without a note, or one that was stopped, is up to its command, which goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zipfile import is_zipfile

from pydantic import Field

from robustpose.campaign.named_files import find_files, hash_named
from robustpose.campaign.runs import Run
from robustpose.config import Settings, check_settings
from robustpose.errors import UserError
from robustpose.files import write_text, writing_to
from robustpose.pose.cell import CLEAN, Cell
from robustpose.reading import read_json
from robustpose.results.run_folder import IDENTITY as SETUP
from robustpose.results.run_folder import RunFolder
from robustpose.results.summary import read_summary

SETTINGS = "settings.yaml"  # of a training's folder: what says how it was made

State = Literal["open", "done", "other"]  # other: made with other words or files than those of now


class Note(Settings):
    """What is known of one run."""

    words: tuple[str, ...]
    # Files and folders that its words and settings name, and their SHA-256.
    files: dict[str, str] = Field(default_factory=dict)
    after: str | None = None  # folder of the run that made its first weights
    weights: str | None = None  # SHA-256 of those that another run made for it
    state: Literal["begun", "done", "failed"] = "begun"
    seconds: Annotated[float, Field(ge=0, le=1e10)] = 0.0  # of all its starts, as far as they were not killed
    problem: str = ""  # why it failed, one line
    product: str | None = None  # SHA-256 of the weights that it made; of a bench, of what says how it was made
    replaces: int | None = None  # when the setup was written, ns, that --fresh is to remove

    def change(self, **fields: object) -> Note:
        """Return it with other values of some fields."""
        return self.model_copy(update=fields)


def note_path(run: Run, out: Path) -> Path:
    """Return where the note of a run is."""
    return out / "notes" / run.folder.relative_to("runs").with_name(f"{run.folder.name}.json")


def log_path(run: Run, out: Path) -> Path:
    """Return the file that what a run prints goes to."""
    return out / "logs" / run.folder.relative_to("runs").with_name(f"{run.folder.name}.txt")


def lock_path(run: Run, out: Path) -> Path:
    """Return the file that is locked by the process which does a run."""
    return note_path(run, out).with_suffix(".lock")


def read_note(run: Run, out: Path) -> Note | None:
    """Return the note of a run; None where there is none. UserError for one that is damaged."""
    path = note_path(run, out)
    if not path.is_file():
        return None
    try:
        return check_settings(Note, read_json(path, "note")[0], f"note {path}")
    except UserError as error:
        raise UserError(f"{error}: remove it, and its run is looked at again") from error


def write_note(run: Run, out: Path, note: Note) -> None:
    """Write the note of a run, whole or not at all."""
    path = note_path(run, out)
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, note.model_dump_json(indent=1) + "\n", sync=True)


def begin_note(run: Run, out: Path, is_fresh: bool) -> Note:
    """Return the note of a run that begins, or goes on."""
    weights = run.weights(out)
    new = Note(
        words=run.words,
        files=find_files(run.words, run.files),
        after=_spell(run.after),
        weights=None if weights is None else hash_named(weights),
    )
    if is_fresh:
        return new.change(replaces=_find_time(run, out))
    old = read_note(run, out)
    is_same = old is not None and not tell_changes(run, old, out)
    return new.change(seconds=old.seconds) if old is not None and is_same else new


def is_replaced(run: Run, out: Path, note: Note | None) -> bool:
    """Tell whether a run was begun with --fresh, and its folder still holds what that is to remove."""
    return note is not None and note.replaces is not None and note.replaces == _find_time(run, out)


def _find_time(run: Run, out: Path) -> int | None:
    setup = out / run.folder / (SETTINGS if run.is_training else SETUP)
    return setup.stat().st_mtime_ns if setup.is_file() else None


def find_state(run: Run, note: Note | None, out: Path) -> State:
    """Return whether a run, by its note, is done, was made otherwise than it would be now, or is open."""
    if note is None:
        return "open"
    if tell_changes(run, note, out):
        return "other"
    if note.state != "done" or not _is_whole(run, out):
        return "open"
    if hash_named(_mark(run, out)) != note.product:
        raise UserError(
            f"{_mark(run, out)} is not what the campaign made of {run.name}: put it back, or remove {out / run.folder}"
            f" and {note_path(run, out)}"
        )
    return "done"


def _mark(run: Run, out: Path) -> Path:
    """Return the file by which what a run made is known: its weights, or what says how a bench was made."""
    return run.product(out) if run.is_training else out / run.folder / SETUP


def _is_whole(run: Run, out: Path) -> bool:
    """Tell whether what a run made is there, and of a bench, whether it can be compared."""
    if not run.product(out).is_file() or not _mark(run, out).is_file():
        return False
    if run.is_training:
        return True
    folder = RunFolder(out / run.folder)
    try:
        summary = read_summary(out / run.folder)
    except UserError:
        return False
    # What a full disk cut off is no archive: that is read at its end.
    return all(is_zipfile(folder.matches_path(cell)) for cell in (CLEAN, *map(Cell.from_key, summary["cells"])))


def tell_changes(run: Run, note: Note, out: Path) -> list[str]:
    """Return in what a run would be made otherwise now than its note says.

    What is not there any more has not changed, and the order of options says nothing.
    """
    changes = []
    before, now = _pair_options(note.words), _pair_options(run.words)
    if before != now:
        was, came = (" ".join(_list_others(side, other)) or "nothing" for side, other in ((before, now), (now, before)))
        changes.append(f"{was}, now {came}")
    elif note.after != _spell(run.after):
        changes.append(f"from {note.after or 'nothing'}, now from {_spell(run.after) or 'nothing'}")
    else:
        there = find_files(run.words, run.files)
        changes += [f"{name} has changed" for name, digest in note.files.items() if there.get(name, digest) != digest]
    weights = run.weights(out)
    if not changes and weights is not None and weights.is_file() and note.weights != hash_named(weights):
        changes.append(f"{weights} has changed")
    return changes


def _spell(folder: Path | None) -> str | None:
    return None if folder is None else folder.as_posix()


def _pair_options(words: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the command, and its options with their values, in an order of their own."""
    command, *others = words
    values = [(word, after) for word, after in pairwise([*others, "--"]) if word.startswith("--")]
    return [(command,), *sorted((option,) if value.startswith("--") else (option, value) for option, value in values)]


def _list_others(side: Sequence[tuple[str, ...]], other: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the words of a side that the other one has not; of a switch its name, of others their values."""
    return [option[-1] for option in side if option not in other]


def end_note(run: Run, out: Path, note: Note, seconds: float, problem: str | None) -> Note:
    """Return the note of a run that has ended: done, or failed with a `problem`."""
    spent = note.seconds + seconds
    if problem is not None:
        return note.change(state="failed", seconds=spent, problem=problem)
    return note.change(state="done", seconds=spent, problem="", product=hash_named(_mark(run, out)))
