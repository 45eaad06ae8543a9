"""Figure 2: one image under the 15 corruptions, a row for each group; the clean image leads the first."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from robustpose import corruptions
from robustpose.data.corrupted import CorruptedImages
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Frame
from robustpose.show.figures.style import PAGE_HEIGHT, TWO_COLUMNS, spell_corruption

TITLE = 0.15  # inches, above every image
N_COLUMNS = 4  # noise has three corruptions, and the clean image beside them; the other groups have four


def list_sheet_cells(severity: int) -> list[Cell]:
    """Return the cells of the sheet in its order: clean, then the 15 corruptions at `severity`."""
    return [CLEAN, *(Cell(name, severity) for name in corruptions.NAMES)]


def draw_sheet(frame: Frame, corrupted_images: CorruptedImages, severity: int) -> Figure:
    """Return the figure of a clean frame. `corrupted_images` have been checked for it."""
    cells = list_sheet_cells(severity)
    n_rows = len(cells) // N_COLUMNS
    height, width = frame.image.shape[:2]
    tile_width = min(TWO_COLUMNS / N_COLUMNS, (PAGE_HEIGHT / n_rows - TITLE) * width / height)  # inches
    size = (tile_width * N_COLUMNS, n_rows * (tile_width * height / width + TITLE))
    layout = ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0, compress=True)
    figure = Figure(figsize=size, layout=layout)
    for axes, cell in zip(figure.subplots(n_rows, N_COLUMNS).flat, cells, strict=True):
        axes.imshow(corrupted_images.frame_in(frame, cell).image)
        axes.set_title("Clean" if cell.corruption is None else spell_corruption(cell.corruption), pad=2)
        axes.set_axis_off()
    return figure
