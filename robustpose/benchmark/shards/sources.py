"""What `merge` is given: folders with shards, which must be all of one run, each once and finished."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from robustpose.benchmark.shards.folder import (
    FINISHED,
    NOTE,
    ShardFolder,
    list_shard_paths,
    read_shard,
    tell_setups_apart,
)
from robustpose.errors import UserError, first_few, spell_list
from robustpose.results.run_folder import IDENTITY

AGAIN = "run bench with --shard K/N for each of them, then merge again"


def find_shards(runs: Sequence[Path]) -> list[ShardFolder]:
    """Return the shards in some folders, each a shard's or a run's with shards, in the order of their numbers.

    Raises:
        UserError: they are not all shards of one run, each once; or a shard is not finished.
    """
    found = [read_shard(path) for run in runs for path in _list_paths(run)]
    _check_once(found)
    first = found[0]
    for other in found[1:]:
        differences = tell_setups_apart(first.note, other.note, ("in the first", "in the second"))
        if differences:
            raise UserError(
                f"{first.path} and {other.path} are shards of different runs ({'; '.join(differences[:3])}): leave one "
                "of them out, or make it again with --fresh"
            )
    _check_complete(found)
    return sorted(found, key=lambda one: one.shard)


def _list_paths(run: Path) -> list[Path]:
    """Return the folders of shards in a folder that a command names."""
    paths = [run] if (run / NOTE).is_file() else list_shard_paths(run)
    if not paths:
        raise UserError(_explain(run))
    return paths


def _explain(path: Path) -> str:
    """Return what a folder is that was taken for shards and has none."""
    if not path.is_dir():
        return f"{path} is no folder" if path.exists() else f"there is no folder {path}"
    finished = next((what for name, what in FINISHED.items() if (path / name).is_file()), None)
    if finished is not None:
        return f"{path} is {finished}, not shards of one: leave it out"
    if (path / IDENTITY).is_file():
        return f"{path} is a run that was begun without --shard: its own bench command brings it to its end"
    return f"{path} has no shards: bench --shard K/N --out {path} makes them"


def _check_once(found: Sequence[ShardFolder]) -> None:
    """Raise UserError where two shards have units in common."""
    first = found[0]
    for other in found:
        if other.shard.n_shards != first.shard.n_shards:
            raise UserError(
                f"{first.path} is shard {first.shard} and {other.path} is shard {other.shard}: they overlap; merge "
                "shards of one N"
            )
    by_number = sorted(found, key=lambda one: one.shard)
    for one, other in pairwise(by_number):
        if one.shard == other.shard:
            again = "is given twice" if one.path.resolve() == other.path.resolve() else "is there twice"
            raise UserError(f"shard {one.shard} {again}, {one.path} and {other.path}: leave one of them out")


def _check_complete(found: Sequence[ShardFolder]) -> None:
    """Raise UserError where shards, or units of them, are missing."""
    n_shards, there = found[0].shard.n_shards, {one.shard.number for one in found}
    missing = [number for number in range(1, n_shards + 1) if number not in there]
    problems = []
    for one in found:
        n_there, n_units = one.count_units()
        if n_there < n_units:
            problems.append(
                f"shard {one.shard} in {one.path} is unfinished ({n_there:,} of {n_units:,} units): run its command "
                "again"
            )
    if missing:
        which = "shard" if len(missing) == 1 else "shards"
        are = "is" if len(missing) == 1 else "are"
        line = f"{which} {spell_numbers(missing)} of {n_shards} {are} not there: {AGAIN}"
        raise UserError("; ".join([line, *([first_few(problems, "unfinished shards")] if problems else [])]))
    if problems:
        raise UserError(first_few(problems, "unfinished shards"))


def spell_numbers(numbers: Sequence[int]) -> str:
    """Return numbers, which ascend, as a text that is not long.

    >>> spell_numbers([2, 5, 6, 7, 9])
    '2, 5 to 7 and 9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [f"{run[0]} to {run[-1]}" if len(run) > 2 else " and ".join(map(str, run)) for run in runs]
    if len(words) > 8:
        return f"{', '.join(words[:6])}, … ({len(numbers):,} in all)"
    return spell_list(words)
