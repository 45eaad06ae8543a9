"""Matches of a finished cell, as files: the table of its score, and how good each image's poses are.

matches/fog-3.npz beside predictions/fog-3.json. Runs are compared from these files alone, without data or model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.errors import UserError
from robustpose.files import open_whole
from robustpose.metrics.score_tables import load_score_table
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import ScoreTable
from robustpose.pose.types import Floats
from robustpose.results.arrays import read_arrays
from robustpose.results.run_folder import RunFolder


def write_matches(folder: RunFolder, cell: Cell, table: ScoreTable, quality: Floats) -> None:
    """Write a cell's table and the quality of each image (N,), NaN where there is nobody."""
    with open_whole(folder.matches_path(cell)) as file:
        np.savez_compressed(file, quality=quality.astype(np.float32), **table.save())  # type: ignore[arg-type]


def read_table(folder: RunFolder, cell: Cell) -> ScoreTable:
    """Return a cell's table.

    Raises:
        UserError: the run has none, or it is damaged.
    """
    path = folder.matches_path(cell)
    try:
        return load_score_table(read_arrays(path))
    except FileNotFoundError as error:
        raise UserError(
            f"{folder.path} has no matches of {cell.key}: its metric has none, or it is from an older version: "
            "start its bench command again"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged: start the bench command of {folder.path} again") from error


def read_quality(folder: RunFolder, cells: Sequence[Cell]) -> dict[Cell, Floats] | None:
    """Return for each cell how good each image's poses (N,) are, 0..1, NaN without people; None if a cell lacks it."""
    found = {}
    for cell in cells:
        try:
            found[cell] = read_arrays(folder.matches_path(cell), ["quality"])["quality"].astype(float)
        except (OSError, ValueError):
            return None
    return found
