"""Figure 6: one image clean and under corruptions with the skeletons that the runs found, a row for each run.

The corruptions are those under which the runs lose most, the worst first; the image is the one on which they lose most
there. An image's score is the mean over its annotated people of the OKS of the pose that fits each best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.metrics.oks_kernels import compare_people, variances_of
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import read_results
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, ImageId, Poses, Truth, no_poses
from robustpose.results.run_folder import RunFolder
from robustpose.show.figures.runs import Run
from robustpose.show.figures.style import ORANGE, PAGE_HEIGHT, SKY, TWO_COLUMNS, shorten, tile, title_cell

N_CORRUPTED = 4
LARGE = 96**2  # px²: what COCO calls a large person; of smaller ones little can be seen
SHOWN = 0.2  # people count who are at least this large, by area, beside the largest one of their image
PADDING = 0.15  # of the people's extent, around them
ASPECTS = (0.6, 1.4)  # width by height of what is shown
MIDDLE = "white"
TEXT = 0.14  # inches, of the line under a tile, and of that above the first row

Found = Mapping[Cell, Mapping[ImageId, Poses]]  # poses of one run


def choose_worst_cells(runs: Sequence[Run], severity: int) -> tuple[Cell, ...]:
    """Return clean and the cells in which the runs lose most, the worst first: all of one severity.

    The severity is `severity` where all runs have it, else the nearest that they have; the milder of two.
    """
    common = [cell for cell in runs[0].cells if cell != CLEAN and all(cell in run.cells for run in runs)]
    if not common:
        raise UserError("the runs have no corrupted cell in common: bench them with the same --corruptions")
    nearest = min((cell.severity for cell in common), key=lambda one: (abs(one - severity), one))
    kept = [cell for cell in common if cell.severity == nearest]
    kept.sort(key=lambda cell: sum(run.find_row(cell.key).score for run in runs))
    return (CLEAN, *kept[:N_CORRUPTED])


def find_missing(run: Run, cells: Sequence[Cell]) -> Path | None:
    """Return the first file of predictions that a run lacks; None if all are there."""
    paths = [RunFolder(run.folder).prediction_path(cell) for cell in cells]
    return next((path for path in paths if not path.is_file()), None)


def read_found(run: Run, cells: Sequence[Cell], skeleton: Skeleton) -> Found:
    """Return the poses of a run in some cells, by cell and image id."""
    return {cell: read_results(RunFolder(run.folder).prediction_path(cell), skeleton.n_joints) for cell in cells}


def choose_image(dataset: Dataset, cells: Sequence[Cell], all_found: Sequence[Found]) -> int:
    """Return the index of the image on which the runs lose most between clean and the other cells.

    Images without a large person are passed over, if there are others.
    """
    drops: dict[int, tuple[bool, float]] = {}  # by image: whether somebody is large, and the OKS that is lost
    for index in range(len(dataset)):
        truth = dataset.truth(index)
        if len(counted_people(truth)):
            oks = [
                [mean_oks(_poses(found, cell, truth), truth, dataset.skeleton) for found in all_found] for cell in cells
            ]
            means = np.mean(oks, axis=1)
            drops[index] = _has_large_person(truth), float(means[0] - np.mean(means[1:]))
    if not drops:
        raise UserError("nobody in the dataset has annotated joints: there is nothing to show")
    return max(drops, key=lambda index: drops[index])


def find_large_person(dataset: Dataset) -> int:
    """Return the index of the first image with a large person, or 0 if there is none."""
    return next((index for index in range(len(dataset)) if _has_large_person(dataset.truth(index))), 0)


def _has_large_person(truth: Truth) -> bool:
    return bool(truth.area[counted_people(truth)].max(initial=0) >= LARGE)


def counted_people(truth: Truth) -> np.ndarray[Any, Any]:
    """Return the rows (n,) of people with annotated joints, no iscrowd, and not small beside the largest one."""
    rows = np.flatnonzero(truth.counted)
    return rows[truth.area[rows] >= SHOWN * truth.area[rows].max(initial=0)]


def mean_oks(poses: Poses, truth: Truth, skeleton: Skeleton) -> float:
    """Return the mean over counted people of the OKS of the pose that fits each best, over annotated joints."""
    rows = counted_people(truth)
    if not len(poses.xy):
        return 0.0
    sides = poses.xy, truth.xy[rows], truth.visible[rows], truth.boxes[rows], truth.area[rows]
    oks = compare_people(*sides, variances_of(np.asarray(skeleton.sigmas)))  # (M, N)
    return float(oks.max(0).mean())


def draw_examples(
    runs: Sequence[Run],
    dataset: Dataset,
    corrupted_images: Mapping[Path, CorruptedImages],
    index: int,
    cells: Sequence[Cell],
    founds: Sequence[Found],
) -> Figure:
    """Return the figure of one image in cells, clean first, with the poses that each run found.

    `corrupted_images` tells by run folder where the corrupted images come from; `index` is the image's in the dataset.
    """
    frame, truth = dataset.frame(index), dataset.truth(index)
    height, width = frame.image.shape[:2]
    x1, y1, x2, y2 = _find_window(truth, (width, height))
    tile_width = (TWO_COLUMNS - 0.2) / (1 + N_CORRUPTED)  # inches
    tile_height = tile_width * (y2 - y1) / (x2 - x1)
    scale = min(1.0, (PAGE_HEIGHT - TEXT) / len(runs) / tile_height - TEXT / tile_height)
    size = (scale * tile_width * len(cells) + 0.2, (scale * tile_height + TEXT) * len(runs) + TEXT)
    figure, grid = tile(len(runs), len(cells), size)
    for row, (run, found) in enumerate(zip(runs, founds, strict=True)):
        for axes, cell in zip(grid[row], cells, strict=True):
            image = corrupted_images[run.folder].frame_in(frame, cell).image
            poses = _poses(found, cell, truth)
            axes.imshow(image[y1:y2, x1:x2], extent=(x1 - 0.5, x2 - 0.5, y2 - 0.5, y1 - 0.5))
            _draw_poses(axes, poses, dataset.skeleton, len(truth.xy), 72 * scale * tile_height / (y2 - y1))
            axes.set(xlim=(x1 - 0.5, x2 - 0.5), ylim=(y2 - 0.5, y1 - 0.5), xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            axes.set_xlabel(f"OKS {mean_oks(poses, truth, dataset.skeleton):.2f}", fontsize=6, labelpad=1.5)
            if row == 0:
                axes.set_title(f"{title_cell(cell)} {cell.severity or ''}".strip(), pad=2)
        n_letters = max(8, int(scale * tile_height / 0.052))
        lines = wrap(shorten(run.label, 2 * n_letters - 2), n_letters)
        grid[row][0].set_ylabel("\n".join(lines[:2]), fontsize=6, labelpad=2)
    return figure


def _poses(found: Found, cell: Cell, truth: Truth) -> Poses:
    return found[cell].get(truth.image_id) or no_poses(truth.image_id, truth.xy.shape[1])


def _find_window(truth: Truth, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part of an image that is shown, x1 y1 x2 y2 px, the far ends outside: the people and a margin."""
    boxes = truth.boxes[counted_people(truth)]
    if not len(boxes):
        return 0, 0, *size_wh
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    size = (high - low) * (1 + 2 * PADDING) + 1
    size[0] = max(size[0], ASPECTS[0] * size[1])
    size[1] = max(size[1], size[0] / ASPECTS[1])
    size = np.minimum(np.ceil(size), size_wh)
    corner = np.clip(np.floor((low + high - size) / 2), 0, np.asarray(size_wh) - size)
    x1, y1, x2, y2 = np.concatenate([corner, corner + size]).astype(int).tolist()
    return x1, y1, x2, y2


def _draw_poses(axes: Axes, poses: Poses, skeleton: Skeleton, n_people: int, points_per_px: float) -> None:
    """Draw the best poses, as many as there are people: left limbs orange, right ones blue, others white."""
    left, right = ({pair[side] for pair in skeleton.flip_pairs or ()} for side in (0, 1))

    def colour_of(*joints: int) -> str:
        return ORANGE if left.issuperset(joints) else SKY if right.issuperset(joints) else MIDDLE

    for person in np.argsort(-poses.score, kind="stable")[:n_people]:
        xy: Floats = poses.xy[person]
        line = float(np.clip(0.015 * np.ptp(xy, axis=0).max() * points_per_px, 0.4, 1.2))  # thinner on small people
        outline = [withStroke(linewidth=1.8 * line, foreground="black", alpha=0.7)]
        for limb in skeleton.limbs:
            axes.plot(*xy[list(limb)].T, color=colour_of(*limb), lw=line, solid_capstyle="round", path_effects=outline)
        for joint, place in enumerate(xy):
            axes.plot(*place, "o", color=colour_of(joint), ms=1.5 * line, mec="black", mew=0.25 * line, zorder=3)
