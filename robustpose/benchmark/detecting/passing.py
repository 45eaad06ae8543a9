"""The pass: units of what was found, chunk by chunk, and then the files of each finished cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from robustpose.benchmark.detecting.folder import drop_stage, file_of, move_in
from robustpose.benchmark.detecting.prepared import PreparedDetector
from robustpose.benchmark.detecting.work import (
    CLEAN_DET,
    CORRUPT_DET,
    DETECTIONS,
    Detecting,
    Lookers,
    Opened,
    Task,
    stage_folders,
)
from robustpose.benchmark.elsewhere import or_alone
from robustpose.benchmark.job import Prepared
from robustpose.benchmark.predict import gather_cell
from robustpose.data.found_boxes import read_found, round_boxes, write_detections
from robustpose.errors import UserError
from robustpose.pose.box_poses import BOX
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Poses, Truth
from robustpose.progress import Progress
from robustpose.results.run_folder import DamagedUnit, RunFolder
from robustpose.work import Chunk, Engine, cut_chunks, do_tasks


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass over the images makes, and where it goes."""

    detecting: PreparedDetector
    posing: Prepared | None = None  # None where only boxes are wanted
    min_score: float = 0.0  # of boxes that poses are looked for in

    @property
    def out(self) -> Path:
        """Return the folder that is claimed."""
        return self.detecting.job.job.out

    @property
    def detections(self) -> Path:
        """Return the folder of detection files."""
        return self.out if self.posing is None else self.out / DETECTIONS

    @cached_property
    def chunks(self) -> list[Chunk]:
        """Return the images that are worked on together."""
        per_group = 1 if self.posing is None else self.posing.estimator.images_per_group
        return cut_chunks(len(self.detecting.data.truths), per_group)

    @cached_property
    def nobody(self) -> list[Truth]:
        """Return for each image a truth without anybody, with the joints of `BOX`: what units of boxes are of."""
        n = BOX.n_joints
        empty = np.zeros((0, n, 2)), np.zeros((0, n), int), np.zeros(0), np.zeros((0, 4)), np.zeros(0, bool)
        return [Truth(image_id, *empty) for image_id in self.detecting.image_ids]

    @property
    def opened(self) -> Opened:
        """Return what this process needs to look at images."""
        detecting, posing = self.detecting, self.posing
        dataset = detecting.dataset if posing is None else posing.data.dataset
        estimator = None if posing is None else posing.estimator
        return Opened(dataset, Lookers(detecting.detector, estimator, self.min_score, len(dataset.category_ids)))

    def files_of(self, cell: Cell) -> list[tuple[Path, Path]]:
        """Return each file of a cell: where it is staged, and its place."""
        boxes, *of_poses = stage_folders(self.out)
        files = [(boxes.prediction_path(cell), file_of(self.detections, cell))]
        if self.posing is not None:
            for staged, name in zip(of_poses, (CLEAN_DET, CORRUPT_DET), strict=True):
                files.append((staged.prediction_path(cell), RunFolder(self.out / name).prediction_path(cell)))
        return files

    def list_unfinished(self) -> list[Cell]:
        """Return the cells that lack a file."""
        cells = self.detecting.cells
        return [cell for cell in cells if not all(a.is_file() or b.is_file() for a, b in self.files_of(cell))]

    def list_tasks(self, unfinished: Sequence[Cell]) -> list[Task]:
        """Return the chunks that lack units of unfinished cells, each with these cells."""
        boxes, tasks = stage_folders(self.out)[0], []
        for chunk in self.chunks:
            cells = [cell for cell in unfinished if not boxes.unit_path(cell, chunk.number).is_file()]
            if cells:
                tasks.append(Task(chunk, cells, self._find_boxes_of_clean(chunk)))
        return tasks

    def _find_boxes_of_clean(self, chunk: Chunk) -> tuple[Poses, ...] | None:
        """Return what was found on the clean images of a chunk before; None if that is to be found."""
        here = slice(chunk.indices.start, chunk.indices.stop)
        if self.posing is None:
            return None
        if self._boxes_of_clean is not None:
            return tuple(self._boxes_of_clean[here])
        try:
            return tuple(self.read_boxes(CLEAN, chunk))
        except DamagedUnit:
            return None

    @cached_property
    def _boxes_of_clean(self) -> list[Poses] | None:
        """Return the boxes of the file of clean images, if it is there."""
        path = next((path for path in self.files_of(CLEAN)[0] if path.is_file()), None)
        return None if path is None else read_found(path, self.detecting.image_ids, self.detecting.dataset.category_ids)

    def read_boxes(self, cell: Cell, chunk: Chunk) -> list[Poses]:
        """Return the boxes of a unit; DamagedUnit if it is not there or does not hold them."""
        truths = self.nobody[chunk.indices.start : chunk.indices.stop]
        unit = stage_folders(self.out)[0].read_unit(cell, chunk.number, truths)
        return [round_boxes(found) for found in unit]

    def gather(self, cell: Cell) -> bool:
        """Turn a cell's units into staged files. If units are damaged, remove them instead and return False."""
        boxes, *of_poses = stage_folders(self.out)
        found, is_whole = [], True
        for chunk in self.chunks:
            try:
                found += self.read_boxes(cell, chunk)
            except DamagedUnit:
                is_whole = False
                boxes.unit_path(cell, chunk.number).unlink(missing_ok=True)
        if self.posing is not None:
            for folder in of_poses:
                if not folder.prediction_path(cell).is_file() and not gather_cell(
                    folder, cell, self.chunks, self.posing.data
                ):
                    is_whole = False
                    self._forget(cell, folder)
        if is_whole:
            write_detections(boxes.prediction_path(cell), found, self.detecting.dataset.category_ids)
            boxes.drop_units([cell])
        return is_whole

    def _forget(self, cell: Cell, folder: RunFolder) -> None:
        """Remove the boxes of the chunks whose poses were damaged, which have gone: the chunks are looked at again."""
        for chunk in self.chunks:
            if not folder.unit_path(cell, chunk.number).is_file():
                stage_folders(self.out)[0].unit_path(cell, chunk.number).unlink(missing_ok=True)

    def finish(self, which: int) -> None:
        """Put the finished files of one kind, by its place in `files_of`, into their places."""
        for cell in self.detecting.cells:
            move_in(*self.files_of(cell)[which])

    def clean_up(self) -> None:
        """Remove what is no longer needed."""
        drop_stage(self.out, self.detecting.cells)


