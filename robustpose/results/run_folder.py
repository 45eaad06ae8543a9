"""The run folder: what it holds, and reading and writing predictions and matches.

run.json                  what determines the results; another setup is refused
units/chunks.json         where chunks end, while units are there of a run that was begun with fewer images
units/fog-3/00007.npz     poses of one chunk of images in one cell, while the cell is unfinished
predictions/fog-3.json    COCO results of a finished cell
matches/fog-3.npz         its score table, and how good each image's poses are. Runs are compared from these alone
inputs.json               how the data were opened
results.jsonl             a line for each cell: all figures, and the SHA-256 of its predictions
summary.json, slices.json means and their intervals; slices of people, joints and calibration
slices.npz                scores of the slices on the resamples, by which slices of runs are compared
preview.json              of a preview, instead of those three
comparison.md             ours beside a published row, if one was named
table.md|csv|tex          the scores as tables
report.html               the scores as a page
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.files import open_whole, writing_to
from robustpose.metrics.score_tables import load_score_table
from robustpose.pose.cell import OF_CELL, Cell
from robustpose.pose.protocols import ScoreTable
from robustpose.pose.results_json import round_all
from robustpose.pose.types import Floats, Poses, Truth
from robustpose.reading import read_arrays

IDENTITY = "run.json"
OF_SCORES = (  # written once a run is scored, but for matches; the first ones say that it is finished
    "summary.json", "preview.json", "results.jsonl", "slices.json", "slices.npz", "comparison.md",
    "table.md", "table.csv", "table.tex", "report.html",
)  # fmt: skip
WRITTEN = (*OF_SCORES, "inputs.json", "opened.json")
OF_CUT = re.compile(r"^cut\d{1,6}_")  # how the names of arrays begin that are of a cut


def list_made(folder: Path) -> list[Path]:
    """Return all files that bench, score and report made in a run folder, but for its note."""
    of_cells = [path for kind in ("predictions/*.json", "matches/*.npz") for path in folder.glob(kind)]
    made = [path for path in of_cells if OF_CELL.fullmatch(path.stem)]
    made += [path for path in folder.glob("units/*/*.npz") if OF_CELL.fullmatch(path.parent.name)]
    # What says that the run is finished goes first. Units are known by the chunks that are noted: the note goes last.
    return [*(folder / name for name in WRITTEN), *sorted(made), RunFolder(folder).chunks_path]


class DamagedUnit(ValueError):
    """Report a file that does not hold the poses of its images."""


class RunFolder:
    """Paths of one run, and reading and writing them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prediction_path(self, cell: Cell) -> Path:
        """Return where the COCO results of `cell` are."""
        return self.path / "predictions" / f"{cell.file_stem}.json"

    def list_other_cells(self, cells: Sequence[Cell]) -> list[str]:
        """Return the file stems of predictions in cells other than `cells`."""
        known = {self.prediction_path(cell) for cell in cells}
        return sorted(path.stem for path in (self.path / "predictions").glob("*.json") if path not in known)

    def matches_path(self, cell: Cell) -> Path:
        """Return where the matches of `cell` are."""
        return self.path / "matches" / f"{cell.file_stem}.npz"

    def unit_path(self, cell: Cell, number: int) -> Path:
        """Return where the poses of chunk `number` in `cell` are."""
        return self.path / "units" / cell.file_stem / f"{number:05d}.npz"

    @property
    def chunks_path(self) -> Path:
        """Return where chunks are noted: see `robustpose.benchmark.chunks`."""
        return self.path / "units" / "chunks.json"

    def write_unit(self, cell: Cell, number: int, all_poses: Sequence[Poses]) -> None:
        """Write the poses of one chunk of images, rounded as results files are."""
        matched = [poses.truth_rows for poses in all_poses if poses.truth_rows is not None]
        xy, confidence, score = round_all(all_poses)
        said = [poses.categories for poses in all_poses if poses.categories is not None]
        categories = {
            "is_categorised": np.array([poses.categories is not None for poses in all_poses]),
            "categories": np.concatenate(said) if said else np.zeros(0, int),
        }
        with open_whole(self.unit_path(cell, number), sync=True) as file, _heeding_signals():
            np.savez(
                file,
                is_matched=np.array([poses.truth_rows is not None for poses in all_poses]),
                truth_rows=np.concatenate(matched) if matched else np.zeros(0, int),
                n_people=np.array([len(poses.score) for poses in all_poses]),
                xy=xy,
                confidence=confidence,
                score=score,
                **(categories if said else {}),  # type: ignore[arg-type]
            )

    def read_unit(self, cell: Cell, number: int, truths: Sequence[Truth]) -> list[Poses]:
        """Return the poses of one chunk of images, given the truth about each.

        Raises:
            DamagedUnit: the file is not there, or does not hold poses of these images.
        """
        path = self.unit_path(cell, number)
        try:
            arrays = read_arrays(path, "unit")
        except (OSError, UserError) as error:  # which name the file
            raise DamagedUnit(str(error)) from error
        try:
            _check_unit(arrays, truths)
            n_people, is_matched = arrays["n_people"], arrays["is_matched"]
            xy, confidence, score = (
                np.split(arrays[name], np.cumsum(n_people)[:-1]) for name in ("xy", "confidence", "score")
            )
            truth_rows = _share_out(arrays["truth_rows"], n_people, is_matched)
            said = arrays.get("is_categorised", np.zeros(len(truths), bool))
            categories = _share_out(arrays.get("categories", np.zeros(0, int)), n_people, said)
            image_ids = [truth.image_id for truth in truths]
            parts = zip(image_ids, xy, confidence, score, truth_rows, categories, strict=True)
            return [Poses(*of_image) for of_image in parts]
        except (ValueError, UserError) as error:
            raise DamagedUnit(f"{path} is damaged: {error}") from error

    def drop_units(self, cells: Iterable[Cell]) -> None:
        """Remove the units of cells whose predictions are written, and their folder after the last one."""
        for cell in cells:
            shutil.rmtree(self.path / "units" / cell.file_stem, ignore_errors=True)
        with suppress(OSError):  # not there, or not empty: other cells are unfinished
            if not any(entry.is_dir() for entry in (self.path / "units").iterdir()):
                self.chunks_path.unlink(missing_ok=True)
            (self.path / "units").rmdir()

    def drop_scores(self) -> None:
        """Remove all that was written when the run was scored: it reads as one that has not finished."""
        stale = sorted(path for path in self.path.glob("matches/*.npz") if OF_CELL.fullmatch(path.stem))
        for path in (*(self.path / name for name in OF_SCORES), *stale):
            with writing_to(path):
                path.unlink(missing_ok=True)

    def write_matches(self, cell: Cell, table: ScoreTable, quality: Floats, of_cuts: Sequence[ScoreTable] = ()) -> None:
        """Write a cell's score table and the quality of each image's poses (N,), NaN where there is nobody.

        `of_cuts` are the tables of the cuts that summary.json has, in their order.
        """
        arrays = {f"cut{i}_{name}": array for i, of in enumerate(of_cuts) for name, array in of.save().items()}
        arrays = {"quality": quality.astype(np.float32), **table.save(), **arrays}
        with open_whole(self.matches_path(cell)) as file, _heeding_signals():
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def read_table(self, cell: Cell) -> ScoreTable:
        """Return a cell's score table.

        Raises:
            UserError: the run has none, or it is damaged.
        """
        return self._read_tables(cell)[0]

    def read_cut_tables(self, cell: Cell) -> list[ScoreTable]:
        """Return the tables of a cell's cuts, in the order of summary.json; UserError as `read_table`."""
        return self._read_tables(cell)[1:]

    def _read_tables(self, cell: Cell) -> list[ScoreTable]:
        path = self.matches_path(cell)
        try:
            arrays = read_arrays(path, "file of matches")
            groups: dict[str, dict[str, npt.NDArray[Any]]] = {"": {}}
            for name, array in arrays.items():
                cut, rest = OF_CUT.match(name), OF_CUT.sub("", name)
                groups.setdefault(cut.group() if cut else "", {})[rest] = array
            numbers = sorted(groups, key=lambda begin: int(begin[3:-1] or -1))
            if numbers[1:] != [f"cut{i}_" for i in range(len(numbers) - 1)]:
                raise ValueError("its cuts are not numbered from 0")
            return [load_score_table(groups[begin]) for begin in numbers]
        except FileNotFoundError as error:
            raise UserError(
                f"{self.path} has no matches of {cell.key}: its metric has none, or it is from an older version: "
                "start its bench command again"
            ) from error
        except (ValueError, UserError) as error:
            again = f"start the bench command of {self.path} again, or robustpose score {self.path}"
            raise UserError(f"{path} is damaged: {again} ({error})") from error

    def read_quality(self, cells: Sequence[Cell]) -> dict[Cell, Floats] | None:
        """Return by cell how good each image's poses (N,) are, 0..1, NaN without people; None if a cell lacks it."""
        found = {}
        for cell in cells:
            try:
                quality = read_arrays(self.matches_path(cell), "file of matches", "quality")["quality"]
            except (FileNotFoundError, UserError):
                return None
            if quality.ndim != 1 or quality.dtype.kind != "f" or (quality < 0).any() or (quality > 1.001).any():
                return None
            found[cell] = quality.astype(float)
        return found if len({len(of_cell) for of_cell in found.values()}) == 1 else None


