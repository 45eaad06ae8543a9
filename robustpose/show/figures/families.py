"""Figure 5: mPC, or another suite's mean, against clean score: published models as circles, runs as other marks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from robustpose.results.published import PublishedRow
from robustpose.show.figures import style
from robustpose.show.figures.paper import choose_rows
from robustpose.show.figures.runs import Run

COLOURS = {"SBL": style.BLUE, "HRNet": style.GREEN, "HigherHRNet": style.PURPLE, "PifPaf": style.SKY}
PANEL = 2.4  # inches, with its axes
RATIO_LINES = np.arange(0.1, 1.01, 0.1)


def draw_families(groups: Sequence[Sequence[Run]], beside: str | None = None) -> Figure:
    """Return the figure: a panel for each group of runs on the same data. All runs have a mean.

    Open circles are standard training, filled ones AdvMix, with a line between the two of a model. Grey lines are of
    equal ratio.
    """
    rows_of = [choose_rows(runs, beside) for runs in groups]
    published = [row for rows in rows_of for row in rows]
    families = list(dict.fromkeys(map(_family, published)))
    families += ["with AdvMix"] if any(row.training == "AdvMix" for row in published) else []
    labels = [style.shorten(run.label) for runs in groups for run in runs]
    width = style.ONE_COLUMN if len(groups) == 1 else style.TWO_COLUMNS
    height = PANEL + style.find_legend_height(families, width) + style.find_legend_height(labels, width)
    figure = Figure(figsize=(width, min(style.PAGE_HEIGHT, height)), layout="constrained")
    marks: list[Line2D] = []
    markers = cycle(style.MARKERS)
    for axes, runs, rows in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, rows_of, strict=True):
        _draw_circles(axes, rows)
        marks += [_draw_run(axes, run, next(markers)) for run in runs]
        _finish_axes(axes, runs, len(groups) > 1)
    if families:
        style.put_legend(figure, [_family_mark(family) for family in families], families)
    style.put_legend(figure, marks, labels, "outside lower center")
    return figure


def _draw_circles(axes: Axes, rows: Sequence[PublishedRow]) -> None:
    """Draw published models, family by family, each joined to itself with AdvMix."""
    standard = {(row.model, row.input, row.boxes): row for row in rows if row.training == "Standard"}
    families = list(dict.fromkeys(map(_family, rows)))
    for row in sorted(rows, key=lambda row: families.index(_family(row))):
        colour = _colour(_family(row))
        is_hardened = row.training == "AdvMix"
        start = standard.get((row.model, row.input, row.boxes)) if is_hardened else None
        if start is not None:
            axes.plot([100 * start.clean, 100 * row.clean], [100 * start.mPC, 100 * row.mPC], color=colour, lw=0.8)
        face = colour if is_hardened else "white"
        axes.plot(100 * row.clean, 100 * row.mPC, "o", color=colour, mfc=face, ms=4, mew=0.9, zorder=3)


def _draw_run(axes: Axes, run: Run, marker: str) -> Line2D:
    clean, mean = 100 * run.clean.score, 100 * run.mean.score
    for row in (run.clean, run.mean):
        if row.interval is not None:
            ends = [100 * end for end in row.interval]
            x, y = (ends, [mean] * 2) if row == run.clean else ([clean] * 2, ends)
            axes.plot(x, y, color=style.VERMILLION, lw=0.7, zorder=4)
    mark: dict[str, Any] = {"marker": marker, "ms": 5.5, "mec": style.BLACK, "mew": 0.5, "lw": 0, "zorder": 5}
    return axes.plot(clean, mean, color=style.VERMILLION, **mark)[0]


def _finish_axes(axes: Axes, runs: Sequence[Run], has_title: bool) -> None:
    """Name the axes and draw the lines of equal ratio, each with its name where it leaves the panel."""
    axes.margins(0.12)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    left, right, bottom, top = *_widen(left, right), *_widen(bottom, top)
    for ratio in RATIO_LINES:
        axes.plot([0, 100], [0, 100 * ratio], color="0.8", lw=0.5, dashes=(4, 3), zorder=0)
        if bottom < ratio * right < top:
            where: dict[str, Any] = {"xy": (right, ratio * right), "xytext": (2, 0), "ha": "left", "va": "center"}
        elif left < top / ratio < right:
            where = {"xy": (top / ratio, top), "xytext": (0, 1), "ha": "center", "va": "bottom"}
        else:
            continue
        axes.annotate(f"{100 * ratio:.0f}", textcoords="offset points", fontsize=5.5, color=style.GREY, **where)
    mean_words = f"{runs[0].mean.label} in percent (dashed: equal {runs[0].ratio.label})"
    score = style.shorten(runs[0].clean.label)
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=f"{score} in percent", ylabel=mean_words)
    if has_title:
        axes.set_title(runs[0].title, pad=10)


def _widen(low: float, high: float) -> tuple[float, float]:
    """Return a range of percents that spans 10 at least, around the same middle."""
    return (low, high) if high - low >= 10 else ((low + high) / 2 - 5, (low + high) / 2 + 5)


def _family_mark(family: str) -> Line2D:
    if family == "with AdvMix":
        return Line2D([], [], color=style.GREY, marker="o", lw=0.8)
    return Line2D([], [], color=_colour(family), marker="o", mfc="white", lw=0)


def _family(row: PublishedRow) -> str:
    return row.model.split()[0] + (", gt boxes" if row.has_annotated_boxes else "")


def _colour(family: str) -> str:
    return style.BLACK if "," in family else COLOURS[family]
