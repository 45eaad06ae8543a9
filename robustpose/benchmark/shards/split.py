"""Which units a shard has: a function of the number of images, the cells, and the shard's two numbers alone.

All units lie on a line, as long as there are images × cells: chunk after chunk, and within a chunk cell after cell,
each as long as the chunk has images. The line is cut into N parts of the same length, and a unit is in the part that
has its middle. So shards have the same number of images × cells but for a unit, and shard K decodes the chunks of its
part: at most one of them more than if all cells of a chunk had to stay together.

Corruptions differ in time by a factor of ten. Which of them are slow depends on the machine and the images, so cells of
a chunk lie in turns: whichever part of them a shard has, it has many corruptions and severities.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from robustpose.benchmark.predict import Task
from robustpose.errors import UserError, quote
from robustpose.pose.cell import Cell
from robustpose.work import Chunk, cut_chunks

MOST = 99_999  # shards of a run
_FORM = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


class Shard(NamedTuple):
    """One of the parts of a run."""

    number: int  # 1..n_shards
    n_shards: int

    def __str__(self) -> str:
        return f"{self.number}/{self.n_shards}"

    @property
    def folder_name(self) -> str:
        """Return what its folder is called: names sort as numbers do."""
        return f"{self.number:0{len(str(self.n_shards))}d}-of-{self.n_shards}"


def parse_shard(text: str) -> Shard:
    """Return the shard that a text such as ``3/32`` names, K/N with K from 1 to N.

    >>> parse_shard("3/32").folder_name
    '03-of-32'
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise UserError(f"--shard takes K/N, shard K of N, such as 3/32, got {quote(text)}")
    shard = Shard(int(found[1]), int(found[2]))
    if shard.n_shards < 1 or not 1 <= shard.number <= shard.n_shards:
        raise UserError(f"--shard takes K/N with K from 1 to N, such as 1/4 to 4/4, got {quote(text)}")
    if shard.n_shards > MOST:
        raise UserError(f"--shard takes at most {MOST:,} shards, got {quote(text)}")
    return shard


def share_out_units(
    n_images: int, cells: Sequence[Cell], n_shards: int, images_per_group: int = 1
) -> dict[tuple[int, Cell], int]:
    """Return the shard, 1..n_shards, of every unit, by the number of its chunk and its cell."""
    owners, start, total = {}, 0, n_images * len(cells)
    in_turns = take_turns(cells)
    for number, indices in cut_chunks(n_images, images_per_group):
        for cell in in_turns:
            # The middle of the unit is at start + length / 2: twice that, in whole numbers.
            owners[number, cell] = (2 * start + len(indices)) * n_shards // (2 * total) + 1
            start += len(indices)
    return owners


def list_shard_tasks(shard: Shard, n_images: int, cells: Sequence[Cell], images_per_group: int = 1) -> list[Task]:
    """Return the units of a shard: chunks, each with some of the cells, in the order of the run."""
    owners = share_out_units(n_images, cells, shard.n_shards, images_per_group)
    tasks: list[tuple[Chunk, list[Cell]]] = [
        (chunk, [cell for cell in cells if owners[chunk.number, cell] == shard.number])
        for chunk in cut_chunks(n_images, images_per_group)
    ]
    return [(chunk, of_chunk) for chunk, of_chunk in tasks if of_chunk]


def take_turns(cells: Sequence[Cell]) -> list[Cell]:
    """Return cells so that neighbours are of many corruptions and severities, whatever order they come in.

    >>> [cell.key for cell in take_turns([Cell(name, severity) for name in ("fog", "snow") for severity in (1, 2, 3)])]
    ['fog/1', 'snow/2', 'fog/2', 'snow/3', 'fog/3', 'snow/1']
    """
    by_name: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.corruption or "", cell.severity)):
        by_name.setdefault(cell.corruption or "", []).append(cell)
    n_turns = max(map(len, by_name.values()))
    return [
        of_name[(place + turn) % len(of_name)]
        for turn in range(n_turns)
        for place, of_name in enumerate(by_name.values())
        if turn < len(of_name)
    ]
