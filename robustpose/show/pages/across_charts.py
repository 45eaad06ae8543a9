"""The charts of models by suites: gains on one suite against gains on others, and gains under each corruption."""

from __future__ import annotations

from robustpose.printing import make_visible, shorten
from robustpose.results.across import AcrossSuites
from robustpose.results.held_gains import Gain
from robustpose.show.held_map import find_range, list_regions
from robustpose.show.pages.charts import COLORS, SYMBOLS, Chart, error_bars, escape_label, percents, silent_trace, trace
from robustpose.show.pages.compare_charts import MOST_AT_ONCE, ROW_HEIGHT, describe_difference, draw_run

MOST_NAMED = 8  # points with names; more have letters
LONGEST = 18  # letters of a name beside its point


def chart_held_gains(across: AcrossSuites) -> Chart:
    """Return the map of gains: a point for each model and other suite, with both intervals as a cross."""
    low, high = find_range(across.gains)
    base = across.first.suite.name
    dotted = {"color": "var(muted)", "width": 1, "dash": "dot"}
    data = [silent_trace([low, high], [low, high], line=dotted)]
    for number, comparison in enumerate(across.comparisons[1:]):
        gains = [gain for gain in across.gains if gain.suite == comparison.suite.label]
        if gains:
            data.append(_draw_suite(across, gains, comparison.suite.name, number))
    axis = {"range": [low, high], "zeroline": True, "zerolinecolor": "var(ink)", "constrain": "domain"}
    words = [
        {
            **{"x": one.x, "y": one.y, "text": escape_label(one.words), "showarrow": False},
            **{"xanchor": "right" if one.is_right else "left", "font": {"size": 12, "color": "var(muted)"}},
        }
        for one in list_regions(low, high, base)
    ]
    layout = {
        "xaxis": {"title": {"text": escape_label(f"gain on {base}, points")}, **axis},
        "yaxis": {"title": {"text": "gain on the other suite, points"}, "scaleanchor": "x", **axis},
        "annotations": words,
        "hovermode": "closest",
        "showlegend": len(across.comparisons) > 2,
        "height": 480,
    }
    return {"data": data, "layout": layout, "file": "held-gains"}


def _draw_suite(across: AcrossSuites, gains: list[Gain], suite: str, number: int) -> Chart:
    color, symbol = f"var({COLORS[number % len(COLORS)]})", SYMBOLS[number % len(SYMBOLS)]
    are_shown = [gain.known.is_distinguishable and gain.other.is_distinguishable for gain in gains]
    drawn = trace(
        "markers+text",
        percents(gain.known.value for gain in gains),
        percents(gain.other.value for gain in gains),
        name=escape_label(suite),
        text=[escape_label(_name_point(across, gain)) for gain in gains],
        textposition="top left",
        hovertext=[_describe(across, gain, suite) for gain in gains],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": color,
            "size": 11,
            "symbol": [symbol if is_shown else f"{symbol}-open" for is_shown in are_shown],
        },
    )
    for axis in ("x", "y"):
        sides = [gain.known if axis == "x" else gain.other for gain in gains]
        drawn[f"error_{axis}"] = error_bars([d.value for d in sides], [d.interval for d in sides], color, 1.4)
    return drawn


def _name_point(across: AcrossSuites, gain: Gain) -> str:
    """Return what stands beside a point; a star where one of the two models has learned from the like of the suite."""
    is_few = len(across.gains) <= MOST_NAMED
    name = shorten(across.names[gain.model], LONGEST) if is_few else across.letters[gain.model]
    return f"{name}*" if gain.seen else name


def _describe(across: AcrossSuites, gain: Gain, suite: str) -> str:
    lines = [
        f"<b>{escape_label(across.names[gain.model])}</b> over {escape_label(across.names[0])}",
        f"{escape_label(across.first.suite.name)}: {describe_difference(gain.known)}",
        f"{escape_label(suite)}: {describe_difference(gain.other)}",
        f"difference: {describe_difference(gain.change)}",
    ]
    if gain.seen:
        lines.append(escape_label(f"* learned from {len(gain.seen)} corruptions of {suite}, or from their like"))
    return "<br>".join(lines)


def chart_corruption_gains(across: AcrossSuites) -> Chart:
    """Return the chart of gains under each corruption, a suite at a time; of many models also a model at a time."""
    others = range(1, len(across.names))
    choices, n_rows = {}, 0
    for comparison in across.comparisons:
        rows = [row for row in comparison.rows if row.kind == "corruption"]
        name, marks = comparison.suite.name, mark_seen(across, comparison.suite.label)
        behind = {row: f" ({words})" for row, words in marks.items()}
        known = [run for run in others if any(row.differences[run] is not None for row in rows)]
        if known:
            n_rows = max(n_rows, len(rows))
        if known and len(others) < MOST_AT_ONCE:
            choices[make_visible(name)] = [draw_run(comparison, rows, run, behind) for run in known]
            continue
        for run in known:
            label = f"{name}: {across.letters[run]}, {across.names[run]}"
            choices[make_visible(label)] = [draw_run(comparison, rows, run, behind)]
    layout = {
        "xaxis": {
            "title": {"text": "difference to A, percentage points"},
            "zeroline": True,
            "zerolinecolor": "var(ink)",
        },
        "yaxis": {"autorange": "reversed", "type": "category"},
        "hovermode": "closest",
        "scattermode": "group",
        "height": 150 + ROW_HEIGHT * n_rows * (1 if len(others) == 1 else 1.4),
        "showlegend": len(others) > 1,
    }
    return {"choices": choices, "layout": layout, "file": "gains-by-corruption"}


def mark_seen(across: AcrossSuites, label: str) -> dict[str, str]:
    """Return by corruption of a suite which models have learned from it, such as `seen by B`, where any has."""
    of_models = across.list_seen(across.find_suite(label))
    names = dict.fromkeys(name for of_model in of_models for name in of_model)
    return {
        name: f"seen by {', '.join(letter for letter, of in zip(across.letters, of_models, strict=True) if name in of)}"
        for name in names
    }
