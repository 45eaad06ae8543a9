"""Figure 1: clean score and mean under corruption (mPC) of runs and of the paper's models, as bars, the best on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from robustpose.results.rows import Row, percent
from robustpose.show.figures import style
from robustpose.show.figures.paper import choose_rows, name_row
from robustpose.show.figures.runs import Run

ROW = 0.145  # inches, of one model
ROOM = 0.35  # for the axis
PALE = 0.4  # of the part of a bar that corruption takes away


class Bar(NamedTuple):
    """One model: its label, and its scores as rows."""

    label: str
    clean: Row
    mean: Row
    ratio: Row
    is_run: bool = True


def draw_overview(groups: Sequence[Sequence[Run]], beside: str | None = None) -> Figure:
    """Return the figure: a panel for each group of runs on the same data. All runs have a mean."""
    panels = [_make_bars(runs, beside) for runs in groups]
    run = groups[0][0]
    has_published = any(not bar.is_run for bars in panels for bar in bars)
    colours = {"runs": style.VERMILLION, **({"Wang et al. 2021": style.BLUE} if has_published else {})}
    labels = [f"{whose}: {score}" for whose in colours for score in (run.mean.label, style.shorten(run.clean.label))]
    height = ROOM + ROW * sum(len(bars) + 2 for bars in panels) + style.find_legend_height(labels, style.ONE_COLUMN)
    figure = Figure(figsize=(style.ONE_COLUMN, min(style.PAGE_HEIGHT, height)), layout="constrained")
    shares = [len(bars) + 1 for bars in panels]
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=shares, sharex=True)[:, 0]
    for axes, runs, bars in zip(all_axes, groups, panels, strict=True):
        _draw_bars(axes, bars)
        if len(groups) > 1:
            axes.set_title(runs[0].title, loc="right")
    all_axes[-1].set_xlabel(f"{style.shorten(run.score_name)} in percent; at the right {run.ratio.label}")
    patches = [Patch(color=colour, alpha=alpha, lw=0) for colour in colours.values() for alpha in (1, PALE)]
    style.put_legend(figure, patches, labels)
    return figure


def _make_bars(runs: Sequence[Run], beside: str | None) -> list[Bar]:
    """Return the bars of runs on the same data and of the paper's models, the best mean first."""
    bars = [Bar(style.shorten(run.label), run.clean, run.mean, run.ratio) for run in runs]
    for row in choose_rows(runs, beside):
        scores = {"clean": row.clean, "mPC": row.mPC, "rPC": row.rPC}
        clean, mean, ratio = (Row("headline", name, name, value) for name, value in scores.items())
        bars.append(Bar(name_row(row), clean, mean, ratio, is_run=False))
    return sorted(bars, key=lambda bar: -bar.mean.score)


def _draw_bars(axes: Axes, bars: Sequence[Bar]) -> None:
    for place, bar in enumerate(bars):
        colour = style.VERMILLION if bar.is_run else style.BLUE
        axes.barh(place, 100 * bar.clean.score, height=0.72, color=colour, alpha=PALE, lw=0)
        axes.barh(place, 100 * bar.mean.score, height=0.72, color=colour, lw=0)
        for row, up in ((bar.mean, -0.12), (bar.clean, 0.12)):
            if row.interval is not None:
                axes.plot([100 * end for end in row.interval], [place + up] * 2, color="black", lw=0.7)
        end = 100 * max([bar.clean.score, *(bar.clean.interval or ())])
        where: dict[str, Any] = {"xytext": (2, 0), "textcoords": "offset points", "va": "center", "ha": "left"}
        axes.annotate(percent(bar.ratio.value), (end, place), fontsize=5.5, **where)
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.is_run else "normal")
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.tick_params("y", length=0)
    axes.margins(x=0.09)
    axes.set_xlim(left=0)
