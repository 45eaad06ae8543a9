"""Figure 4: score against severity, a panel for each corruption, a line for each run."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from robustpose import corruptions
from robustpose.pose.cell import CLEAN, Cell
from robustpose.show.figures.runs import Run
from robustpose.show.figures.style import (
    PAGE_HEIGHT,
    TWO_COLUMNS,
    find_legend_height,
    line_of_run,
    put_legend,
    shorten,
    spell_corruption,
)

N_COLUMNS = 5
ROW = 1.15  # inches


def list_corruptions(runs: Sequence[Run]) -> list[str]:
    """Return the corruptions that any of the runs has: those of the benchmark in the paper's order, then others."""
    found = list(dict.fromkeys(cell.corruption for run in runs for cell in run.cells if cell.corruption is not None))
    return [name for name in corruptions.NAMES if name in found] + [
        name for name in found if name not in corruptions.NAMES
    ]


def draw_curves(runs: Sequence[Run]) -> Figure:
    """Return the figure for runs on the same data. Severity 0 is clean; bands are 95 % intervals, where there are."""
    names = list_corruptions(runs)
    n_columns = min(N_COLUMNS, len(names))
    n_rows = -(-len(names) // n_columns)
    width = max(TWO_COLUMNS * n_columns / N_COLUMNS, TWO_COLUMNS / 2)
    labels = [shorten(run.label) for run in runs]
    height = 0.3 + ROW * n_rows + find_legend_height(labels, width)
    figure = Figure(figsize=(width, min(PAGE_HEIGHT, height)), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for number, axes in enumerate(grid.flat):
        if number >= len(names):
            axes.remove()
            grid.flat[number - n_columns].tick_params("x", labelbottom=True)  # it is the lowest of its column now
            continue
        for index, run in enumerate(runs):
            _draw_line(axes, run, names[number], index)
        axes.set_title(spell_corruption(names[number]), pad=2)
        axes.set_xticks(range(6))
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="0.9", lw=0.5)
    has_bands = any(run.summary.get("intervals") for run in runs)
    figure.supxlabel("severity (0: clean)" + ("; bands: 95 % intervals" if has_bands else ""), fontsize=7)
    figure.supylabel(f"{runs[0].score_name} in percent", fontsize=7)
    lines = [Line2D([], [], **line_of_run(index)) for index in range(len(runs))]
    put_legend(figure, lines, labels)
    return figure


def _draw_line(axes: Axes, run: Run, corruption: str, index: int) -> None:
    cells = [CLEAN, *(Cell(corruption, severity) for severity in corruptions.SEVERITIES)]
    scores = {cell.severity: score for cell in cells if (score := run.score(cell)) is not None}
    if len(scores) < 2:  # clean alone
        return
    axes.plot(list(scores), [100 * score for score in scores.values()], **line_of_run(index), ms=2.2)
    bands = [(cell.severity, band) for cell in cells if (band := run.cell_interval(cell)) is not None]
    if bands:
        severities = [severity for severity, _ in bands]
        low, high = ([100 * band[end] for _, band in bands] for end in (0, 1))
        axes.fill_between(severities, low, high, color=line_of_run(index)["color"], alpha=0.2, lw=0)
