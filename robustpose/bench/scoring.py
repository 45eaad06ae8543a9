"""Scoring: predictions files of finished cells against the truth, here or shared out over processes, a cell a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

from robustpose.bench.work import Job
from robustpose.metrics import make_metric
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import read_results
from robustpose.pose.types import Truth, no_poses
from robustpose.processes import run_here, run_in_processes
from robustpose.progress import Forecast, Progress
from robustpose.results.cell_score import CellScore, Slices, cut_people, score_cell
from robustpose.results.matches import write_matches
from robustpose.results.resampling import draw_weights
from robustpose.results.run_folder import RunFolder

WORTH_A_PROCESS = 4000  # images × cells a process: below, starting one takes longer than what it saves

_Timed = tuple[CellScore, float]  # and the seconds it took


def score_cells(
    job: Job,
    dataset: Dataset,
    truths: Sequence[Truth],
    cells: Sequence[Cell],
    n_workers: int,
    n_resamples: int,
    on_progress: Callable[[Progress], None],
    with_slices: bool = True,
) -> dict[Cell, CellScore]:
    """Return the score of every cell, and write the cells' matches.

    Args:
        job: the run folder and how to open the data.
        dataset: the data, opened.
        truths: of every image.
        cells: whose predictions are there.
        n_workers: processes at most.
        n_resamples: for intervals and slices; 0 for neither.
        on_progress: called with how far it is.
        with_slices: whether slices, joints and calibration are wanted, where there are resamples.

    Raises:
        UserError: a predictions file is damaged.
    """
    n_workers = min(n_workers, len(cells), max(len(truths) * len(cells) // WORTH_A_PROCESS, 1))
    forecast = Forecast(["cell"] * len(cells), 0, n_workers)
    on_progress(forecast.now())
    todo = [(cell,) for cell in cells]
    if n_workers == 1:
        slices = cut_people(truths, dataset.skeleton.n_joints) if with_slices and n_resamples else None
        results = run_here(partial(_score, RunFolder(job.out), dataset, truths, slices, n_resamples), todo)
    else:
        results = run_in_processes(partial(_open_and_score, job, n_resamples, with_slices), todo, n_workers)
    scores = {}
    for score, seconds in results:
        scores[score.cell] = score
        on_progress(forecast.update("cell", seconds))
    return {cell: scores[cell] for cell in cells}


def _score(
    folder: RunFolder,
    dataset: Dataset,
    truths: Sequence[Truth],
    slices: Slices | None,
    n_resamples: int,
    cell: Cell,
) -> Iterator[_Timed]:
    start = time.perf_counter()
    n_joints = dataset.skeleton.n_joints
    found = read_results(folder.prediction_path(cell), n_joints)
    poses = [found.get(truth.image_id) or no_poses(truth.image_id, n_joints) for truth in truths]
    weights = draw_weights(len(truths), n_resamples) if n_resamples else None
    score, matches = score_cell(cell, poses, truths, make_metric(dataset.metric, dataset.skeleton), slices, weights)
    if matches is not None:
        write_matches(folder, cell, matches.table(), matches.quality())
    yield score, time.perf_counter() - start


def _open_and_score(job: Job, n_resamples: int, with_slices: bool, cell: Cell) -> Iterator[_Timed]:
    dataset, truths, slices = _open(job, with_slices and n_resamples > 0)
    return _score(RunFolder(job.out), dataset, truths, slices, n_resamples, cell)


@cache  # once a process
def _open(job: Job, with_slices: bool) -> tuple[Dataset, list[Truth], Slices | None]:
    dataset = job.make_dataset()
    truths = [dataset.truth(index) for index in range(len(dataset))]
    return dataset, truths, cut_people(truths, dataset.skeleton.n_joints) if with_slices else None