def run_pass(one: Pass, engine: Engine, on_progress: Callable[[Progress], None]) -> None:
    """Find what is lacking in every cell, and leave it staged. The folder is claimed by the caller.

    Raises:
        UserError: a mistake in the data, or the disk fails. Finished units stay.
    """
    n_total = len(one.detecting.cells) * len(one.detecting.data.truths)
    damaged: list[Cell] = []
    for _ in range(2):  # a unit that the disk has damaged is noticed when it is gathered: then it is made again
        unfinished = one.list_unfinished()
        _do_tasks(one, unfinished, n_total, engine, on_progress)
        damaged = [cell for cell in unfinished if not one.gather(cell)]
        if not damaged:
            return
    raise UserError(f"what is written to {one.out} cannot be read again ({damaged[0].key}): check the disk")


def make_work(one: Pass) -> Detecting:
    """Return the work of a pass."""
    detecting, posing = one.detecting, one.posing
    return Detecting(
        job=detecting.job.job if posing is None else posing.job,  # which may be of fewer joints
        make_detector=detecting.job.make_detector,
        with_poses=posing is not None,
        min_score=one.min_score,
        states={} if posing is None else posing.states,
        detector_states=detecting.detector_states,
        cells=detecting.cells,
    )


def _do_tasks(
    one: Pass, unfinished: Sequence[Cell], n_total: int, engine: Engine, on_progress: Callable[[Progress], None]
) -> None:
    def share_out(engine: Engine) -> Iterator[None]:
        todo = one.list_tasks(unfinished)
        n_todo = sum(len(task.chunk.indices) * len(task.cells) for task in todo)
        yield from do_tasks(make_work(one), todo, engine, on_progress, n_total - n_todo, one.opened)

    for _ in or_alone(share_out, engine):
        pass
