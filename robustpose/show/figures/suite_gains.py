"""Gains on several suites as figures: the map of what holds, and what is gained under each corruption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from robustpose.files import write_text
from robustpose.results.across import AcrossSuites
from robustpose.results.compare_suites import compare_suites
from robustpose.results.compared import ComparedRow, Difference
from robustpose.show.across_tables import across_to_latex
from robustpose.show.figures import style
from robustpose.show.figures.written import Written
from robustpose.show.held_map import find_range, list_regions
from robustpose.show.replacing import check_no_run, follow

ROW, MARK = 0.06, 0.045  # inches: of one corruption, and for each model more
ROOM = 0.42  # of a panel: its title, and the axis
MOST_IN_COLUMN = 22  # rows of panels; more take two columns


def write_suite_figures(runs: Sequence[Path], out: Path, names: Sequence[str] | None = None) -> Written:
    """Write fig_suites, fig_suites_corruptions and table.tex of finished runs of several suites.

    The first model is the standard one, over which the others gain.
    """
    check_no_run(out, "--out")
    written = Written(out)
    written.check()
    across = compare_suites(runs, names=names)
    written.notes += across.notes
    written.notes.append("other figures are of the runs of one suite: draw these apart")
    with style.paper_style():
        if across.gains:
            written.save(draw_held_gains(across), "fig_suites")
        else:
            written.notes.append("fig_suites is left out: it needs two models with runs of the same two suites")
        if any(row.kind == "corruption" and any(row.differences[1:]) for row in across.first.rows):
            written.save(draw_suite_corruptions(across), "fig_suites_corruptions")
    written.paths.append(out / "table.tex")
    write_text(follow(written.paths[-1]), across_to_latex(across))
    return written


def draw_held_gains(across: AcrossSuites) -> Figure:
    """Return the map: gain on one suite across, on others upwards; a mark for each model, in the colour of a suite."""
    suites = [comparison.suite for comparison in across.comparisons[1:]]
    models = sorted({gain.model for gain in across.gains})
    low, high = find_range(across.gains)
    handles, labels = [], []
    for model in models:
        handles.append(Line2D([], [], color=style.BLACK, lw=0, **_mark(model)))
        labels.append(style.shorten(across.names[model]))
    for number, suite in enumerate(suites):
        handles.append(Line2D([], [], color=_color(number), lw=2))
        labels.append(style.shorten(suite.name))
    height = style.ONE_COLUMN + style.find_legend_height(labels, style.ONE_COLUMN)
    figure = Figure(figsize=(style.ONE_COLUMN, height), layout="constrained")
    axes = figure.subplots()
    axes.plot([low, high], [low, high], color="0.6", lw=0.6, dashes=(4, 3), zorder=0)
    axes.axhline(0, color="black", lw=0.6)
    axes.axvline(0, color="black", lw=0.6)
    base = across.first.suite.name
    for region in list_regions(low, high, base):
        side = "right" if region.is_right else "left"
        axes.text(region.x, region.y, style.spell(region.words), fontsize=5.5, color=style.GREY, ha=side, va="center")
    for gain in across.gains:
        number = next(i for i, suite in enumerate(suites) if suite.label == gain.suite)
        _draw_point(axes, gain.known, gain.other, _color(number), _mark(gain.model))
    of = f"over {style.shorten(across.names[0])}"
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel(style.spell(f"gain on {base} {of}, points"))
    axes.set_ylabel("gain on the other suite, points")
    style.put_legend(figure, handles, labels)
    return figure


def _draw_point(axes: Axes, known: Difference, other: Difference, color: str, mark: dict[str, Any]) -> None:
    x, y = 100 * known.value, 100 * other.value
    if known.interval is not None:
        axes.plot([100 * end for end in known.interval], [y, y], color=color, lw=0.7)
    if other.interval is not None:
        axes.plot([x, x], [100 * end for end in other.interval], color=color, lw=0.7)
    is_shown = known.is_distinguishable and other.is_distinguishable
    axes.plot(x, y, color=color, mfc=color if is_shown else "white", lw=0, zorder=4, **mark)


def draw_suite_corruptions(across: AcrossSuites) -> Figure:
    """Return a panel for each suite: the gain under each corruption over the first model, a mark for each model."""
    panels = {
        comparison.suite.name: rows
        for comparison in across.comparisons
        if (rows := [row for row in comparison.rows if row.kind == "corruption" and any(row.differences[1:])])
    }
    models = range(1, len(across.names))
    labels = [style.shorten(across.names[model]) for model in models]
    n_rows = sum(map(len, panels.values()))
    n_columns = 1 if n_rows <= MOST_IN_COLUMN or len(panels) == 1 else 2
    width = style.ONE_COLUMN if n_columns == 1 else style.TWO_COLUMNS
    columns = _share_out(panels, n_columns)
    row_height = ROW + MARK * len(models)
    room = max(sum(ROOM + row_height * len(panels[name]) for name in column) for column in columns)
    height = room + style.find_legend_height(labels, width)
    figure = Figure(figsize=(width, min(style.PAGE_HEIGHT, height)), layout="constrained")
    drawn: list[Axes] = []
    for part, column in zip(figure.subfigures(1, n_columns, squeeze=False)[0], columns, strict=True):
        sizes = [len(panels[name]) + 1 for name in column]
        all_axes = part.subplots(len(column), 1, squeeze=False, height_ratios=sizes)[:, 0]
        for axes, name in zip(all_axes, column, strict=True):
            _draw_panel(axes, panels[name], models)
            axes.set_title(style.spell(name), loc="right", pad=2)
        all_axes[-1].set_xlabel(style.spell(f"gain over {style.shorten(across.names[0])}, points"))
        drawn.extend(all_axes)
    ends = [axes.get_xlim() for axes in drawn]
    for axes in drawn:  # on one scale, also beside each other
        axes.set_xlim(min(low for low, _ in ends), max(high for _, high in ends))
    handles = [Line2D([], [], color=_color(model - 1), lw=0, **_mark(model)) for model in models]
    style.put_legend(figure, handles, labels)
    return figure


def _draw_panel(axes: Axes, rows: Sequence[ComparedRow], models: Sequence[int]) -> None:
    axes.axvline(0, color="black", lw=0.6)
    step = 0.7 / max(len(models), 1)
    for place, row in enumerate(rows):
        for number, model in enumerate(models):
            difference = row.differences[model]
            if difference is None:
                continue
            y, color = place + step * (number - (len(models) - 1) / 2), _color(model - 1)
            if difference.interval is not None:
                axes.plot([100 * end for end in difference.interval], [y, y], color=color, lw=0.7)
            face = color if difference.is_distinguishable else "white"
            axes.plot(100 * difference.value, y, color=color, mfc=face, lw=0, **_mark(model))
    axes.set_yticks(range(len(rows)), [style.spell_corruption(row.name) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params("y", length=0)
    axes.grid(axis="x", color="0.9", lw=0.5)
    axes.set_axisbelow(True)


def _share_out(panels: dict[str, list[ComparedRow]], n_columns: int) -> list[list[str]]:
    """Return the names of panels by column, each panel in the one that is shortest so far."""
    columns: list[list[str]] = [[] for _ in range(n_columns)]
    for name in panels:
        shortest = min(columns, key=lambda column: sum(len(panels[one]) + 3 for one in column))
        shortest.append(name)
    return columns


def _color(number: int) -> str:
    return style.PALETTE[number % len(style.PALETTE)]


def _mark(model: int) -> dict[str, Any]:
    return {"marker": style.MARKERS[(model - 1) % len(style.MARKERS)], "ms": 4, "mew": 0.8}
