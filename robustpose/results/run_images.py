"""The images of a finished run, clean and corrupted, opened again for a page or figures.

Neither code that only the run folder names is run, nor files opened that it names unless it is trusted: see `inputs`.
Cells of which there can be no images then have none, and the page says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from robustpose import metrics
from robustpose.changes import BY_CORRUPTION, as_table, tell_files_apart
from robustpose.data.corrupted import CorruptedImages, MadeImages
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError, first_few
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame, Image, ImageId
from robustpose.results.inputs import check_data, read_note
from robustpose.results.summary import read_summary

AnyRun = TypeVar("AnyRun")
Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Trusted:
    """What a command says of a run folder that may be a stranger's."""

    paths: bool = False  # whether files that it names are opened even if this user did not make it
    code: tuple[str, ...] = ()  # corruptions, named ``package.module:function`` again, that are run for their images


NOTHING = Trusted()


@dataclass(frozen=True)
class NamedOnly(CorruptedImages):
    """Corrupted images that are made, but for those of code that the command at hand does not name, or that changed."""

    images: CorruptedImages
    named: tuple[str, ...]
    changed: Mapping[str, Sequence[str]] = field(default_factory=dict)  # files of such code, by its name

    def read(self, frame: Frame, cell: Cell) -> Image:
        self._check_code([cell])
        return self.images.read(frame, cell)

    def check(self, cells: Iterable[Cell], frames: Sequence[Frame]) -> None:
        cells = list(cells)
        self._check_code(cells)
        self.images.check(cells, frames)

    def provenance(self) -> dict[str, Any]:
        """Return what determines the pixels."""
        return self.images.provenance()

    def _check_code(self, cells: Iterable[Cell]) -> None:
        for name in (cell.corruption for cell in cells if cell.corruption is not None):
            if ":" in name and name not in self.named:
                raise UserError(
                    f"'{name}' is code, and code that a run folder names is not run: name it again "
                    f"(--corruptions {name})"
                )
            if self.changed.get(name):
                raise UserError(
                    f"{first_few(list(self.changed[name]), 'files')} of '{name}' changed since it was benched"
                )


@dataclass(frozen=True)
class NoImages(CorruptedImages):
    """Corrupted images that are not to be had."""

    reason: str

    def read(self, frame: Frame, cell: Cell) -> Image:
        raise UserError(self.reason)

    def check(self, cells: Iterable[Cell], frames: Sequence[Frame]) -> None:
        if any(cell.corruption is not None for cell in cells):
            raise UserError(self.reason)

    def provenance(self) -> dict[str, Any]:
        """Return that nothing is known."""
        return {}


def choose_data(folder: Path, given: DataSpec | None = None, trusted: Trusted = NOTHING) -> DataSpec:
    """Return the description of a run's data, as `given` or as the run noted it.

    Whether images without people are left out, and which joints are scored, is not asked again. It is an error if
    `given` is None and the run does not say where its data are, names only code for them, or files of which nobody says
    that they may be opened.
    """
    noted = read_note(folder, trusted.paths)
    if given is not None:
        of_run: dict[str, Any] = {} if noted is None else {"only_with_people": noted.inputs.data.only_with_people}
        if noted is not None and not given.joints:
            of_run["joints"] = noted.inputs.data.joints
        return given.model_copy(update={name: value for name, value in of_run.items() if value})
    if noted is None:
        raise UserError(
            f"{folder} does not say where its data are: name them, as for bench (--data, or --annotations …)"
        )
    data = noted.inputs.data
    if data.code:
        raise UserError(
            f"{folder} names code as its data, {' and '.join(data.code)}, and code that a run folder names is not "
            "run: name the data again (--data, --metric)"
        )
    if not noted.is_trusted and noted.paths:
        raise UserError(
            f"{folder} was not made by you on this machine, and names files outside it, {noted.paths[0]}: name the "
            "data again (--annotations and --images, or --data), or say --trust if you trust who made it"
        )
    return data


