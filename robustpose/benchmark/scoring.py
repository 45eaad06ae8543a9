"""Scoring: predictions files of finished cells against the truth, a cell a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from robustpose.benchmark.elsewhere import States, check_data_here, compare_states, describe_metric, or_alone
from robustpose.benchmark.job import Job, OpenedData, hold_against_clean, read_truths
from robustpose.carried import Carried
from robustpose.data.identity import know_dataset
from robustpose.expected import Expected, expect
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, ScoreTable
from robustpose.pose.results_json import RESULTS, check_truth_rows, read_results
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, ImageId, Truth, no_poses
from robustpose.progress import Piece, Progress
from robustpose.reading import read_json_bytes
from robustpose.results.cell_score import CellScore, score_cell
from robustpose.results.resampling import draw_if_any
from robustpose.results.run_folder import RunFolder
from robustpose.work import Engine, do_tasks

WORTH_A_PROCESS = 4000  # images × cells a process: below, starting one takes longer than what it saves


class ScoredCell(NamedTuple):
    """A cell's score, and its matches as they are written; None for a metric without."""

    score: CellScore
    table: ScoreTable | None
    quality: Floats | None


class Predictions(NamedTuple):
    """The predictions file of a cell, and its content where it is on another machine."""

    cell: Cell
    path: Path
    content: bytes | None = None


@dataclass(frozen=True, eq=False)
class TruthAlone(Dataset):
    """What is annotated in images that are on another machine."""

    skeleton: Skeleton
    metric: str
    truths: tuple[Truth, ...]
    category_ids: Sequence[ImageId]
    category_names: Sequence[str]

    def __len__(self) -> int:
        return len(self.truths)

    def frame(self, index: int) -> Frame:
        raise TypeError("images are not sent where poses are scored")

    def truth(self, index: int) -> Truth:
        """Return what is annotated in image `index`."""
        return self.truths[index]


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
        return hold_against_clean(read_truths(dataset), self.job.out)

    def kinds(self, cell: Cell) -> list[Piece]:
        """Return that cells take about the same time."""
        return list_pieces(cell)

    def part(self, cell: Cell, start: int, stop: int) -> Cell:
        """Return the cell: it is one result."""
        return cell

    def do(self, data: OpenedData, cell: Cell) -> Iterator[ScoredCell]:
        """Score the predictions in a cell."""
        predictions = Predictions(cell, RunFolder(self.job.out).prediction_path(cell))
        yield score_predictions(predictions, data, self.n_resamples, self.with_slices)

    def keep(self, scored: ScoredCell) -> CellScore:
        """Write a cell's matches, and return its score without the tables that are in its file now."""
        score = scored.score
        if scored.table is not None and scored.quality is not None:
            RunFolder(self.job.out).write_matches(score.cell, scored.table, scored.quality, score.cut_tables)
        return replace(score, cut_tables=())

    def carry(self, data: OpenedData) -> Carried:
        """Return this work for other machines: the truth once, and each cell with its predictions."""
        of, truths = data.dataset, tuple(data.truths)
        truth = TruthAlone(of.skeleton, of.metric, truths, tuple(of.category_ids), tuple(of.category_names))
        path_of = RunFolder(self.job.out).prediction_path

        def pack(cell: Cell) -> Predictions:
            return Predictions(cell, path_of(cell), read_json_bytes(path_of(cell), RESULTS))

        about, states = describe_metric(truth)
        work = ScoringElsewhere(truth, self.n_resamples, self.with_slices, expect(about), states)
        return Carried(work, pack, {})


@dataclass(frozen=True)
class ScoringElsewhere:
    """The work of scoring, on machines that see none of the files of the one that shares it out."""

    truth: TruthAlone
    n_resamples: int
    with_slices: bool
    expected: Expected
    states: States

    def open(self) -> OpenedData:
        """Return the truth; UserError, or DiffersError, where the metric would find other numbers here."""
        self.expected.prepare_here()
        about, states = describe_metric(self.truth)
        self.expected.check_here(about)
        compare_states(self.states, states)
        return OpenedData(self.truth, self.truth.truths)

    def kinds(self, task: Predictions) -> list[Piece]:
        """Return that cells take about the same time."""
        return list_pieces(task.cell)

    def do(self, data: OpenedData, task: Predictions) -> Iterator[ScoredCell]:
        """Score the predictions in a cell."""
        yield score_predictions(task, data, self.n_resamples, self.with_slices)


def list_pieces(cell: Cell) -> list[Piece]:
    """Return that cells take about the same time."""
    return [Piece("cell", note=cell.key)]


def score_predictions(
    predictions: Predictions, data: OpenedData, n_resamples: int, with_slices: bool = True
) -> ScoredCell:
    """Return the score of the predictions in a cell."""
    cell, path, content = predictions
    n_joints = data.dataset.skeleton.n_joints
    found = read_results(path, n_joints, content, data.dataset.category_ids)
    if not any(truth.clean_poses for truth in data.truths):  # of whom no pose is said to be
        check_truth_rows(found, data.truths, path)
    poses = [found.get(truth.image_id) or no_poses(truth.image_id, n_joints) for truth in data.truths]
    weights = draw_if_any(len(data.truths), n_resamples)
    slices = data.slices if with_slices and weights is not None else None
    cuts = data.cuts if with_slices else ()
    score, matches = score_cell(cell, poses, data.truths, data.make_metric(), slices, weights, cuts)
    return ScoredCell(score, *((None, None) if matches is None else (matches.table(), matches.quality())))


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
