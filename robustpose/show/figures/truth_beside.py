"""Figure 6 as the paper has it: what is annotated, and below it what each run found, under chosen corruptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path

from matplotlib.figure import Figure

from robustpose.corruptions.suites import Suite, cells_of
from robustpose.data.corrupted import CorruptedImages
from robustpose.data.people import frame_to_corrupt
from robustpose.errors import UserError, first_few, nearest, quote, spell_list
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.show.figures.curves import list_corruptions
from robustpose.show.figures.runs import Run
from robustpose.show.figures.style import PAGE_HEIGHT, TWO_COLUMNS
from robustpose.show.figures.tiles import TEXT, Found, TileRow, draw_tiles, find_aspect
from robustpose.show.figures.wanted import Wanted

USUAL = ("impulse_noise", "motion_blur", "brightness", "jpeg_compression")  # those of the paper's figure
MOST_CELLS = 25  # for which a page has room
WIDEST, NARROWEST = 6, 4  # tiles beside each other


def choose_cells(runs: Sequence[Run], wanted: Wanted, notes: list[str]) -> tuple[Cell, ...]:
    """Return the cells to show, corruption by corruption; none, and a note, if the runs have none in common.

    What is not said is chosen from the cells that all runs have: the usual corruptions, or else four of different
    groups as far as there are, at the severity of figure 2, or the nearest one. UserError for what is said and no run
    has.
    """
    _check_said(runs, wanted)
    common = [cell for cell in runs[0].cells if cell != CLEAN and all(cell in run.cells for run in runs)]
    names = [name for name in list_corruptions(runs) if any(cell.corruption == name for cell in common)]
    usual, of_suite = [name for name in USUAL if name in names], runs[0].suite.corruptions
    chosen = list(dict.fromkeys(wanted.corruptions)) or usual or _mix_groups(names, runs[0].suite)[: len(USUAL)]
    severities = sorted(set(wanted.severities))
    known = common or [cell for run in runs for cell in run.cells if cell.corruption in wanted.corruptions]
    if not severities and known:
        at = min({cell.severity for cell in known}, key=lambda one: (abs(one - wanted.severity), one))
        severities = [at]
        if at != wanted.severity:
            notes.append(f"fig6_truth shows severity {at}: the runs do not have {wanted.severity}")
    cells = cells_of(chosen, severities)[1:]
    if not cells:
        notes.append("fig6_truth is left out: the runs have no corrupted cell in common")
    elif len(cells) > MOST_CELLS:
        raise UserError(
            f"fig6_truth has room for {MOST_CELLS} cells, got {len(cells)}: name fewer --corruptions or --severities"
        )
    elif not wanted.corruptions and (lacking := [one for one in USUAL if one in of_suite and one not in usual]):
        notes.append(f"fig6_truth shows {spell_list(chosen)}: the runs do not all have {spell_list(lacking)}")
    return cells


def _mix_groups(names: Sequence[str], suite: Suite) -> list[str]:
    """Return some corruptions in their order, but the first one of each group of a suite before all others.

    >>> from robustpose.corruptions.suites import COCO_C
    >>> _mix_groups(["fog", "snow", "contrast", "tests.outside:darken"], COCO_C)
    ['fog', 'contrast', 'snow', 'tests.outside:darken']
    """
    firsts = [next((name for name in names if name in group), None) for group in suite.groups.values()]
    return list(dict.fromkeys([*filter(None, firsts), *names]))


def keep_benched(runs: Sequence[Run], cells: Sequence[Cell], notes: list[str]) -> list[Run]:
    """Return the runs that have all cells, and add a note for each other one."""
    kept = []
    for run in runs:
        lacking = [cell for cell in cells if cell not in run.cells]
        if lacking:
            notes.append(f"fig6_truth is without {run.folder}: it was not benched in {lacking[0].key}")
        else:
            kept.append(run)
    return kept


def draw_truth_beside(
    runs: Sequence[Run],
    dataset: Dataset,
    corrupted_images: Mapping[Path, CorruptedImages],
    index: int,
    cells: Sequence[Cell],
    founds: Sequence[Found],
) -> Figure:
    """Return the figure of one image in cells: the truth, and the poses that each run found.

    `corrupted_images` tells by run folder where the corrupted images come from; `index` is the image's in the dataset.
    Clean images, by which the image is chosen, are not shown.
    """
    cells = [cell for cell in cells if cell != CLEAN]
    frame, truth = frame_to_corrupt(dataset, index), dataset.truth(index)
    n_columns = _count_columns(len(cells), 1 + len(runs), find_aspect(truth, frame))
    blocks = [cells[start : start + n_columns] for start in range(0, len(cells), n_columns)]
    rows = [TileRow("ground truth", corrupted_images[runs[0].folder], None)]
    rows += [TileRow(run.label, corrupted_images[run.folder], found) for run, found in zip(runs, founds, strict=True)]
    return draw_tiles(rows, blocks, frame, truth, dataset.skeleton, max(NARROWEST, n_columns))


def _count_columns(n_cells: int, n_rows: int, aspect: float) -> int:
    """Return with how many tiles beside each other they are largest on a page; `aspect` is width by height of one."""

    def find_width(n_columns: int) -> float:  # inches
        height = PAGE_HEIGHT / (n_rows * ceil(n_cells / n_columns)) - TEXT
        return min(TWO_COLUMNS / max(NARROWEST, n_columns), height * aspect)

    best = max(range(1, min(WIDEST, n_cells) + 1), key=lambda n_columns: (find_width(n_columns), n_columns))
    return ceil(n_cells / ceil(n_cells / best))  # columns that are as full as they can be


def _check_said(runs: Sequence[Run], wanted: Wanted) -> None:
    """Raise UserError for a corruption or a severity that was said and no run has."""
    known = list_corruptions(runs)
    for name in wanted.corruptions:
        if name not in known:
            they_have = first_few(known, "corruptions") if known else "clean images only"
            raise UserError(f"--corruptions: no run has {quote(name)}{nearest(name, known)}: they have {they_have}")
    severities = sorted({cell.severity for run in runs for cell in run.cells if cell != CLEAN})
    for severity in wanted.severities:
        if severity not in severities:
            they_have = spell_list(severities) if severities else "clean images only"
            raise UserError(f"--severities: no run has severity {severity}: they have {they_have}")
