"""Figure 1 as the paper has it: by network, the mean under corruption (mPC) and on top of it what hardening gains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from robustpose.results.compared import Difference
from robustpose.show.figures import style
from robustpose.show.figures.pairs import Pair, Panels

ROW = 0.185  # inches, of one network
ROOM = 0.45  # for the axis
ROOM_OF_GAIN = 16  # percent of a score: what a gain takes as it is written
# Of a clean score: how far from the middle of its bar, and its mark. The two are often the same to a tenth of a point.
MARKS: tuple[tuple[float, dict[str, Any]], ...] = ((-0.17, {"mfc": "white"}), (0.17, {"mfc": style.BLACK}))
LOST: dict[str, Any] = {"facecolor": "white", "edgecolor": style.VERMILLION, "hatch": "//////", "lw": 0.5}


def draw_gain_overview(panels: Panels, score_name: str, mean_name: str) -> Figure:
    """Return the figure: a panel for each data set, a bar for each pair. All pairs have the mean of their suite."""
    gains = [gain_of(pair).value for pairs in panels.values() for pair in pairs]
    entries: dict[str, Any] = {
        f"standard, {mean_name}": Patch(color=style.BLUE, lw=0),
        **({f"gain in {mean_name}": Patch(color=style.ORANGE, lw=0)} if max(gains) >= 0 else {}),
        **({f"loss in {mean_name}": Patch(**LOST)} if min(gains) < 0 else {}),
        "standard, clean": Line2D([], [], color=style.BLACK, marker="o", ms=3, lw=0, **MARKS[0][1]),
        "hardened, clean": Line2D([], [], color=style.BLACK, marker="o", ms=3, lw=0, **MARKS[1][1]),
    }
    n_rows = sum(len(pairs) + 1.5 for pairs in panels.values())
    height = ROOM + ROW * n_rows + style.find_legend_height(list(entries), style.ONE_COLUMN)
    figure = Figure(figsize=(style.ONE_COLUMN, min(style.PAGE_HEIGHT, height)), layout="constrained")
    shares = [len(pairs) + 0.5 for pairs in panels.values()]
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=shares, sharex=True)[:, 0]
    for axes, (title, pairs) in zip(all_axes, panels.items(), strict=True):
        _draw_pairs(axes, pairs)
        axes.set_title(title, loc="right", pad=2)
    words = f"{style.shorten(score_name)} in percent\n(in the bars: gain in {mean_name})"
    all_axes[-1].set(xlim=(0, None), xlabel=words)
    style.put_legend(figure, list(entries.values()), list(entries))
    return figure


def gain_of(pair: Pair) -> Difference:
    """Return the gain in the mean of the suite, of a pair that has it."""
    assert pair.gains.of_mean is not None, f"{pair.label} has no mean"
    return pair.gains.of_mean


def _draw_pairs(axes: Axes, pairs: Sequence[Pair]) -> None:
    for place, pair in enumerate(pairs):
        assert pair.gains.mean is not None
        standard, hardened = (100 * score for score in pair.gains.mean)
        axes.barh(place, min(standard, hardened), height=0.72, color=style.BLUE, lw=0)
        if hardened >= standard:
            axes.barh(place, hardened - standard, left=standard, height=0.72, color=style.ORANGE, lw=0)
        else:
            axes.barh(place, standard - hardened, left=hardened, height=0.72, **LOST)
        ends = [standard + 100 * end for end in gain_of(pair).interval or ()]
        if ends:
            axes.plot(ends, [place] * 2, color=style.BLACK, lw=0.7)
        for score, (up, mark) in zip(pair.gains.clean, MARKS, strict=True):
            axes.plot(100 * score, place + up, "o", color=style.BLACK, ms=2.6, mew=0.6, zorder=4, clip_on=False, **mark)
        _write_gain(axes, place, min(standard, hardened, *ends), max(standard, hardened, *ends), gain_of(pair).value)
    axes.set_yticks(range(len(pairs)), [style.shorten(pair.label) for pair in pairs])
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    axes.tick_params("y", length=0)
    axes.margins(x=0.04)


def _write_gain(axes: Axes, place: int, low: float, high: float, gain: float) -> None:
    """Write a gain into a bar, before its whisker begins at `low`; beyond `high` where the bar is too short."""
    is_inside = low > ROOM_OF_GAIN
    where: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 5.5}
    where |= {"ha": "right", "xytext": (-2, 0), "color": "white"} if is_inside else {"ha": "left", "xytext": (3, 0)}
    axes.annotate(style.spell_gain(gain), (low if is_inside else high, place), zorder=5, **where)
