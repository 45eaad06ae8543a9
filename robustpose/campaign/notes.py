"""Notes: what a campaign knows of each of its runs, a small JSON file each, beside the run folders.

A run is done where its note says so, for the same words, the same files and the same weights, and what it made is
there. A run without a note, or one that was stopped, is up to its command, which goes on where it was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from robustpose.campaign.runs import Run
from robustpose.config import Settings, check_settings
from robustpose.errors import UserError
from robustpose.files import hash_file, write_text
from robustpose.reading import read_json

State = Literal["open", "done", "other"]  # other: made with other words or files than those of now


@dataclass(frozen=True)
class Note:
    """What is known of one run."""

    words: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)  # that its words name, and their SHA-256
    weights: str | None = None  # SHA-256 of those that another run made for it
    state: Literal["begun", "done", "failed"] = "begun"
    seconds: float = 0.0  # of all its starts, as far as they were not killed
    problem: str = ""  # why it failed, one line
    product: str | None = None  # SHA-256 of the weights that it made


class _Stored(Settings):
    words: tuple[str, ...]
    files: dict[str, str]
    weights: str | None
    state: Literal["begun", "done", "failed"]
    seconds: float
    problem: str
    product: str | None


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
    stored = check_settings(_Stored, read_json(path, "note")[0], f"note {path}")
    return Note(**stored.model_dump())


def write_note(run: Run, out: Path, note: Note) -> None:
    """Write the note of a run, whole or not at all."""
    path = note_path(run, out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(note), indent=1) + "\n", sync=True)


def begin_note(run: Run, out: Path) -> Note:
    """Return the note of a run that begins, or goes on."""
    old = read_note(run, out)
    weights = run.weights(out)
    new = Note(run.words, find_files(run.words), None if weights is None else _hash(weights))
    is_same = old is not None and (old.words, old.files, old.weights) == (new.words, new.files, new.weights)
    return replace(new, seconds=old.seconds) if old is not None and is_same else new


def find_state(run: Run, out: Path) -> State:
    """Return whether a run is done, was made otherwise than it would be now, or is open."""
    note = read_note(run, out)
    if note is None:
        return "open"
    if tell_changes(run, note, out):
        return "other"
    if note.state != "done" or not run.product(out).is_file():
        return "open"
    if run.is_training and _hash(run.product(out)) != note.product:
        raise UserError(
            f"{run.product(out)} is not what the campaign made of {run.name}: put that file back, or remove "
            f"{out / run.folder} and {note_path(run, out)}"
        )
    return "done"


def tell_changes(run: Run, note: Note, out: Path) -> list[str]:
    """Return in what a run would be made otherwise now than its note says."""
    changes = []
    if note.words != run.words:
        before, now = ([word for word in side if word not in other] for side, other in _both(note.words, run.words))
        came = " ".join(now) or "nothing"
        changes.append(f"{' '.join(before) or 'nothing'}, now {came}" if before or now else "the order of its options")
    else:
        there = find_files(run.words)
        changes += [f"the file {name} has changed" for name, digest in note.files.items() if there.get(name) != digest]
    weights = run.weights(out)
    if not changes and weights is not None and weights.is_file() and note.weights not in (None, _hash(weights)):
        changes.append(f"{weights} has changed")
    return changes


def _both(one: Sequence[str], other: Sequence[str]) -> tuple[tuple[Sequence[str], Sequence[str]], ...]:
    return (one, other), (other, one)


def find_files(words: Sequence[str]) -> dict[str, str]:
    """Return the files that words name, also after ``=`` and ``:``, and their SHA-256."""
    found = {}
    for word in words:
        for text in dict.fromkeys((word, word.partition("=")[2], word.partition(":")[2])):
            path = Path(text).expanduser() if text else None
            if path is not None and _is_file(path):
                found[text] = _hash(path)
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a word that no file can be called
        return False


def _hash(path: Path) -> str:
    status = path.stat()
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=10_000)
def _hash_once(path: Path, size: int, changed: int) -> str:
    return hash_file(path)


def end_note(run: Run, out: Path, note: Note, seconds: float, problem: str | None) -> Note:
    """Return the note of a run that has ended: done, or failed with a `problem`."""
    spent = note.seconds + seconds
    if problem is not None:
        return replace(note, state="failed", seconds=spent, problem=problem)
    product = _hash(run.product(out)) if run.is_training else None
    return replace(note, state="done", seconds=spent, problem="", product=product)
