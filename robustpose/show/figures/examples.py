"""Figure 6: one image clean and under corruptions with the skeletons that the runs found, a row for each run.

The corruptions are those under which the runs lose most, the worst first; the image is the one on which they lose most
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from robustpose.data.corrupted import CorruptedImages
from robustpose.data.people import frame_to_corrupt
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import read_results
from robustpose.pose.skeletons import Skeleton
from robustpose.results.run_folder import RunFolder
from robustpose.show.figures.people import counted_people, has_large_person
from robustpose.show.figures.runs import Run
from robustpose.show.figures.tiles import Found, TileRow, draw_tiles, mean_oks, poses_in

N_CORRUPTED = 4


def choose_worst_cells(runs: Sequence[Run], severity: int) -> tuple[Cell, ...]:
    """Return clean and the cells in which the runs lose most, the worst first: all of one severity.

    The severity is `severity` where all runs have it, else the nearest that they have; the milder of two.
    """
    common = [cell for cell in runs[0].cells if cell != CLEAN and all(cell in run.cells for run in runs)]
    if not common:
        raise UserError("the runs have no corrupted cell in common: bench them with the same --corruptions")
    nearest = min((cell.severity for cell in common), key=lambda one: (abs(one - severity), one))
    kept = [cell for cell in common if cell.severity == nearest]
    kept.sort(key=lambda cell: sum(run.find_row(cell.key).score for run in runs))
    return (CLEAN, *kept[:N_CORRUPTED])


def find_missing(run: Run, cells: Sequence[Cell]) -> Path | None:
    """Return the first file of predictions that a run lacks; None if all are there."""
    paths = [RunFolder(run.folder).prediction_path(cell) for cell in cells]
    return next((path for path in paths if not path.is_file()), None)


def read_found(run: Run, cells: Sequence[Cell], skeleton: Skeleton) -> Found:
    """Return the poses of a run in some cells, by cell and image id."""
    return {cell: read_results(RunFolder(run.folder).prediction_path(cell), skeleton.n_joints) for cell in cells}


def choose_image(dataset: Dataset, cells: Sequence[Cell], all_found: Sequence[Found]) -> int:
    """Return the index of the image on which the runs lose most between clean and the other cells.

    Images without a large person are passed over, if there are others.
    """
    drops: dict[int, tuple[bool, float]] = {}  # by image: whether somebody is large, and the OKS that is lost
    for index in range(len(dataset)):
        truth = dataset.truth(index)
        if len(counted_people(truth)):
            oks = [
                [mean_oks(poses_in(found, cell, truth), truth, dataset.skeleton) for found in all_found]
                for cell in cells
            ]
            means = np.mean(oks, axis=1)
            drops[index] = has_large_person(truth), float(means[0] - np.mean(means[1:]))
    if not drops:
        raise UserError("nobody in the dataset has annotated joints: there is nothing to show")
    return max(drops, key=lambda index: drops[index])


def find_large_person(dataset: Dataset) -> int:
    """Return the index of the first image with a large person, or 0 if there is none."""
    return next((index for index in range(len(dataset)) if has_large_person(dataset.truth(index))), 0)


def draw_examples(
    runs: Sequence[Run],
    dataset: Dataset,
    corrupted_images: Mapping[Path, CorruptedImages],
    index: int,
    cells: Sequence[Cell],
    founds: Sequence[Found],
) -> Figure:
    """Return the figure of one image in cells, clean first, with the poses that each run found.

    `corrupted_images` tells by run folder where the corrupted images come from; `index` is the image's in the dataset.
    """
    rows = [TileRow(run.label, corrupted_images[run.folder], found) for run, found in zip(runs, founds, strict=True)]
    frame, truth = frame_to_corrupt(dataset, index), dataset.truth(index)
    return draw_tiles(rows, [cells], frame, truth, dataset.skeleton, 1 + N_CORRUPTED)
