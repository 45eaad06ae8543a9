"""Figure 4 as the paper has it: what hardening gains under each corruption (a), and at each severity (b)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from robustpose.corruptions.suites import Suite
from robustpose.results.compared import Difference
from robustpose.show.figures import style
from robustpose.show.figures.pairs import Pair, Panels

PANEL = 1.35  # inches, of one data set
NAMES = 0.55  # below the panels, for the names of corruptions
NAMED, NUMBERED = 8, 30  # bars that have room in one column, with long names below them and with numbers
GROUP = 0.8  # of the room of a corruption or severity: its bars together


def draw_corruption_gains(panels: Panels, suite: Suite, score_name: str) -> Figure:
    """Return figure 4a: the gain under each corruption, mean over severities; a panel for each data set."""
    found = {name for pairs in panels.values() for pair in pairs for name in pair.gains.corruptions}
    others = [name for pairs in panels.values() for pair in pairs for name in pair.gains.corruptions]
    names = [name for name in dict.fromkeys([*suite.corruptions, *others]) if name in found]
    width = _find_width(panels, len(names), NAMED)
    figure, all_axes = _draw(panels, names, lambda pair: pair.gains.corruptions, score_name, width)
    group_of = {name: group for group, members in suite.groups.items() for name in members}
    for axes in all_axes:
        axes.set_xticks(range(len(names)), [])
        for place in range(1, len(names)):
            if group_of.get(names[place]) != group_of.get(names[place - 1]):
                axes.axvline(place - 0.5, color="0.8", lw=0.5, zorder=0)
    labels = [style.spell_corruption(name) for name in names]
    all_axes[-1].set_xticks(range(len(names)), labels, rotation=35, ha="right", rotation_mode="anchor")
    return figure


def draw_severity_gains(panels: Panels, score_name: str) -> Figure:
    """Return figure 4b: the gain at each severity, mean over corruptions; a panel for each data set."""
    severities = sorted({at for pairs in panels.values() for pair in pairs for at in pair.gains.severities})
    width = _find_width(panels, len(severities), NUMBERED)
    figure, all_axes = _draw(panels, severities, lambda pair: pair.gains.severities, score_name, width)
    for axes in all_axes:
        axes.set_xticks(range(len(severities)), map(str, severities))
    all_axes[-1].set_xlabel("severity")
    return figure


def _find_width(panels: Panels, n_places: int, room: int) -> float:
    is_small = n_places * max(map(len, panels.values())) <= room
    return style.ONE_COLUMN if is_small else style.TWO_COLUMNS


def _draw(
    panels: Panels,
    places: Sequence[Any],
    gains_of: Callable[[Pair], Mapping[Any, Difference]],
    score: str,
    width: float,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a group of bars at each place, a bar for each pair, and its axes from top to bottom."""
    labels = [style.shorten(pair.label) for pairs in panels.values() for pair in pairs]
    height = PANEL * len(panels) + NAMES + style.find_legend_height(labels, width)
    figure = Figure(figsize=(width, min(style.PAGE_HEIGHT, height)), layout="constrained")
    all_axes = list(figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0])
    number = 0
    for axes, (title, pairs) in zip(all_axes, panels.items(), strict=True):
        bar = GROUP / len(pairs)
        for index, pair in enumerate(pairs):
            starts = {place: x - GROUP / 2 + (index + 0.5) * bar for x, place in enumerate(places)}
            _draw_pair(axes, gains_of(pair), starts, bar, style.bar_of_pair(number))
            number += 1
        axes.axhline(0, color="black", lw=0.6)
        axes.grid(axis="y", color="0.9", lw=0.5)
        axes.set_axisbelow(True)
        axes.tick_params("x", length=0)
        axes.set_xlim(-0.6, len(places) - 0.4)
        axes.set_title(title, loc="right", pad=2)
    has_intervals = any(
        gain.interval for pairs in panels.values() for pair in pairs for gain in gains_of(pair).values()
    )
    # The longer words have no room beside one low panel.
    figure.supylabel(f"gain in {style.shorten(score, 16)}, points" + ("\n(95 % intervals)" * has_intervals), fontsize=7)
    style.put_legend(figure, [Patch(**style.bar_of_pair(index)) for index in range(number)], labels)
    return figure, all_axes


def _draw_pair(
    axes: Axes, gains: Mapping[Any, Difference], starts: Mapping[Any, float], width: float, look: Mapping[str, Any]
) -> None:
    for place, gain in gains.items():
        axes.bar(starts[place], 100 * gain.value, width=0.92 * width, **look)
        if gain.interval is not None:
            axes.plot([starts[place]] * 2, [100 * end for end in gain.interval], color="black", lw=0.6)
