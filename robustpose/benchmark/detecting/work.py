"""The work of detecting: a chunk of images through its cells, boxes first, then poses in them, each image made once.

Poses are found twice in every corrupted cell: in the boxes of the clean image, and in those of the cell. Boxes are
those that a detection file would hold, so that a bench with that file finds the same poses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from robustpose.benchmark.carrying import list_pieces
from robustpose.benchmark.detecting.makers import MakeDetector, categories_of
from robustpose.benchmark.elsewhere import States, compare_states, states_of
from robustpose.benchmark.job import Job
from robustpose.benchmark.predict import Predicting
from robustpose.carried import Carried
from robustpose.data.found_boxes import look_with, round_boxes, share_image
from robustpose.errors import UserError
from robustpose.evaluation import get_frames, predict
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.types import Frame, Poses
from robustpose.progress import Piece
from robustpose.results.run_folder import RunFolder
from robustpose.work import Chunk

DETECTIONS, CLEAN_DET, CORRUPT_DET = "detections", "clean-det", "corrupt-det"
STAGE = "pass"  # folder of what is made while cells are unfinished


class Task(NamedTuple):
    """Images, and the cells that they lack; and their boxes on clean images, where these are known."""

    chunk: Chunk
    cells: Sequence[Cell]
    of_clean: tuple[Poses, ...] | None = None


class Found(NamedTuple):
    """What was found in one chunk of images in one cell: boxes, and poses in those of the clean image and in them."""

    cell: Cell
    number: int  # of the chunk
    boxes: list[Poses]
    poses: tuple[list[Poses], list[Poses]] | None  # clean-det, corrupt-det; None where only boxes are wanted


class Lookers(NamedTuple):
    """Who looks at images."""

    detector: Estimator
    estimator: Estimator | None = None  # None where only boxes are wanted
    min_score: float = 0.0  # boxes below it are in the file, and no pose is looked for in them
    n_categories: int = 1  # of the dataset


class Opened(NamedTuple):
    """What a process needs."""

    dataset: Dataset
    lookers: Lookers


@dataclass(frozen=True)
class Detecting:
    """The work of detecting: a result for every chunk in every cell."""

    job: Job
    make_detector: MakeDetector
    with_poses: bool = False
    min_score: float = 0.0  # see `Lookers`
    states: States = field(default_factory=dict)  # that decide what is found, in the process that shares out
    detector_states: States = field(default_factory=dict)
    cells: Sequence[Cell] = ()

    def open(self) -> Opened:
        """Open the dataset, and make detector and estimator; DiffersError if they are others in this process."""
        if self.with_poses:
            dataset, estimator = Predicting(self.job, self.states, self.cells).open()
        else:
            dataset, estimator = self.job.make_dataset(), None
        detector = self.make_detector(categories_of(dataset))
        if self.detector_states:
            compare_states(self.detector_states, states_of(detector))
        return Opened(dataset, Lookers(detector, estimator, self.min_score, len(dataset.category_ids)))

    def kinds(self, task: Task) -> list[Piece]:
        """Return the corruption of each cell, whose images are counted: they differ in time by a factor of ten."""
        return list_pieces(task.cells, len(task.chunk.indices))

    def part(self, task: Task, start: int, stop: int) -> Task:
        """Return the chunk with some of its cells."""
        return task._replace(cells=task.cells[start:stop])

    def do(self, opened: Opened, task: Task) -> Iterator[Found]:
        """Look at a chunk in its cells."""
        frames = get_frames(opened.dataset, task.chunk.indices, task.cells)
        in_cells = ([self.job.corrupted_images.frame_in(frame, cell) for frame in frames] for cell in task.cells)
        yield from look(opened.lookers, task, frames, in_cells)

    def keep(self, found: Found) -> None:
        """Write what was found."""
        boxes, *of_poses = stage_folders(self.job.out)
        for folder, poses in zip(of_poses, found.poses or (), strict=False):
            folder.write_unit(found.cell, found.number, poses)
        boxes.write_unit(found.cell, found.number, found.boxes)  # last: a chunk with its boxes has its poses

    def carry(self, opened: Opened) -> Carried:
        """Return this work for other machines: each task with its frames, once with all of them the models' files."""
        from robustpose.benchmark.detecting.carrying import carry_detecting

        return carry_detecting(self, opened)


def look(lookers: Lookers, task: Task, frames: Sequence[Frame], in_cells: Iterable[Sequence[Frame]]) -> Iterator[Found]:
    """Yield what is found in each cell of a task; `frames` are those of the clean images.

    Boxes on clean images are found first where poses are looked for in them and nobody knows them.
    """
    detector, estimator, min_score, n_categories = lookers
    of_clean = None if task.of_clean is None else list(task.of_clean)
    if estimator is not None and of_clean is None:
        of_clean = detect(frames, detector, n_categories)
    for cell, of_cell in zip(task.cells, in_cells, strict=True):
        boxes = of_clean if cell == CLEAN and of_clean is not None else detect(of_cell, detector, n_categories)
        if estimator is None or of_clean is None:
            yield Found(cell, task.chunk.number, boxes, None)
            continue
        poses = []
        for each in [of_clean] if cell == CLEAN else [of_clean, boxes]:
            looked_at = [look_with(frame, found, min_score) for frame, found in zip(of_cell, each, strict=True)]
            poses.append(predict(looked_at, estimator, n_categories))
        yield Found(cell, task.chunk.number, boxes, (poses[0], poses[-1]))


def detect(frames: Sequence[Frame], detector: Estimator, n_categories: int = 1) -> list[Poses]:
    """Return the boxes in each frame, as detection files keep them. The detector sees no box of the frame."""
    found = predict([share_image(frame) for frame in frames], detector, n_categories)
    if n_categories > 1 and any(len(boxes.score) and boxes.categories is None for boxes in found):
        raise UserError(
            f"the data are of {n_categories} categories, and the detector does not say of which each box is: return "
            "(N, 6) with the number of a class and name the classes (names), or look for one with --category NAME"
        )
    return [round_boxes(boxes) for boxes in found]


def stage_folders(out: Path) -> tuple[RunFolder, RunFolder, RunFolder]:
    """Return where boxes, and poses in the two kinds of boxes, are while cells are unfinished."""
    one, two, three = (RunFolder(out / STAGE / name) for name in (DETECTIONS, CLEAN_DET, CORRUPT_DET))
    return one, two, three