def open_images(
    folder: Path, summary: Mapping[str, Any], given: DataSpec | None = None, trusted: Trusted = NOTHING
) -> Dataset:
    """Return the dataset of a run, as a command names it or where the run says it is; UserError for other images.

    What is named is cut and scored as that of the run, if the command does not say how.
    """
    if given is None:
        dataset = choose_data(folder, trusted=trusted).open()
    else:
        of_run = summary["provenance"]["dataset"]
        metric = of_run.get("metric")
        is_known = metric is not None and not metrics.names_code(metric)
        own = {
            "limit": given.limit or of_run.get("limit"),
            "metric": given.metric or (metric if is_known else None),
            "joints": given.joints or tuple(map(str, of_run.get("joints") or ())),
            "only_with_people": given.only_with_people or "images_with_people" in of_run,
        }
        dataset = given.model_copy(update=own).open()
    check_data(folder, summary, dataset)
    return dataset


def find_corrupted_images(folder: Path, provenance: Mapping[str, Any], trusted: Trusted = NOTHING) -> CorruptedImages:
    """Return where the corrupted images of a run come from: as it noted, else made with the seed of its provenance."""
    noted = read_note(folder, trusted.paths)
    if noted is None:
        seed = provenance.get("seed")
        if seed != "release" and type(seed) is not int:
            return NoImages(f"{folder} does not say where its corrupted images are: start its bench command again")
        return _make_named(MadeImages(seed), provenance, trusted)
    origin = noted.inputs.corrupted_images
    path = origin.corrupted_root or origin.frost
    if path is not None and not noted.is_trusted:
        return NoImages(
            f"{folder} was not made by you on this machine, and its corrupted images need files outside it, {path}: "
            "say --trust if you trust who made it"
        )
    images = origin.open()
    return _make_named(images, provenance, trusted) if isinstance(images, MadeImages) else images


def open_shared_images(
    folders: Sequence[Path], given: DataSpec | None = None, trusted: Trusted = NOTHING
) -> tuple[Dataset, CorruptedImages]:
    """Return the images of runs that were benched on the same ones, as the first run has them that can be opened.

    UserError, of the first run, where none can, or where what a command names is not theirs.
    """

    def open_both(folder: Path) -> tuple[Dataset, CorruptedImages]:
        summary = read_summary(folder)
        dataset = open_images(folder, summary, given, trusted)
        return dataset, find_corrupted_images(folder, summary["provenance"], trusted)

    return open_first(folders, open_both)


def list_ids(folders: Sequence[Path], given: DataSpec | None = None, trusted: Trusted = NOTHING) -> list[ImageId]:
    """Return the ids of the images of runs that were benched on the same ones, in their order.

    UserError, of the first run, where the data of none can be opened, or where what a command names is not theirs.
    """
    if not folders:
        raise UserError("there are no runs whose images a part could name")
    return find_ids(open_first(folders, lambda folder: open_images(folder, read_summary(folder), given, trusted)))


def find_ids(dataset: Dataset) -> list[ImageId]:
    """Return the ids of a dataset's images, in their order."""
    return [dataset.truth(index).image_id for index in range(len(dataset))]


def open_first(runs: Sequence[AnyRun], open_one: Callable[[AnyRun], Opened]) -> Opened:
    """Return what `open_one` gives of the first run that it can open; UserError, of the first run, where it cannot."""
    refusals = []
    for run in runs:
        try:
            return open_one(run)
        except UserError as error:
            refusals.append(error)
    raise refusals[0]


def _make_named(images: MadeImages, provenance: Mapping[str, Any], trusted: Trusted) -> NamedOnly:
    noted = as_table(provenance.get(BY_CORRUPTION))
    now = images.code_of([Cell(name, 1) for name in trusted.code if name in noted])
    changed = {name: tell_files_apart(noted[name], code) for name, code in now.items()}
    return NamedOnly(images, trusted.code, changed)
