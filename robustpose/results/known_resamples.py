"""Known resamples: what tables scored on resamples before, for comparisons of one process that share runs.

Scoring a table a thousand times takes most of the time of comparing, and a campaign compares each of its runs several
times: with all methods, in pairs, and again when more is done.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from robustpose.pose.cell import Cell
from robustpose.pose.protocols import ScoreTable
from robustpose.pose.types import Floats
from robustpose.results.run_folder import RunFolder

MOST_BYTES = 256_000_000
Stamp = tuple[Path, int, int, int]  # of a file of matches: where it is, its number, size and time

_known: OrderedDict[tuple[Stamp, bytes], Floats] = OrderedDict()  # the oldest first


def stamp_matches(folder: Path, cells: Iterable[Cell]) -> dict[Cell, Stamp]:
    """Return what tells the files of matches in a run folder from later ones: take it before they are read."""
    run = RunFolder(folder)
    return {cell: _stamp(run.matches_path(cell)) for cell in cells}


def resample_tables(
    stamps: Mapping[Cell, Stamp], tables: Mapping[Cell, ScoreTable], weights: npt.NDArray[np.uint8]
) -> dict[Cell, Floats]:
    """Return what tables with these stamps score on resamples (R, N), (R,) of each cell."""
    digest = hashlib.sha256(weights.tobytes()).digest()
    return {cell: _resample((stamps[cell], digest), table, weights) for cell, table in tables.items()}


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:  # reading it says what is wrong
        return path, 0, 0, 0
    return path.absolute(), status.st_ino, status.st_size, status.st_mtime_ns


def _resample(key: tuple[Stamp, bytes], table: ScoreTable, weights: npt.NDArray[np.uint8]) -> Floats:
    found = _known.get(key)
    if found is None:
        found = _known[key] = table.score(weights)
        found.flags.writeable = False
        while len(_known) > max(1, MOST_BYTES // max(1, found.nbytes)):
            _known.popitem(last=False)
    return found
