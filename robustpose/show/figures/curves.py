"""Figure 4: score against severity, a panel for each corruption, a line for each run."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from robustpose.corruptions.suites import cells_of
from robustpose.show.figures import style
from robustpose.show.figures.runs import Run

N_COLUMNS = 5
ROW = 1.15  # inches


def list_corruptions(runs: Sequence[Run]) -> list[str]:
    """Return the corruptions that any of the runs has: those of their suite in its order, then others."""
    found = dict.fromkeys(cell.corruption for run in runs for cell in run.cells if cell.corruption is not None)
    return [name for name in dict.fromkeys([*runs[0].suite.corruptions, *found]) if name in found]


def draw_curves(runs: Sequence[Run]) -> Figure:
    """Return the figure for runs on the same data. Severity 0 is clean; bands are 95 % intervals, where there are."""
    names = list_corruptions(runs)
    n_columns = min(N_COLUMNS, len(names))
    n_rows = -(-len(names) // n_columns)
    width = max(style.TWO_COLUMNS * n_columns / N_COLUMNS, style.TWO_COLUMNS / 2)
    labels = [style.shorten(run.label) for run in runs]
    height = 0.3 + ROW * n_rows + style.find_legend_height(labels, width)
    figure = Figure(figsize=(width, min(style.PAGE_HEIGHT, height)), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for number, axes in enumerate(grid.flat):
        if number >= len(names):
            axes.remove()
            grid.flat[number - n_columns].tick_params("x", labelbottom=True)  # it is the lowest of its column now
            continue
        for index, run in enumerate(runs):
            _draw_line(axes, run, names[number], index)
        axes.set_title(style.spell_corruption(names[number]), pad=2)
        axes.set_xticks((0, *runs[0].suite.severities))
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="0.9", lw=0.5)
    has_bands = any(run.summary.get("intervals") for run in runs)
    figure.supxlabel("severity (0: clean)" + ("; bands: 95 % intervals" if has_bands else ""), fontsize=7)
    figure.supylabel(f"{style.shorten(runs[0].score_name)} in percent", fontsize=7)
    style.put_legend(figure, [Line2D([], [], **style.line_of_run(index)) for index in range(len(runs))], labels)
    return figure


def _draw_line(axes: Axes, run: Run, corruption: str, index: int) -> None:
    rows = {cell.severity: run.find_row(cell.key) for cell in cells_of([corruption], run.suite.severities)}
    scores = {severity: row.value for severity, row in rows.items() if row.value is not None}
    if len(scores) < 2:  # clean alone
        return
    axes.plot(list(scores), [100 * score for score in scores.values()], **style.line_of_run(index), ms=2.2)
    bands = {severity: row.interval for severity, row in rows.items() if row.interval is not None}
    if bands:
        low, high = ([100 * band[end] for band in bands.values()] for end in (0, 1))
        axes.fill_between(list(bands), low, high, color=style.line_of_run(index)["color"], alpha=0.2, lw=0)
