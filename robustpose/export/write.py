"""Write a corrupted set: every image of a dataset in every cell, as files. Started again, it goes on where it was."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from robustpose.carried import Carried
from robustpose.changes import BY_CORRUPTION
from robustpose.corruptions.memory import CANVAS_BYTES
from robustpose.data.carrying import pack_frames, unpack_frames
from robustpose.data.corrupted import CANVAS, CONVENTION, BroughtImages, MadeImages, describe_images
from robustpose.data.corrupted_set import check_choices, place_image
from robustpose.data.image_folder import leads_out
from robustpose.data.images import check_side, encode_image
from robustpose.data.people import frames_to_corrupt, identify_people, note_people
from robustpose.errors import UserError, first_few, show_doubts
from robustpose.expected import Expected, expect
from robustpose.export.estimate import Estimate, check_disk, estimate_work
from robustpose.export.set_folder import SetFolder
from robustpose.files import open_whole
from robustpose.fresh import StartOver
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame
from robustpose.progress import Piece, Progress
from robustpose.versions import PIXELS, versions
from robustpose.work import Engine, Workers, as_engine, do_tasks

Task = tuple[int, Sequence[Cell]]  # index of an image, and the cells that lack it


@dataclass(frozen=True)
class SetJob:
    """The work of writing a set: a result, path and SHA-256, for every image. Can be sent to another process."""

    make_dataset: Callable[[], Dataset]
    corrupted_images: MadeImages
    layout: str  # of `corrupted_set.LAYOUTS`
    image_format: str  # of `corrupted_set.FORMATS`
    out: Path  # folder of the set
    to_load: tuple[str, ...] = ()  # corruptions that a process loads before its first image, which is not to pay for it

    def place(self, frame: Frame, cell: Cell) -> str:
        """Return the path of an image in the set."""
        return place_image(str(frame.file_name), cell, self.layout, self.image_format)

    def open(self) -> Dataset:
        """Open the dataset, and load what the corruptions need."""
        for corruption in self.to_load:
            self.corrupted_images.load(corruption)
        return self.make_dataset()

    def kinds(self, task: Task) -> list[Piece]:
        """Return the corruption of each image: they differ in time by a factor of ten."""
        return list_pieces(task[1])

    def part(self, task: Task, start: int, stop: int) -> Task:
        """Return the image with some of its cells."""
        index, cells = task
        return index, cells[start:stop]

    def do(self, dataset: Dataset, task: Task) -> Iterator[tuple[str, bytes]]:
        """Make an image in each of its cells: path and content of its file."""
        index, cells = task
        (frame,) = frames_to_corrupt(dataset, [index], cells)
        return make_files(self.corrupted_images, frame, cells, self.layout, self.image_format)

    def keep(self, made: tuple[str, bytes]) -> tuple[str, str]:
        """Write an image, and return its path and SHA-256."""
        path, content = made
        with open_whole(self.out / path, sync=True) as file:
            file.write(content)
        return path, hashlib.sha256(content).hexdigest()

    def carry(self, dataset: Dataset) -> Carried:
        """Return this work for other machines: each image as it is encoded, and frost's textures."""
        cells = [Cell(corruption, 1) for corruption in self.to_load]
        images, files = self.corrupted_images.carry(cells)

        def pack(task: Task) -> PackedImage:
            return PackedImage(pack_frames([frames_to_corrupt(dataset, task[:1], task[1])]), tuple(task[1]))

        expected = expect(describe_images(self.corrupted_images, cells))
        work = SetElsewhere(images, self.layout, self.image_format, self.to_load, expected)
        return Carried(work, pack, files)


class PackedImage(NamedTuple):
    """A frame, and the cells that lack its image."""

    frame: bytes
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class SetElsewhere:
    """The work of writing a set, on machines that see none of the files of the one that shares it out."""

    images: BroughtImages
    layout: str
    image_format: str
    to_load: tuple[str, ...]
    expected: Expected

    def open(self) -> MadeImages:
        """Load what the corruptions need; UserError where they would make other images here."""
        self.expected.prepare_here()
        images = self.images.open()
        self.expected.check_here(describe_images(images, [Cell(corruption, 1) for corruption in self.to_load]))
        for corruption in self.to_load:
            images.load(corruption)
        return images

    def kinds(self, task: PackedImage) -> list[Piece]:
        """Return the corruption of each image."""
        return list_pieces(task.cells)

    def do(self, images: MadeImages, task: PackedImage) -> Iterator[tuple[str, bytes]]:
        """Make an image in each of its cells: path and content of its file."""
        ((frame,),) = unpack_frames(task.frame)
        return make_files(images, frame, task.cells, self.layout, self.image_format)


def list_pieces(cells: Sequence[Cell]) -> list[Piece]:
    """Return the corruption of each image: they differ in time by a factor of ten."""
    return [Piece(cell.corruption, note=cell.key) for cell in cells]


