"""Figure 1: clean score and mPC of the runs and of the paper's models, as bars, the most robust on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from robustpose.results.rows import percent
from robustpose.show.figures.paper import choose_rows, name_row
from robustpose.show.figures.runs import Run
from robustpose.show.figures.style import (
    BLUE,
    ONE_COLUMN,
    PAGE_HEIGHT,
    VERMILLION,
    find_legend_height,
    put_legend,
    shorten,
)

ROW = 0.145  # inches, of one model
ROOM = 0.35  # for the axis
PALE = 0.4  # of the part of a bar that corruption takes away


class Bar(NamedTuple):
    """One model: scores 0..1, and their intervals where there are any."""

    label: str
    clean: float
    mpc: float
    rpc: float | None
    is_run: bool
    clean_interval: tuple[float, float] | None = None
    mpc_interval: tuple[float, float] | None = None


def draw_overview(groups: Sequence[Sequence[Run]], beside: str | None = None) -> Figure:
    """Return the figure: a panel for each group of runs on the same data. All runs have an mPC."""
    panels = [_make_bars(runs, beside) for runs in groups]
    metric = groups[0][0].score_name
    has_published = any(not bar.is_run for bars in panels for bar in bars)
    colours = {"runs": VERMILLION, **({"Wang et al. 2021": BLUE} if has_published else {})}
    labels = [f"{whose}: {score}" for whose in colours for score in ("mPC", f"{metric}*")]
    height = ROOM + ROW * sum(len(bars) + 2 for bars in panels) + find_legend_height(labels, ONE_COLUMN)
    figure = Figure(figsize=(ONE_COLUMN, min(PAGE_HEIGHT, height)), layout="constrained")
    shares = [len(bars) + 1 for bars in panels]
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=shares, sharex=True)[:, 0]
    for axes, runs, bars in zip(all_axes, groups, panels, strict=True):
        _draw_bars(axes, bars)
        if len(groups) > 1:
            axes.set_title(runs[0].title, loc="right")
    all_axes[-1].set_xlabel(f"{metric} in percent; at the right rPC")
    patches = [Patch(color=colour, alpha=alpha, lw=0) for colour in colours.values() for alpha in (1, PALE)]
    put_legend(figure, patches, labels)
    return figure


def _make_bars(runs: Sequence[Run], beside: str | None) -> list[Bar]:
    """Return the bars of runs on the same data and of the paper's models, the best mPC first."""
    bars = [
        Bar(
            shorten(run.label),
            run.summary["clean"],
            run.summary["mPC"],
            run.summary["rPC"],
            True,
            run.interval("clean"),
            run.interval("mPC"),
        )
        for run in runs
    ]
    bars += [Bar(name_row(row), row.clean, row.mPC, row.rPC, False) for row in choose_rows(runs, beside)]
    return sorted(bars, key=lambda bar: -bar.mpc)


def _draw_bars(axes: Axes, bars: Sequence[Bar]) -> None:
    places = range(len(bars))
    for place, bar in zip(places, bars, strict=True):
        colour = VERMILLION if bar.is_run else BLUE
        axes.barh(place, 100 * bar.clean, height=0.72, color=colour, alpha=PALE, lw=0)
        axes.barh(place, 100 * bar.mpc, height=0.72, color=colour, lw=0)
        for interval, up in ((bar.mpc_interval, -0.12), (bar.clean_interval, 0.12)):
            if interval is not None:
                axes.plot([100 * end for end in interval], [place + up] * 2, color="black", lw=0.7)
        ends = [bar.clean, *(bar.clean_interval or ())]
        axes.annotate(
            percent(bar.rpc),
            (100 * max(ends), place),
            (2, 0),
            textcoords="offset points",
            va="center",
            ha="left",
            fontsize=5.5,
        )
    axes.set_yticks(places, [bar.label for bar in bars])
    for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.is_run else "normal")
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.tick_params("y", length=0)
    axes.margins(x=0.09)
    axes.set_xlim(left=0)
