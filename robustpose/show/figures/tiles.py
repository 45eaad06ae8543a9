"""Tiles: the same part of one image in several cells, a row for each run or for the truth, with skeletons over it.

An image's score is the mean over its annotated people of the OKS of the pose that fits each best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from robustpose.data.corrupted import CorruptedImages
from robustpose.metrics.oks_kernels import compare_people, variances_of
from robustpose.pose.cell import Cell
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, ImageId, Poses, Truth, no_poses
from robustpose.show.figures.people import counted_people, draw_poses, draw_truth, find_window
from robustpose.show.figures.style import PAGE_HEIGHT, TWO_COLUMNS, shorten, tile, title_cell

TEXT = 0.14  # inches, of the line under a tile, and of that above the first row
LETTER = 0.054  # inches, of a title in 7 points

Found = Mapping[Cell, Mapping[ImageId, Poses]]  # poses of one run


class TileRow(NamedTuple):
    """A row of tiles."""

    label: str
    images: CorruptedImages
    found: Found | None  # None for the truth


def poses_in(found: Found, cell: Cell, truth: Truth) -> Poses:
    """Return the poses that a run found in the image of `truth` in a cell."""
    return found[cell].get(truth.image_id) or no_poses(truth.image_id, truth.xy.shape[1])


def mean_oks(poses: Poses, truth: Truth, skeleton: Skeleton) -> float:
    """Return the mean over counted people of the OKS of the pose that fits each best, over annotated joints."""
    rows = counted_people(truth)
    if not len(poses.xy):
        return 0.0
    sides = poses.xy, truth.xy[rows], truth.visible[rows], truth.boxes[rows], truth.area[rows]
    oks = compare_people(*sides, variances_of(np.asarray(skeleton.sigmas)))  # (M, N)
    return float(oks.max(0).mean())


def find_aspect(truth: Truth, frame: Frame) -> float:
    """Return width by height of the part of an image that tiles show."""
    height, width = frame.image.shape[:2]
    x1, y1, x2, y2 = find_window(truth, (width, height))
    return (x2 - x1) / (y2 - y1)


def draw_tiles(
    rows: Sequence[TileRow],
    blocks: Sequence[Sequence[Cell]],
    frame: Frame,
    truth: Truth,
    skeleton: Skeleton,
    n_across: int,
) -> Figure:
    """Return the figure: the rows in the cells of each block, block below block.

    `frame` is the clean image; tiles are as wide as `n_across` of them have room in, or smaller if a page is not high
    enough.
    """
    height, width = frame.image.shape[:2]
    x1, y1, x2, y2 = find_window(truth, (width, height))
    n_rows, n_columns = len(rows) * len(blocks), max(map(len, blocks))
    tile_width = (TWO_COLUMNS - 0.2) / n_across  # inches
    tile_height = tile_width * (y2 - y1) / (x2 - x1)
    text = TEXT * (sum(row.found is not None for row in rows) / len(rows))  # the truth has no line below it
    scale = min(1.0, (PAGE_HEIGHT - TEXT * len(blocks)) / n_rows / tile_height - text / tile_height)
    size = (scale * tile_width * n_columns + 0.2, (scale * tile_height + text) * n_rows + TEXT * len(blocks))
    figure, grid = tile(n_rows, n_columns, size)
    for axes in grid.flat:
        axes.set(xlim=(x1 - 0.5, x2 - 0.5), ylim=(y2 - 0.5, y1 - 0.5), xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
    for number in range(n_rows):
        block, row = blocks[number // len(rows)], rows[number % len(rows)]
        for axes, cell in zip(grid[number], block, strict=False):  # the last block may have room to spare
            image = row.images.frame_in(frame, cell).image
            axes.imshow(image[y1:y2, x1:x2], extent=(x1 - 0.5, x2 - 0.5, y2 - 0.5, y1 - 0.5))
            axes.set(xlim=(x1 - 0.5, x2 - 0.5), ylim=(y2 - 0.5, y1 - 0.5))
            points_per_px = 72 * scale * tile_height / (y2 - y1)
            if row.found is None:
                draw_truth(axes, truth, skeleton, points_per_px)
            else:
                poses = poses_in(row.found, cell, truth)
                draw_poses(axes, poses, skeleton, len(truth.xy), points_per_px)
                axes.set_xlabel(f"OKS {mean_oks(poses, truth, skeleton):.2f}", fontsize=6, labelpad=1.5)
            if number % len(rows) == 0:
                title = f"{title_cell(cell)} {cell.severity or ''}".strip()
                fitting = scale * tile_width / (LETTER * len(title))
                axes.set_title(title, pad=2, fontsize=7 * min(1.0, fitting))
        n_letters = max(8, int(scale * tile_height / 0.052))
        lines = wrap(shorten(row.label, 2 * n_letters - 2), n_letters)
        grid[number][0].set_ylabel("\n".join(lines[:2]), fontsize=6, labelpad=2)
    return figure