def make_files(
    images: MadeImages, frame: Frame, cells: Sequence[Cell], layout: str, image_format: str
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the file of a frame in each of some cells."""
    for cell, image in zip(cells, images.images(frame, cells), strict=True):
        yield place_image(str(frame.file_name), cell, layout, image_format), encode_image(image, image_format)


def write_set(
    job: SetJob,
    cells: Sequence[Cell],
    workers: Workers = 1,
    announce: Callable[[Estimate], None] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    fresh: StartOver | None = None,
) -> int:
    """Bring a corrupted set to its end and return its number of images. Of `cells`, clean is left out.

    Started again, it goes on where it was, unless `fresh`. `announce` is told what there is to do before the work
    starts, and not called if there is nothing. After an error, such as too little room on the disk, finished images
    stay.
    """
    engine, opened = as_engine(workers), _open(job, cells)
    with opened.folder.claim(opened.setup, opened.names, fresh):
        hashes = opened.folder.finished()
        todo = opened.list_lacking(hashes)
        engine = engine.at_most(len(todo))
        if todo:
            estimate = opened.estimate(todo, len(hashes), engine)
            if announce is not None:
                announce(estimate)
            check_disk(job.out, estimate.n_bytes)
        if todo or not opened.folder.is_complete():
            noted = {**opened.setup, **note_people(opened.frames, opened.cells)}
            opened.folder.begin(noted, hashes)
            work = replace(job, to_load=tuple(sorted({str(cell.corruption) for _, of in todo for cell in of})))
            for path, digest in do_tasks(work, todo, engine, on_progress, len(hashes), opened.dataset):
                opened.folder.note_image(path, digest)
                hashes[path] = digest
            paths = [job.place(frame, cell) for cell in opened.cells for frame in opened.frames]
            opened.folder.finish(noted, hashes, paths)
    return len(opened.frames) * len(opened.cells)


def plan_set(job: SetJob, cells: Sequence[Cell], workers: Workers = 1, fresh: StartOver | None = None) -> Estimate:
    """Return what `write_set` would do, with all checks of its start. Nothing is written or locked."""
    engine, opened = as_engine(workers), _open(job, cells)
    hashes = opened.folder.finished() if opened.folder.is_begun(opened.setup, fresh) else {}
    todo = opened.list_lacking(hashes)
    if not todo:
        return Estimate(0, 0, 0.0, engine.n_workers, len(hashes), engine.name)
    estimate = opened.estimate(todo, len(hashes), engine.at_most(len(todo)))
    check_disk(job.out, estimate.n_bytes)
    return estimate


@dataclass(frozen=True, eq=False)
class _OpenedSet:
    """The work of writing a set, checked."""

    job: SetJob
    cells: Sequence[Cell]  # without clean
    dataset: Dataset
    frames: Sequence[Frame]
    folder: SetFolder
    setup: dict[str, Any]

    @property
    def names(self) -> list[str]:
        return [str(frame.file_name) for frame in self.frames]

    def list_lacking(self, hashes: Mapping[str, str]) -> list[Task]:
        """Return the images that lack files, each with these files' cells."""
        lacking = [
            (index, [cell for cell in self.cells if self.job.place(frame, cell) not in hashes])
            for index, frame in enumerate(self.frames)
        ]
        return [(index, of_image) for index, of_image in lacking if of_image]

    def estimate(self, todo: Sequence[Task], n_finished: int, engine: Engine) -> Estimate:
        images = [(self.frames[index], of_image) for index, of_image in todo]
        return estimate_work(self.job.corrupted_images, self.job.image_format, images, n_finished, engine)


def _open(job: SetJob, cells: Sequence[Cell]) -> _OpenedSet:
    """Open the dataset of a set, and check the work before anything is written."""
    check_choices(job.layout, job.image_format)
    cells = [cell for cell in cells if cell.corruption is not None]
    if not cells:
        raise UserError("name at least one corruption")
    job.corrupted_images.check(cells)  # what needs no data
    dataset = job.make_dataset()
    show_doubts(dataset.warnings)
    frames = frames_to_corrupt(dataset, range(len(dataset)), cells)
    _check_names(frames, job)
    job.corrupted_images.check(cells, frames)
    for frame in frames:
        check_side(frame.size_wh or (0, 0), job.image_format, str(frame.file_name))
    return _OpenedSet(job, cells, dataset, frames, SetFolder(job.out), _describe(job, dataset, cells))


def _check_names(frames: Sequence[Frame], job: SetJob) -> None:
    """Refuse images without a name, names that lead out of the folder, and two images that would be one file."""
    if not frames or any(frame.file_name is None for frame in frames):
        raise UserError("a corrupted set is made from image files, but this dataset has none")
    names = [str(frame.file_name) for frame in frames]
    outside = [repr(name) for name in names if leads_out(name)]
    if outside:
        raise UserError(f"these image file names lead out of the folder: {first_few(outside, 'names')}")
    unlisted = [ascii(name) for name in names if "\n" in name or not _is_text(name)]
    if unlisted:
        raise UserError(f"files.sha256 cannot list these image file names: {first_few(unlisted, 'names')}")
    count = Counter(job.place(frame, Cell("fog", 1)) for frame in frames)
    double = [path for path, n_images in count.items() if n_images > 1]
    if double:
        raise UserError(f"two images would become one file: {first_few(double, 'files')}")


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:  # bytes that a file system has let pass
        return False


def _describe(job: SetJob, dataset: Dataset, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what determines the content of the set."""
    pixels = job.corrupted_images.provenance()
    if not any(cell.corruption == "frost" for cell in cells):
        pixels["frost_textures"] = "unused"
    if CANVAS_BYTES.keys() & {cell.corruption for cell in cells}:
        pixels[CONVENTION] = CANVAS
    about_data = dataset.provenance
    kept = ("name", "annotations_sha256", "image_files_sha256", "exif")
    code = job.corrupted_images.code_of(cells)
    return {
        **pixels,
        **({BY_CORRUPTION: code} if code else {}),
        **identify_people(dataset, cells),
        "layout": job.layout,
        "format": job.image_format,
        "cells": [cell.key for cell in cells],
        "dataset": {**{key: about_data[key] for key in kept if key in about_data}, "n_images": len(dataset)},
        "versions": versions(PIXELS),
    }