@contextmanager
def _heeding_signals() -> Iterator[None]:
    """Let what stops the writing of a zip file through, and not what its module says of the member left open then."""
    try:
        yield
    except ValueError as error:
        stopped = error.__context__
        if stopped is not None and not isinstance(stopped, Exception):
            raise stopped from None
        raise


def _share_out(
    values: npt.NDArray[Any], n_people: npt.NDArray[Any], has_some: npt.NDArray[Any]
) -> list[npt.NDArray[Any] | None]:
    """Return the values of the people of each image; None for an image that has none."""
    parts = iter(np.split(values, np.cumsum(n_people[has_some])[:-1]))
    return [next(parts) if here else None for here in has_some]


def _check_unit(arrays: Mapping[str, npt.NDArray[Any]], truths: Sequence[Truth]) -> None:
    """Raise ValueError unless arrays have the kinds, shapes and counts of `write_unit` for these images."""
    kinds = {name: array.dtype.kind.replace("u", "i") for name, array in arrays.items()}
    expected = {"is_matched": "b", "truth_rows": "i", "n_people": "i", "xy": "f", "confidence": "f", "score": "f"}
    if kinds not in (expected, {**expected, "is_categorised": "b", "categories": "i"}):
        raise ValueError(f"it holds {kinds}")
    n_people, n_joints = arrays["n_people"], truths[0].xy.shape[1]
    if n_people.shape != (len(truths),) or arrays["is_matched"].shape != (len(truths),):
        raise ValueError(f"it is not of {len(truths)} images")
    if (n_people < 0).any() or (n_people > arrays["score"].size).any():  # of which the sum could overflow
        raise ValueError(f"it has {n_people.min()} to {n_people.max()} people in an image")
    n = int(n_people.sum())
    shapes = [arrays[name].shape for name in ("xy", "confidence", "score", "truth_rows")]
    if shapes != [(n, n_joints, 2), (n, n_joints), (n,), (int(n_people[arrays["is_matched"]].sum()),)]:
        raise ValueError(f"it holds arrays of {shapes} for {n} people with {n_joints} joints")
    if "categories" in arrays:
        said, categories = arrays["is_categorised"], arrays["categories"]
        if said.shape != (len(truths),) or categories.shape != (int(n_people[said].sum()),):
            raise ValueError(f"it holds arrays of {said.shape} and {categories.shape} for categories of {n} people")
        if (categories < 0).any():
            raise ValueError("a pose is of a category below 0")
    of_images = np.array([len(truth.xy) for truth in truths])
    known = np.repeat(of_images[arrays["is_matched"]], n_people[arrays["is_matched"]])
    if ((arrays["truth_rows"] < 0) | (arrays["truth_rows"] >= known)).any():
        raise ValueError("a pose is of a person whom its image does not have")
