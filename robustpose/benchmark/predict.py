"""Predict: chunks of images through all their cells, then each cell's units gathered into its predictions file.

The images of a chunk are decoded once and corrupted for every cell that lacks them. The poses of one chunk in one cell
are a unit: a file that is written when it is finished, and never made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from robustpose.benchmark.carrying import Unit, carry_predicting, frames_in, list_pieces
from robustpose.benchmark.chunks import find_chunks
from robustpose.benchmark.elsewhere import States, check_here, or_alone
from robustpose.benchmark.job import Job, OpenedData, Prepared
from robustpose.carried import Carried
from robustpose.errors import UserError
from robustpose.evaluation import get_frames, predict
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.results_json import write_results
from robustpose.progress import Piece, Progress
from robustpose.results.inputs import write_inputs
from robustpose.results.run_folder import DamagedUnit, RunFolder
from robustpose.work import Chunk, Engine, Processes, do_tasks

Task = tuple[Chunk, Sequence[Cell]]  # images, and the cells whose units they lack


@dataclass(frozen=True)
class Predicting:
    """The work of predicting: a result for every unit that is written."""

    job: Job
    states: States = field(default_factory=dict)  # that decide what is predicted, in the process that shares out
    cells: Sequence[Cell] = ()

    def open(self) -> tuple[Dataset, Estimator]:
        """Open the dataset, and make the estimator; DiffersError if they are others in this process."""
        dataset = self.job.make_dataset()
        estimator = self.job.make_estimator(dataset.skeleton)
        if self.states:
            check_here(self.states, dataset, estimator, self.job.corrupted_images, self.cells)
        return dataset, estimator

    def kinds(self, task: Task) -> list[Piece]:
        """Return the corruption of each unit, whose images are counted: they differ in time by a factor of ten."""
        (_, indices), cells = task
        return list_pieces(cells, len(indices))

    def part(self, task: Task, start: int, stop: int) -> Task:
        """Return the chunk with some of its cells."""
        chunk, cells = task
        return chunk, cells[start:stop]

    def do(self, opened: tuple[Dataset, Estimator], task: Task) -> Iterator[Unit]:
        """Predict a chunk in its cells."""
        dataset, estimator = opened
        (number, indices), cells = task
        frames = get_frames(dataset, indices, cells)
        for cell in cells:
            in_cell = frames_in(dataset, self.job.corrupted_images, frames, cell)
            yield Unit(cell, number, predict(in_cell, estimator, len(dataset.category_ids)))

    def keep(self, unit: Unit) -> None:
        """Write a unit."""
        RunFolder(self.job.out).write_unit(*unit)

    def carry(self, opened: tuple[Dataset, Estimator]) -> Carried:
        """Return this work for other machines: each task with its frames, once with all of them the model's files."""
        return carry_predicting(self.job, *opened, self.cells)


def predict_cells(prepared: Prepared, engine: Engine, on_progress: Callable[[Progress], None]) -> None:
    """Bring all cells' predictions into the run folder, which is claimed by the caller.

    Raises:
        UserError: a mistake in the data, or the disk fails. Finished units stay.
    """
    folder = RunFolder(prepared.job.out)
    chunks = find_chunks(folder, len(prepared.data.dataset), prepared.estimator.images_per_group)
    for _ in range(2):  # a unit that the disk has damaged is noticed when it is gathered: then it is made again
        unfinished = [cell for cell in prepared.cells if not folder.prediction_path(cell).is_file()]
        folder.drop_units(set(prepared.cells).difference(unfinished))  # of a process that was killed at that

        n_total = len(prepared.cells) * len(prepared.data.dataset)
        predict_units(prepared, partial(list_tasks, folder, unfinished, chunks), n_total, engine, on_progress)
        damaged = [cell for cell in unfinished if not gather_cell(folder, cell, chunks, prepared.data)]
        if not damaged:
            break
    else:
        raise UserError(f"what is written to {folder.path} cannot be read again ({damaged[0].key}): check the disk")
    if prepared.job.inputs is not None:
        write_inputs(prepared.job.out, prepared.job.inputs)


def predict_units(
    prepared: Prepared,
    list_todo: Callable[[], Sequence[Task]],
    n_total: int,
    engine: Engine,
    on_progress: Callable[[Progress], None],
) -> None:
    """Predict the units that `list_todo` returns when it is called, of so many images × cells in all."""
    engine = engine if prepared.estimator.needs_images else Processes(1)  # reading results takes no time
    opened = prepared.data.dataset, prepared.estimator

    def share_out(engine: Engine) -> Iterator[None]:
        todo = list_todo()
        work = Predicting(prepared.job, prepared.states, prepared.cells)
        yield from do_tasks(work, todo, engine, on_progress, n_total - count_images(todo), opened)

    for _ in or_alone(share_out, engine):
        pass


def list_tasks(folder: RunFolder, unfinished: Sequence[Cell], chunks: Sequence[Chunk]) -> list[Task]:
    """Return the chunks that lack units of unfinished cells, each with these cells."""
    lacking = [(c, [cell for cell in unfinished if not folder.unit_path(cell, c.number).is_file()]) for c in chunks]
    return [(chunk, cells) for chunk, cells in lacking if cells]


def count_images(tasks: Sequence[Task]) -> int:
    """Return the number of images × cells of tasks."""
    return sum(len(indices) * len(cells) for (_, indices), cells in tasks)


def gather_cell(folder: RunFolder, cell: Cell, chunks: Sequence[Chunk], data: OpenedData) -> bool:
    """Turn a cell's units into its predictions file. If units are damaged, remove them instead and return False."""
    poses, is_whole = [], True
    for number, indices in chunks:
        try:
            poses += folder.read_unit(cell, number, data.truths[indices.start : indices.stop])
        except DamagedUnit:
            is_whole = False
            folder.unit_path(cell, number).unlink(missing_ok=True)
    if is_whole:
        write_results(folder.prediction_path(cell), poses, data.dataset.category_ids)
        folder.drop_units([cell])
    return is_whole
