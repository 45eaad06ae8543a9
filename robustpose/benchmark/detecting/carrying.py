"""Detecting on machines that see none of this one's files: each task brings its frames, with encoded images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from robustpose.benchmark.carrying import PredictingElsewhere, carry_maker, list_pieces
from robustpose.benchmark.detecting.makers import MakeDetector, categories_of
from robustpose.benchmark.detecting.work import Detecting, Found, Lookers, Opened, Task, look
from robustpose.benchmark.elsewhere import States, compare_states, describe_predicting
from robustpose.carried import Carried, Files, naming_originals
from robustpose.data.carrying import pack_frames, unpack_frames
from robustpose.data.corrupted import CorruptedImages
from robustpose.evaluation import get_frames
from robustpose.expected import Expected, expect
from robustpose.main_module import names_main
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.skeletons import Skeleton
from robustpose.progress import Piece


class PackedTask(NamedTuple):
    """A task with its frames: a group of the clean ones, then one for each cell."""

    task: Task
    frames: bytes


@dataclass(frozen=True)
class DetectingElsewhere:
    """The work of detecting, on machines that see none of the files of the one that shares it out."""

    categories: Sequence[str]  # names of those of the data
    make_detector: MakeDetector
    images: CorruptedImages
    cells: Sequence[Cell]
    expected: Expected
    states: States
    with_code: bool  # whether the detector's code is found there, and compared; else it is sent
    posing: PredictingElsewhere | None  # what makes the estimator; None where only boxes are wanted
    min_score: float

    def open(self) -> Lookers:
        """Make detector and estimator; UserError, or DiffersError, where they would find other numbers here."""
        self.expected.prepare_here()
        with naming_originals():
            detector = self.make_detector(self.categories)
            about, states = describe_predicting(detector, self.images, self.cells, self.with_code)
            self.expected.check_here(about)
        compare_states(self.states, states)
        estimator = None if self.posing is None else self.posing.open()
        return Lookers(detector, estimator, self.min_score, len(self.categories))

    def kinds(self, packed: PackedTask) -> list[Piece]:
        """Return the corruption of each cell, whose images are counted."""
        return list_pieces(packed.task.cells, len(packed.task.chunk.indices))

    def do(self, lookers: Lookers, packed: PackedTask) -> Iterator[Found]:
        """Look at the frames of each cell."""
        with naming_originals():
            groups = unpack_frames(packed.frames)
            (clean,) = islice(groups, 1)
            yield from look(lookers, packed.task, clean, groups)


def carry_detecting(work: Detecting, opened: Opened) -> Carried:
    """Return the work of detecting some cells, carried: see `robustpose.carried`."""
    dataset, images, cells = opened.dataset, work.job.corrupted_images, tuple(work.cells)
    carried_images, files = images.carry(cells)
    make_detector, files_of_detector = carry_detector(work.make_detector)
    files = {**files, **files_of_detector}
    posing = None
    if opened.lookers.estimator is not None:
        make_estimator, files_of_model = carry_maker(work.job.make_estimator)
        files = {**files, **files_of_model}
        posing = _describe_posing(make_estimator, opened.lookers.estimator, dataset, images, carried_images, cells)

    def pack(task: Task) -> PackedTask:
        frames = get_frames(dataset, task.chunk.indices, task.cells)
        in_cells = ([images.frame_in(frame, cell) for frame in frames] for cell in task.cells)
        return PackedTask(task, pack_frames([frames, *in_cells]))

    with_code = not names_main(make_detector)
    about, states = describe_predicting(opened.lookers.detector, images, cells, with_code)
    elsewhere = DetectingElsewhere(
        categories_of(dataset),
        make_detector,
        carried_images,
        cells,
        expect(about),
        states,
        with_code,
        posing,
        work.min_score,
    )
    return Carried(elsewhere, pack, files)


def carry_detector(make_detector: MakeDetector) -> tuple[MakeDetector, Files]:
    """Return what makes the detector elsewhere, and the files that it takes; of somebody's own, it goes as it is."""
    carry = getattr(make_detector, "carry", None)
    return (make_detector, {}) if carry is None else carry()


def _describe_posing(
    make_estimator: Callable[[Skeleton], Estimator],
    estimator: Estimator,
    dataset: Dataset,
    images: CorruptedImages,
    carried_images: CorruptedImages,
    cells: tuple[Cell, ...],
) -> PredictingElsewhere:
    """Return what makes the estimator elsewhere, and checks it there."""
    with_code, n_categories = not names_main(make_estimator), len(dataset.category_ids)
    about, states = describe_predicting(estimator, images, cells, with_code)
    return PredictingElsewhere(
        dataset.skeleton, make_estimator, carried_images, cells, expect(about), states, n_categories, with_code
    )
