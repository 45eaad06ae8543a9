"""The chart of a comparison: each figure of a run less that of the first one, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from robustpose.printing import make_visible
from robustpose.results.compared import ComparedRow, Comparison, Difference
from robustpose.show.pages.charts import COLORS, SYMBOLS, Chart, error_bars, escape_label, percents, trace
from robustpose.show.pages.page import spoken

ROW_HEIGHT = 24  # px of a line in the chart
MOST_AT_ONCE = 4  # runs in one drawing; of more, one is chosen


def chart_differences(comparison: Comparison, rows: Sequence[ComparedRow]) -> Chart:
    """Return the chart of all differences to the first run, one line a figure, with their intervals.

    With many runs there is a choice of one of them.
    """
    others = range(1, len(comparison.names))
    traces = {run: draw_run(comparison, rows, run) for run in others}
    zero = {"zeroline": True, "zerolinecolor": "var(ink)"}
    layout = {
        "xaxis": {"title": {"text": "difference to A, percentage points"}, **zero},
        "yaxis": {"autorange": "reversed", "type": "category"},
        "hovermode": "closest",
        "scattermode": "group",
        "height": 150 + ROW_HEIGHT * len(rows) * (1 if len(traces) < 3 else 1.4),
        "showlegend": len(traces) > 1,
    }
    chart = {"layout": layout, "file": "differences"}
    if len(traces) < MOST_AT_ONCE:
        return {**chart, "data": list(traces.values())}
    letters, names = comparison.letters, comparison.names
    return {**chart, "choices": {make_visible(f"{letters[run]}: {names[run]}"): [traces[run]] for run in others}}


def draw_run(
    comparison: Comparison, rows: Sequence[ComparedRow], run: int, marks: Mapping[str, str] = MappingProxyType({})
) -> Chart:
    """Return the differences of one run to the first; `marks` stand behind the names of some rows."""
    known = [
        (escape_label(spoken(comparison.label(row)) + marks.get(row.name, "")), d)
        for row in rows
        if (d := row.differences[run]) is not None
    ]
    return draw_differences(known, run, escape_label(f"{comparison.letters[run]} − A"))


def draw_differences(lines: Sequence[tuple[str, Difference]], number: int, name: str) -> Chart:
    """Return differences with their intervals, each on its line, in the colour and with the sign of a number.

    Names of lines and that of the whole are escaped already.
    """
    differences = [d for _, d in lines]
    color, symbol = f"var({COLORS[number % len(COLORS)]})", SYMBOLS[number % len(SYMBOLS)]
    return trace(
        "markers",
        percents(d.value for d in differences),
        [line for line, _ in lines],
        name=name,
        text=[describe_difference(d) for d in differences],
        hovertemplate="%{y}: %{text}<extra></extra>",
        marker={
            "color": color,
            "size": 9,
            "symbol": [symbol if d.is_distinguishable else f"{symbol}-open" for d in differences],
        },
        error_x=error_bars([d.value for d in differences], [d.interval for d in differences], color, 1.4),
        orientation="h",  # several of one line are drawn side by side, if the layout says so
    )


def describe_difference(difference: Difference) -> str:
    """Return a difference in points with its interval, for hovering."""
    digits = difference.digits
    words = f"{100 * difference.value:+.{digits}f}"
    if difference.interval is None:
        return f"{words}, without an interval"
    low, high = (f"{100 * end:+.{digits}f}" for end in difference.interval)
    words += f" ({low} to {high})"
    return words if difference.is_distinguishable else f"{words}, not distinguishable"
