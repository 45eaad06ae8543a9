"""Claims: a folder is held for one piece of work, notes whose it is, and is refused to any other."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robustpose.changes import find_changes, take_in
from robustpose.errors import UserError, first_few
from robustpose.files import list_differences, lock_folder, without_parts, write_text, writing_to
from robustpose.fresh import StartOver


@contextmanager
def claim_folder(
    folder: Path,
    what: str,
    note: str,
    identity: Mapping[str, Any],
    list_made: Callable[[Path], Sequence[Path]] = lambda folder: (),
    fresh: StartOver | None = None,
    may_hold: Sequence[str] = (),
) -> Iterator[None]:
    """Hold a folder for one piece of work: locked, noted whose it is, and rid of what killed processes left.

    The folder is made if it is not there. What is `fresh` starts over: the files that `list_made` finds are removed
    first if the folder is one of this command's. The other arguments are those of `check_claim`.
    """
    with lock_folder(folder):
        is_cleared = fresh is not None and clear_folder(folder, what, note, identity, list_made, fresh)
        old = None if is_cleared else check_claim(folder, what, note, identity, may_hold=may_hold)
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
    may_hold: Sequence[str] = (),
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
    return check_claim(folder, what, note, identity, beside, may_hold) is not None


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
    folder: Path,
    what: str,
    note: str,
    identity: Mapping[str, Any],
    beside: Sequence[str] = (),
    may_hold: Sequence[str] = (),
) -> dict[str, Any] | None:
    """Return what a folder, locked by the caller, notes if it is that of `identity`, and None if it is free.

    Hidden files do not count: a lock, or what is left of a note that could not be written, keeps nobody out; nor does
    what a free folder `may_hold`. If the folder holds something else, the error names what differs from the JSON file
    `note`, but for its keys `beside`, and calls the content `what`, such as `results`.
    """
    old = read_claim(folder, note)
    if old is None:
        entries = {entry.name for entry in folder.iterdir()}.difference(may_hold)
        others = sorted(name for name in entries if not name.startswith("."))
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
