"""Carried: work that goes to machines which see none of this machine's files.

What a task reads of the data, images as their encoded bytes, is packed into the task. Files that all tasks need, such
as a model's, are named by their SHA-256: an engine brings each of them once to every machine, into one folder.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from robustpose.errors import UserError
from robustpose.files import writing_to
from robustpose.sources import hash_once

Files = dict[str, Path]  # of this machine, by SHA-256
Opened = TypeVar("Opened")
TaskIn = TypeVar("TaskIn", contravariant=True)
Made = TypeVar("Made", covariant=True)
NAMED = "named"  # folder, beside what was brought, of the files under their own names


class WorkElsewhere(Protocol[Opened, TaskIn, Made]):
    """A work as other machines do it: see `robustpose.work.Work`, which keeps what is made."""

    def open(self) -> Opened:
        """Open what all tasks need. Called once in each process that does tasks."""

    def kinds(self, task: TaskIn) -> Sequence[Hashable]:
        """Return one entry for each result of a task, as the work that was carried does."""

    def do(self, opened: Opened, task: TaskIn) -> Iterator[Made]:
        """Do a task, and yield what it makes, one after the other."""


class Carried(NamedTuple):
    """A work as other machines do it. All of it but `files` can be sent to them.

    They call `work.open` once, and `work.do` with what `pack` made of a task; what that yields is for `keep` of the
    work that was carried, on the machine that has the folder.
    """

    work: WorkElsewhere[Any, Any, Any]  # of packed tasks
    pack: Callable[[Any], Any]  # a task -> the same with all that it reads; `work.kinds` of both are equal
    files: Mapping[str, Path]  # of this machine, by SHA-256: what `work.open` finds in the folder of `place_files`


_places: dict[str, Path] = {}  # a process has one folder, as it has one working directory
_origins: dict[str, str] = {}  # of folders made here: where their files are on the machine that has sent them


def place_files(folder: Path) -> None:
    """Say in which folder this process finds the files that work brings along, each named by its SHA-256.

    Folders are made in it, by several processes at once if need be, so it can be written to.
    """
    _places["files"] = folder


@dataclass(frozen=True)
class Bundle:
    """Files of one folder under their names, which matter to some readers. Can be sent to another machine."""

    folder: Path  # on the machine that has sent them
    hashes: tuple[tuple[str, str], ...]  # names, relative to the folder, and SHA-256
    name: str  # of the folder in other places

    def lay_out(self) -> Path:
        """Return a folder of this machine that holds the files, of those that were brought here.

        UserError where it cannot be written.
        """
        place = _places["files"]
        around = place / NAMED / hashlib.sha256(repr((self.name, self.hashes)).encode()).hexdigest()
        folder = around / self.name
        if not self._is_in(folder):
            if around.is_dir() and not self._is_in(folder):  # damaged, and not that another process has just made it
                shutil.rmtree(around, ignore_errors=True)
            with writing_to(around.parent):
                self._make(place, around)
        _origins[str(folder)] = str(self.folder)
        return folder

    def _is_in(self, folder: Path) -> bool:
        return all((folder / name).is_file() and hash_once(folder / name) == digest for name, digest in self.hashes)

    def _make(self, place: Path, around: Path) -> None:
        around.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=around.parent) as scratch:
            made = Path(scratch) / "made"
            for name, digest in self.hashes:
                path = made / self.name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                _put(place / digest, path)
            with suppress(OSError):  # another process was first
                made.rename(around)


def bundle_files(folder: Path, names: Iterable[str], called: str = "files") -> tuple[Bundle, Files]:
    """Return a bundle of some files of a folder, which is `called` so in other places, and where they are.

    UserError where one has gone.
    """
    try:
        hashes = tuple((name, hash_once(folder / name)) for name in names)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}): put it back, and start again") from error
    return Bundle(folder, hashes, called), {digest: folder / name for name, digest in hashes}


@contextmanager
def naming_originals() -> Iterator[None]:
    """Have errors in the block name files as they are called on the machine that has sent them."""
    try:
        yield
    except UserError as error:
        text = str(error)
        for here, there in _origins.items():
            text = text.replace(f"{here}/", "" if there == "." else f"{there}/").replace(here, there)
        error.args = (text,)
        raise


def _put(brought: Path, place: Path) -> None:
    try:
        place.hardlink_to(brought)
    except OSError:  # a file system without links
        shutil.copyfile(brought, place)
