"""Scoring: predictions files of finished cells against the truth, a cell a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from robustpose.benchmark.elsewhere import States, check_data_here, or_alone
from robustpose.benchmark.job import Job, OpenedData, read_truths
from robustpose.data.identity import know_dataset
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import ScoreTable
from robustpose.pose.results_json import check_truth_rows, read_results
from robustpose.pose.types import Floats, no_poses
from robustpose.progress import Piece, Progress
from robustpose.results.cell_score import CellScore, score_cell
from robustpose.results.resampling import draw_weights
from robustpose.results.run_folder import RunFolder
from robustpose.work import Engine, do_tasks

WORTH_A_PROCESS = 4000  # images × cells a process: below, starting one takes longer than what it saves


class ScoredCell(NamedTuple):
    """A cell's score, and its matches as they are written; None for a metric without."""

    score: CellScore
    table: ScoreTable | None
    quality: Floats | None


@dataclass(frozen=True)
class Scoring:
    """The work of scoring: a result for every cell."""

    job: Job
    n_resamples: int  # of the images, for intervals and slices; 0 for neither
    with_slices: bool = True  # whether slices, joints and calibration are wanted, where there are resamples
    states: States = field(default_factory=dict)  # that decide what is scored, in the process that shares out

    def open(self) -> OpenedData:
        """Open the dataset with its truth; DiffersError if they are others in this process."""
        dataset = self.job.make_dataset()
        check_data_here(self.states, dataset)
        return read_truths(dataset)

    def kinds(self, cell: Cell) -> list[Piece]:
        """Return that cells take about the same time."""
        return [Piece("cell", note=cell.key)]

    def part(self, cell: Cell, start: int, stop: int) -> Cell:
        """Return the cell: it is one result."""
        return cell

    def do(self, data: OpenedData, cell: Cell) -> Iterator[ScoredCell]:
        """Score the predictions in a cell."""
        n_joints, folder = data.dataset.skeleton.n_joints, RunFolder(self.job.out)
        found = read_results(folder.prediction_path(cell), n_joints)
        check_truth_rows(found, data.truths, folder.prediction_path(cell))
        poses = [found.get(truth.image_id) or no_poses(truth.image_id, n_joints) for truth in data.truths]
        weights = draw_weights(len(data.truths), self.n_resamples) if self.n_resamples else None
        slices = data.slices if self.with_slices and self.n_resamples else None
        score, matches = score_cell(cell, poses, data.truths, data.make_metric(), slices, weights)
        if matches is None:
            yield ScoredCell(score, None, None)
        else:
            yield ScoredCell(score, matches.table(), matches.quality())

    def keep(self, scored: ScoredCell) -> CellScore:
        """Write a cell's matches, and return its score."""
        if scored.table is not None and scored.quality is not None:
            RunFolder(self.job.out).write_matches(scored.score.cell, scored.table, scored.quality)
        return scored.score


def count_processes(n_images: int, n_cells: int, n_workers: int) -> int:
    """Return how many of the workers are worth starting."""
    return min(n_workers, n_cells, max(n_images * n_cells // WORTH_A_PROCESS, 1))


def score_cells(
    scoring: Scoring, data: OpenedData, cells: Sequence[Cell], engine: Engine, on_progress: Callable[[Progress], None]
) -> dict[Cell, CellScore]:
    """Return the score of every cell, whose predictions are there, in their order, and write the cells' matches."""
    engine = engine.at_most(count_processes(len(data.truths), len(cells), engine.n_workers))
    scoring = replace(scoring, states=know_dataset(data.dataset)[1])

    def share_out(engine: Engine) -> Iterator[CellScore]:
        yield from do_tasks(scoring, cells, engine, on_progress, opened=data)

    scores = {score.cell: score for score in or_alone(share_out, engine)}
    return {cell: scores[cell] for cell in cells}
