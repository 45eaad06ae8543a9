"""Figure 5 as the paper has it: the ratio (rPC) as bars, coloured by input size, and the clean scores as a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from robustpose.results.published import published_rows
from robustpose.results.rows import Row
from robustpose.show.figures import style
from robustpose.show.figures.runs import Run, name_groups

HEIGHT = 2.1  # inches, without the legend
LETTER = 0.045  # inches, of a name below the bars
GAP = 0.6  # between networks, of a bar
PUBLISHED = ("COCO-C", "OCHuman-C")  # of which the paper draws this figure
UNKNOWN = "input not known"


class Bar(NamedTuple):
    """One network at one input size; neighbours of one label stand together."""

    label: str
    size: str  # of the input, such as `256×192`, or `UNKNOWN`
    clean: Row
    ratio: Row


def list_published_bars() -> dict[str, list[Bar]]:
    """Return the bars of the paper's Table 1 by data set."""
    return {
        dataset: [
            Bar(row.model, spell_size(row.zoo.input_wh), Row("headline", "clean", "AP*", row.clean),
                Row("headline", "rPC", "rPC", row.rPC))
            for row in published_rows(dataset)
            if row.table == 1
        ]
        for dataset in PUBLISHED
    }  # fmt: skip


def make_run_bars(groups: Sequence[Sequence[Run]]) -> dict[str, list[Bar]]:
    """Return the bars of runs, which have a mean, by what the data are called."""
    return {
        title: [Bar(style.shorten(run.label), _read_size(run.summary), run.clean, run.ratio) for run in runs]
        for title, runs in zip(name_groups(groups), groups, strict=True)
    }


def draw_ratio_bars(panels: Mapping[str, Sequence[Bar]]) -> Figure:
    """Return the figure: a panel for each data set, as wide as its bars are many."""
    bars = [bar for panel in panels.values() for bar in panel]
    sizes = sorted({bar.size for bar in bars}, key=_order_size)
    colours = {size: style.GREY if size == UNKNOWN else style.PALETTE[n % 6] for n, size in enumerate(sizes)}
    clean, ratio = style.shorten(bars[0].clean.label), bars[0].ratio.label
    labels = [clean, *sizes]
    is_small = len(bars) <= 6
    width = style.ONE_COLUMN if is_small else style.TWO_COLUMNS
    names = LETTER * 0.8 * max(len(bar.label) for bar in bars)
    figure = Figure(figsize=(width, HEIGHT + names + style.find_legend_height(labels, width)), layout="constrained")
    shares = [len(panel) + 1.5 for panel in panels.values()]
    all_axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=shares, sharey=True)[0]
    for axes, (title, panel) in zip(all_axes, panels.items(), strict=True):
        _draw_panel(axes, panel, colours, sum(shares) / width)
        if len(panels) > 1:
            axes.set_title(title)
    all_axes[0].set(ylim=(0, None), ylabel=f"{ratio} (bars) and {clean} (line), percent")
    line = Line2D([], [], **_LINE)
    style.put_legend(figure, [line, *(Patch(color=colours[size], lw=0) for size in sizes)], labels)
    return figure


_LINE: dict[str, Any] = {"color": style.BLACK, "marker": "o", "ms": 2.6, "lw": 0.9, "mfc": "white", "mew": 0.7}


def spell_size(input_wh: tuple[int, int]) -> str:
    """Return an input size as the paper writes it, height first: `256×192`, and `512` for a square of whole images."""
    width, height = input_wh
    return f"{height}×{width}"


def _read_size(summary: Mapping[str, Any]) -> str:
    """Return the input size of a run, whose summary has width first, or nothing that is known."""
    said = summary["provenance"]["estimator"].get("input")
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", said) if isinstance(said, str) else None
    return UNKNOWN if found is None else spell_size((int(found[1]), int(found[2])))


def _order_size(size: str) -> tuple[int, str]:
    height, _, width = size.partition("×")
    return (int(height) * int(width), size) if width else (1 << 60, size)


def _draw_panel(axes: Axes, bars: Sequence[Bar], colours: Mapping[str, str], bars_per_inch: float) -> None:
    """Draw the bars, those of each network together, and the line of clean scores."""
    x, all_places, middles, names = 0.0, [], [], []
    for label, group in groupby(bars, key=lambda bar: bar.label):
        members = list(group)
        places = [x + index for index in range(len(members))]
        for place, bar in zip(places, members, strict=True):
            _draw_bar(axes, place, bar, colours[bar.size])
        all_places += places
        middles.append(sum(places) / len(places))
        names.append(label)
        x = places[-1] + 1 + GAP
    axes.plot(all_places, [100 * bar.clean.score for bar in bars], zorder=3, **_LINE)
    axes.set_xlim(-0.5 - GAP, x - 0.5)
    font = max(2.0, min(6.0, 72 / bars_per_inch))  # points: as many names as there are bars, at most
    axes.set_xticks(middles, names, rotation=35, ha="right", rotation_mode="anchor", fontsize=font)
    axes.tick_params("x", length=0)
    axes.grid(axis="y", color="0.9", lw=0.5)
    axes.set_axisbelow(True)


def _draw_bar(axes: Axes, place: float, bar: Bar, colour: str) -> None:
    if bar.ratio.value is None:  # the clean score is 0
        axes.annotate("–", (place, 0), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=6)
    else:
        axes.bar(place, 100 * bar.ratio.value, width=0.88, color=colour, lw=0)
    for row, aside in ((bar.ratio, -0.25), (bar.clean, 0.0)):
        if row.interval is not None:
            axes.plot([place + aside] * 2, [100 * end for end in row.interval], color=style.BLACK, lw=0.6, zorder=4)
