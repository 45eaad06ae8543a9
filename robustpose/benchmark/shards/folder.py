"""The folder of a shard, which no other shard writes to: RUN/shards/03-of-32.

shard.json             which shard of what: its numbers, cells and images, and all that determines the results
about.json             what the finished run says besides: warnings, and the published row that it stands beside
inputs.json, units/    as in a run folder

There is no note that a shard is finished: it is when all its units are there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from robustpose.benchmark.chunks import count_in_group
from robustpose.benchmark.job import Prepared
from robustpose.benchmark.predict import Task
from robustpose.benchmark.shards.split import Shard, list_shard_tasks, parse_shard
from robustpose.changes import SINCE, find_changes
from robustpose.config import Settings, check_settings
from robustpose.corruptions.suites import Suite, find_suite
from robustpose.errors import UserError
from robustpose.files import list_differences, write_text
from robustpose.pose.cell import CLEAN, OF_CELL, Cell
from robustpose.pose.types import Truth
from robustpose.reading import read_json
from robustpose.results.inputs import NAME as INPUTS
from robustpose.results.recipe import Expected
from robustpose.results.run_folder import DamagedUnit, RunFolder
from robustpose.work import Chunk

SHARDS = "shards"  # folder of a run
NOTE, ABOUT = "shard.json", "about.json"
MERGED = ".merged"  # in SHARDS: the run is finished, and its shards are being removed
FINISHED = {"summary.json": "a finished run", "preview.json": "a preview"}  # what a folder with such a file is
MOST_BYTES = 1 << 26
_NAME = re.compile(r"[0-9]+-of-([0-9]{1,9})")
OWN_KEYS = ("shard", "images", "suite", "cells")  # of the note; the rest is what run.json holds


class About(Settings):
    """What the finished run says, beside its scores."""

    warnings: tuple[str, ...] = ()
    expected: Expected | None = None  # a published row
    differences: tuple[str, ...] = ()  # in what the run is not that row's measurement


@dataclass(frozen=True)
class ShardFolder:
    """A shard, as its note says."""

    path: Path
    shard: Shard
    n_images: int
    suite: Suite
    cells: tuple[Cell, ...]
    note: Mapping[str, Any]  # all of it

    @property
    def identity(self) -> dict[str, Any]:
        """Return what run.json of the finished run holds."""
        return {key: value for key, value in self.note.items() if key not in OWN_KEYS}

    @cached_property
    def tasks(self) -> list[Task]:
        """Return its units."""
        return list_shard_tasks(self.shard, self.n_images, self.cells, count_in_group(self.identity))

    def count_units(self) -> tuple[int, int]:
        """Return how many of its units are there, and how many it has."""
        folder = RunFolder(self.path)
        units = [folder.unit_path(cell, chunk.number) for chunk, cells in self.tasks for cell in cells]
        return sum(path.is_file() for path in units), len(units)

    def read_about(self) -> About:
        """Return what the finished run says besides."""
        path = self.path / ABOUT
        try:
            content, _ = read_json(path, "note of a shard", MOST_BYTES)
        except FileNotFoundError as error:
            raise UserError(f"{path} is not there: start the command of shard {self.shard} again") from error
        return check_settings(About, content, str(path))


def shard_path(out: Path, shard: Shard) -> Path:
    """Return the folder of a shard of the run in `out`."""
    return out / SHARDS / shard.folder_name


def is_shard_path(path: Path) -> bool:
    """Tell whether a folder is one of a shard, or what is left of it."""
    return path.is_dir() and (_NAME.fullmatch(path.name) is not None or (path / NOTE).is_file())


def count_shards(path: Path) -> int | None:
    """Return of how many shards one is, by the name of its folder; None if that has been changed."""
    found = _NAME.fullmatch(path.name)
    return None if found is None else int(found[1])


def list_shard_paths(out: Path) -> list[Path]:
    """Return the folders of shards that are in a run folder, as far as this machine sees them yet."""
    return sorted(path.parent for path in out.glob(f"{SHARDS}/*/{NOTE}"))


def make_note(prepared: Prepared, shard: Shard) -> dict[str, Any]:
    """Return what the note of a shard says."""
    severities: dict[str, list[int]] = {}
    for cell in prepared.cells:
        if cell.corruption is not None:
            severities.setdefault(cell.corruption, []).append(cell.severity)
    suite, n_images = prepared.job.suite.identity, len(prepared.data.truths)
    return {"shard": str(shard), "images": n_images, "suite": suite, "cells": severities, **prepared.identity}


def read_shard(path: Path) -> ShardFolder:
    """Return the shard in a folder; UserError if its note is damaged."""
    note = path / NOTE
    try:
        content, _ = read_json(note, "note of a shard", MOST_BYTES)
        suite, n_images = content["suite"], content["images"]
        if type(n_images) is not int or not 0 < n_images < 1 << 40:
            raise ValueError(n_images)
        cells = [Cell.from_key(f"{name}/{one}") for name, found in content["cells"].items() for one in found]
        return ShardFolder(
            path,
            parse_shard(content["shard"]),
            n_images,
            find_suite(str(suite["name"]), suite["version"]),
            (CLEAN, *cells),
            content,
        )
    except (KeyError, TypeError, ValueError, AttributeError, UserError) as error:
        raise UserError(f"{note.absolute()} is damaged: delete that folder, and make its shard again") from error


def tell_setups_apart(one: Mapping[str, Any], other: Mapping[str, Any], words: tuple[str, str]) -> list[str]:
    """Return in what two notes are not of one run, a line each; `words` say which of the two a value is of."""
    first, second = ({key: value for key, value in note.items() if key != "shard"} for note in (one, other))
    changes, *rest = find_changes(first, second)
    return [*list_differences(*rest, words=words), *(change.replace(f" {SINCE}", "") for change in changes)]


def write_about(path: Path, about: About) -> None:
    """Write what the finished run says besides, unless it is there."""
    text = about.model_dump_json(indent=2, exclude_defaults=True) + "\n"
    if not (path / ABOUT).is_file() or (path / ABOUT).read_text() != text:
        write_text(path / ABOUT, text)


def list_shard_files(path: Path) -> list[Path]:
    """Return all files that bench made in the folder of a shard, but for its note."""
    units = [unit for unit in path.glob("units/*/*.npz") if OF_CELL.fullmatch(unit.parent.name)]
    return [*sorted(units), path / INPUTS, path / ABOUT]


def list_lacking(path: Path, tasks: Sequence[Task], truths: Sequence[Truth]) -> list[Task]:
    """Return the units of a shard that are not there, or damaged, as tasks."""
    folder = RunFolder(path)
    lacking = [
        (chunk, [cell for cell in cells if not _is_whole(folder, cell, chunk, truths)]) for chunk, cells in tasks
    ]
    return [(chunk, cells) for chunk, cells in lacking if cells]


def _is_whole(folder: RunFolder, cell: Cell, chunk: Chunk, truths: Sequence[Truth]) -> bool:
    try:
        folder.read_unit(cell, chunk.number, truths[chunk.indices.start : chunk.indices.stop])
    except DamagedUnit:
        return False
    return True
