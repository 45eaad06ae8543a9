"""Scoring: predictions files of finished cells against the truth, a cell a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from robustpose.bench.job import Job, OpenedData, read_truths
from robustpose.metrics import make_metric
from robustpose.pose.cell import Cell
from robustpose.pose.results_json import read_results
from robustpose.pose.types import no_poses
from robustpose.progress import Progress
from robustpose.results.cell_score import CellScore, Slices, cut_people, score_cell
from robustpose.results.matches import write_matches
from robustpose.results.resampling import draw_weights
from robustpose.results.run_folder import RunFolder
from robustpose.work import do_tasks

WORTH_A_PROCESS = 4000  # images × cells a process: below, starting one takes longer than what it saves


@dataclass(frozen=True)
class Scoring:
    """The work of scoring: a result for every cell.

    Attributes:
        job: the run folder, and how to open the data.
        n_resamples: of the images, for intervals and slices; 0 for neither.
        with_slices: whether slices, joints and calibration are wanted, where there are resamples.
    """

    job: Job
    n_resamples: int
    with_slices: bool = True

    def open(self) -> tuple[OpenedData, Slices | None]:
        """Open the dataset with its truth, and cut its people into slices."""
        return self.cut(read_truths(self.job.make_dataset()))

    def cut(self, data: OpenedData) -> tuple[OpenedData, Slices | None]:
        """Return the data with the slices of their people, if they are wanted."""
        wanted = self.with_slices and self.n_resamples > 0
        return data, cut_people(data.truths, data.dataset.skeleton.n_joints) if wanted else None

    def kinds(self, cell: Cell) -> list[str]:
        """Return that cells take about the same time."""
        return ["cell"]

    def do(self, opened: tuple[OpenedData, Slices | None], cell: Cell) -> Iterator[CellScore]:
        """Score the predictions in a cell, and write its matches."""
        data, slices = opened
        skeleton, folder = data.dataset.skeleton, RunFolder(self.job.out)
        found = read_results(folder.prediction_path(cell), skeleton.n_joints)
        poses = [found.get(truth.image_id) or no_poses(truth.image_id, skeleton.n_joints) for truth in data.truths]
        weights = draw_weights(len(data.truths), self.n_resamples) if self.n_resamples else None
        metric = make_metric(data.dataset.metric, skeleton)
        score, matches = score_cell(cell, poses, data.truths, metric, slices, weights)
        if matches is not None:
            write_matches(folder, cell, matches.table(), matches.quality())
        yield score


def score_cells(
    scoring: Scoring, data: OpenedData, cells: Sequence[Cell], n_workers: int, on_progress: Callable[[Progress], None]
) -> dict[Cell, CellScore]:
    """Return the score of every cell, in their order, and write the cells' matches.

    Args:
        scoring: the run folder, and what is wanted.
        data: opened.
        cells: whose predictions are there.
        n_workers: processes at most.
        on_progress: called with how far it is.

    Raises:
        UserError: a predictions file is damaged.
    """
    n_workers = min(n_workers, len(cells), max(len(data.truths) * len(cells) // WORTH_A_PROCESS, 1))
    opened = scoring.cut(data) if n_workers == 1 else None
    scores = {score.cell: score for score in do_tasks(scoring, cells, n_workers, on_progress, opened=opened)}
    return {cell: scores[cell] for cell in cells}
