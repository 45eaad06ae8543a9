"""Known resamples: what tables scored on resamples before, for comparisons of one process that share runs.

Scoring a table a thousand times takes most of the time of comparing, and a campaign compares each of its runs several
times: with all methods, in pairs, and again when more is done.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from robustpose.pose.cell import Cell
from robustpose.pose.protocols import ScoreTable
from robustpose.pose.types import Floats
from robustpose.results.run_folder import RunFolder

MOST_BYTES = 256_000_000
Key = tuple[Path, int, int, bytes]

_known: OrderedDict[Key, Floats] = OrderedDict()  # the oldest first


def resample_tables(
    folder: Path, tables: Mapping[Cell, ScoreTable], weights: npt.NDArray[np.uint8]
) -> dict[Cell, Floats]:
    """Return what the tables that were read from a run folder score on resamples (R, N), (R,) of each cell."""
    digest = hashlib.sha256(weights.tobytes()).digest()
    run = RunFolder(folder)
    return {cell: _resample(run.matches_path(cell), table, weights, digest) for cell, table in tables.items()}


def _resample(path: Path, table: ScoreTable, weights: npt.NDArray[np.uint8], digest: bytes) -> Floats:
    status = path.stat()
    key = (path.absolute(), status.st_mtime_ns, status.st_size, digest)
    found = _known.get(key)
    if found is None:
        found = _known[key] = table.score(weights)
        found.flags.writeable = False
        while len(_known) > max(1, MOST_BYTES // max(1, found.nbytes)):
            _known.popitem(last=False)
    return found
