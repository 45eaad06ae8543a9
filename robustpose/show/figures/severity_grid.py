"""Figure 2: one image under every corruption of a suite, clean first, at one severity."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

from matplotlib.figure import Figure

from robustpose.data.corrupted import CorruptedImages
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame
from robustpose.show.figures.style import PAGE_HEIGHT, TWO_COLUMNS, tile, title_cell

TITLE = 0.15  # inches, above every image


def draw_severity_grid(frame: Frame, corrupted_images: CorruptedImages, cells: Sequence[Cell]) -> Figure:
    """Return the figure: a clean frame in each of `cells`, for which `corrupted_images` have been checked.

    As many columns as rows give coco-c a row for each group: clean leads that of noise, which is one shorter.
    """
    n_columns = ceil(sqrt(len(cells)))
    n_rows = ceil(len(cells) / n_columns)
    height, width = frame.image.shape[:2]
    tile_width = min(TWO_COLUMNS / n_columns, (PAGE_HEIGHT / n_rows - TITLE) * width / height)  # inches
    size = (tile_width * n_columns, n_rows * (tile_width * height / width + TITLE))
    figure, grid = tile(n_rows, n_columns, size)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, cell in zip(grid.flat, cells, strict=False):  # the last row may have room to spare
        axes.imshow(corrupted_images.frame_in(frame, cell).image)
        axes.set_title(title_cell(cell), pad=2)
    return figure
