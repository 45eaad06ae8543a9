"""The two figures 6 of runs on the same data: which runs, which image, and what is said of those that are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.show.figures.examples import choose_image, choose_worst_cells, draw_examples, find_missing, read_found
from robustpose.show.figures.runs import Run
from robustpose.show.figures.truth_beside import draw_truth_beside, keep_benched
from robustpose.show.figures.wanted import Wanted
from robustpose.show.figures.written import Written


@dataclass(frozen=True)
class Opened:
    """The images of runs: clean, and by run folder where the corrupted ones come from."""

    dataset: Dataset
    corrupted_images: Mapping[Path, CorruptedImages]

    def keep(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs of which there are corrupted images."""
        return [run for run in runs if run.folder in self.corrupted_images]


def write_examples(runs: Sequence[Run], opened: Opened, wanted: Wanted, written: Written) -> None:
    """Write fig6: one image clean and where the runs lose most."""
    try:
        cells = choose_worst_cells(runs, wanted.severity)
    except UserError as error:
        written.notes.append(f"fig6 is left out: {error}")
        return
    if _write("fig6", draw_examples, runs, cells, opened, wanted, written) and cells[-1].severity != wanted.severity:
        written.notes.append(f"fig6 shows severity {cells[-1].severity}: the runs do not have {wanted.severity}")


def write_truth_beside(
    runs: Sequence[Run], cells: Sequence[Cell], opened: Opened, wanted: Wanted, written: Written
) -> None:
    """Write fig6_truth: one image in some cells, with the truth and with what the runs found."""
    if cells:
        kept = keep_benched(runs, cells, written.notes)
        _write("fig6_truth", draw_truth_beside, kept, (CLEAN, *cells), opened, wanted, written)


def _write(
    name: str,
    draw: Callable[..., Figure],
    runs: Sequence[Run],
    cells: Sequence[Cell],
    opened: Opened,
    wanted: Wanted,
    written: Written,
) -> bool:
    """Write a figure of runs in cells, clean first, as far as their predictions and images are there; tell if it is."""
    missing = {run.folder: find_missing(run, cells) for run in runs}
    for folder, path in missing.items():
        if path is not None:
            written.notes.append(f"{name} is without {folder}: {path} is missing; start the same bench again")
    kept = [run for run in runs if missing[run.folder] is None]
    if not kept:
        return False
    founds = [read_found(run, cells, opened.dataset.skeleton) for run in kept]
    index = choose_image(opened.dataset, cells, founds) if wanted.image is None else wanted.image
    try:
        for run in kept:
            opened.corrupted_images[run.folder].check(cells, [opened.dataset.frame(index)])
    except UserError as error:
        written.notes.append(f"{name} is left out: {error}")
        return False
    written.save(draw(kept, opened.dataset, opened.corrupted_images, index, cells, founds), name)
    return True
