"""Predicting on machines that see none of this one's files: each task brings its frames, with encoded images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from robustpose.benchmark.elsewhere import States, compare_states, describe_predicting
from robustpose.benchmark.job import Job
from robustpose.carried import Carried, Files, naming_originals
from robustpose.data.carrying import pack_frames, unpack_frames
from robustpose.data.corrupted import CorruptedImages
from robustpose.evaluation import get_frames, predict
from robustpose.expected import Expected, expect
from robustpose.main_module import names_main
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, Poses
from robustpose.progress import Piece
from robustpose.work import Chunk


class PackedFrames(NamedTuple):
    """The frames of a chunk of images in some cells."""

    number: int  # of the chunk
    n_images: int
    cells: tuple[Cell, ...]
    frames: bytes  # a group of frames for each cell


class Unit(NamedTuple):
    """The poses of one chunk of images in one cell."""

    cell: Cell
    number: int  # of the chunk
    poses: list[Poses]


@dataclass(frozen=True)
class PredictingElsewhere:
    """The work of predicting, on machines that see none of the files of the one that shares it out."""

    skeleton: Skeleton
    make_estimator: Callable[[Skeleton], Estimator]
    images: CorruptedImages
    cells: Sequence[Cell]
    expected: Expected
    states: States
    n_categories: int  # of the dataset
    with_code: bool  # whether the estimator's code is found there, and compared; else it is sent

    def open(self) -> Estimator:
        """Make the estimator; UserError, or DiffersError, where it would find other numbers here."""
        self.expected.prepare_here()
        with naming_originals():
            estimator = self.make_estimator(self.skeleton)
            about, states = describe_predicting(estimator, self.images, self.cells, self.with_code)
            self.expected.check_here(about)
        compare_states(self.states, states)
        return estimator

    def kinds(self, task: PackedFrames) -> list[Piece]:
        """Return the corruption of each cell, whose images are counted."""
        return list_pieces(task.cells, task.n_images)

    def do(self, estimator: Estimator, task: PackedFrames) -> Iterator[Unit]:
        """Predict the frames of each cell."""
        with naming_originals():
            for cell, frames in zip(task.cells, unpack_frames(task.frames), strict=True):
                yield Unit(cell, task.number, predict(frames, estimator, self.n_categories))


def list_pieces(cells: Sequence[Cell], n_images: int) -> list[Piece]:
    """Return the corruption of each cell of a task, whose images are counted: they differ in time by ten times."""
    return [Piece(cell.corruption, n_images, cell.key) for cell in cells]


def frames_in(dataset: Dataset, images: CorruptedImages, frames: Sequence[Frame], cell: Cell) -> list[Frame]:
    """Return clean frames as they are in a cell, with the boxes that they have there."""
    return [dataset.boxes_in(images.frame_in(frame, cell)) for frame in frames]


def carry_predicting(job: Job, dataset: Dataset, estimator: Estimator, cells: Sequence[Cell]) -> Carried:
    """Return the work of predicting some cells, carried: see `robustpose.carried`."""
    make_estimator, files_of_model = carry_maker(job.make_estimator)
    images, files_of_images = job.corrupted_images.carry(cells)

    def pack(task: tuple[Chunk, Sequence[Cell]]) -> PackedFrames:
        (number, indices), of_task = task
        frames = get_frames(dataset, indices, of_task)
        groups = (frames_in(dataset, images, frames, cell) for cell in of_task)
        return PackedFrames(number, len(indices), tuple(of_task), pack_frames(groups))

    with_code = not names_main(make_estimator)
    about, states = describe_predicting(estimator, job.corrupted_images, cells, with_code)
    work = PredictingElsewhere(
        dataset.skeleton,
        make_estimator,
        images,
        tuple(cells),
        expect(about),
        states,
        n_categories=len(dataset.category_ids),
        with_code=with_code,
    )
    return Carried(work, pack, {**files_of_model, **files_of_images})


def carry_maker(make_estimator: Callable[[Skeleton], Estimator]) -> tuple[Callable[[Skeleton], Estimator], Files]:
    """Return what makes the estimator elsewhere, and the files that it takes; of somebody's own, it goes as it is."""
    carry = getattr(make_estimator, "carry", None)
    return (make_estimator, {}) if carry is None else carry()
