"""The folder of detections, and that of both runs in a detector's boxes: what they hold.

detect.json            what determines the boxes; another setup is refused
clean.json, fog-3.json COCO detections of a finished cell, what --boxes corrupt-det:DIR takes
inputs.json            how the data were opened
scores.json            AP of the boxes in every cell, their mean and ratio, with intervals
pass/                  what was found in chunks of images, while cells are unfinished

Of both runs:

both.json              what determines them
detections/            the folder above
clean-det/             the run whose boxes are detections/clean.json in every cell
corrupt-det/           the run whose boxes are those of each cell
detector.json, .md     both beside the detector's AP, and what of the loss is the detector's
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from robustpose.benchmark.detecting.work import CLEAN_DET, CORRUPT_DET, DETECTIONS, STAGE, stage_folders
from robustpose.files import writing_to
from robustpose.pose.cell import OF_CELL, Cell
from robustpose.results.inputs import NAME as INPUTS
from robustpose.results.run_folder import IDENTITY, list_made
from robustpose.results.summary import DETECTIONS_NOTE as NOTE

SCORES, TABLE = "scores.json", "detector"


def file_of(folder: Path, cell: Cell) -> Path:
    """Return where the detections of a cell are."""
    return folder / f"{cell.file_stem}.json"


def list_detections(folder: Path) -> list[Path]:
    """Return all files that detect made in a folder, but for its note."""
    found = [path for path in sorted(folder.glob("*.json")) if OF_CELL.fullmatch(path.stem)]
    return [folder / SCORES, folder / INPUTS, *found, *list_staged(folder)]


def list_both(folder: Path) -> list[Path]:
    """Return all files that a bench made in the folder of both runs, but for its note."""
    tables = [folder / f"{TABLE}{suffix}" for suffix in (".json", ".md")]
    runs = [folder / name for name in (CLEAN_DET, CORRUPT_DET)]
    of_runs = [path for run in runs for path in (*list_made(run), run / IDENTITY)]
    return [*tables, *of_runs, *list_detections(folder / DETECTIONS), folder / DETECTIONS / NOTE, *list_staged(folder)]


def list_staged(folder: Path) -> list[Path]:
    """Return what is there of unfinished cells."""
    return [path for of_kind in stage_folders(folder) for path in sorted(of_kind.path.rglob("*")) if path.is_file()]


def move_in(staged: Path, path: Path) -> None:
    """Put a finished file into its place, unless there is one."""
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            staged.unlink(missing_ok=True)
        elif staged.is_file():
            staged.replace(path)


def drop_stage(folder: Path, cells: Sequence[Cell]) -> None:
    """Remove the units of finished cells, and the folders around them once they are empty."""
    for of_kind in stage_folders(folder):
        of_kind.drop_units(cells)
        for place in (of_kind.path / "predictions", of_kind.path):
            with suppress(OSError):  # not there, or not empty
                place.rmdir()
    with suppress(OSError):
        (folder / STAGE).rmdir()
