"""Charts, as plotly's data and layout in plain dicts; `templates/charts.js` draws them in the page's colours.

A colour is a name in the page's styles: ``var(s1)``, or ``var(s1, 0.2)`` with opacity. Labels go through
`escape_label`, for plotly reads HTML in them.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from robustpose.printing import make_visible, shorten
from robustpose.results.published import PublishedRow
from robustpose.results.rows import Interval, Row, model_name, percent, rows_of, severities_of, suite_of, tabulate_cells
from robustpose.show.pages.page import interval_words, spoken

# A chart: data, layout, file (its name when downloaded); or choices instead of data: data by name. Or a part of one.
Chart = dict[str, Any]

LONGEST_IN_LEGEND = 28  # letters, in half a chart
COLORS = ("s1", "s2", "s3", "s4", "s5", "s6")
TRAINING_SYMBOLS = {"Standard": "circle", "AdvMix": "diamond"}  # others: a cross
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x")
DASHES = ("solid", "dash", "dot", "dashdot")


def escape_label(text: str) -> str:
    """Return a text so that plotly shows it letter by letter."""
    return html.escape(make_visible(text), quote=False)


def percents(values: Iterable[float]) -> list[float]:
    """Return scores of 0..1 in percent, as short as a page needs them."""
    return [round(100 * value, 3) for value in values]


def trace(mode: str, x: Sequence[Any], y: Sequence[Any], **more: Any) -> Chart:
    """Return points or a line of a chart, with whatever else plotly's `scatter` takes."""
    return {"type": "scatter", "mode": mode, "x": x, "y": y, **more}


def silent_trace(x: Sequence[float], y: Sequence[float], **more: Any) -> Chart:
    """Return a line that shows nothing on hovering and is not in the legend."""
    return trace("lines", x, y, **{"hoverinfo": "skip", "showlegend": False, **more})


def error_bars(values: Sequence[float], intervals: Sequence[Interval | None], color: str, width: float) -> Chart:
    """Return whiskers of points, in percent; none where a point has no interval."""
    ends = [(value, value) if one is None else one for value, one in zip(values, intervals, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": percents(abs(high - value) for value, (_, high) in zip(values, ends, strict=True)),
        "arrayminus": percents(abs(value - low) for value, (low, _) in zip(values, ends, strict=True)),
        "color": color,
        "thickness": width,
    }


def severity_curves(summary: Mapping[str, Any], file: str) -> dict[str, Chart]:
    """Return a chart for each group of corruptions: the score against severity, clean at 0, with interval bands."""
    clean = _headline(summary)["clean"]
    rows = [clean, *rows_of(summary, "cell")]
    top = max(score for row in rows for score in (row.value or 0.0, *(row.interval or ())))
    ceiling = min(100, 10 * math.ceil(10 * top + 1e-9)) or 10
    severities = severities_of(summary)
    layout = {
        "xaxis": {
            "title": {"text": "severity"},
            "tickvals": [0, *severities],
            "ticktext": ["clean", *map(str, severities)],
            "range": [-0.2, max(severities) + 0.2],
            "showgrid": False,
            "spikecolor": "var(muted)",
            "spikethickness": 1,
            "spikedash": "dot",
            "unifiedhovertitle": {"text": "severity %{x}"},
        },
        "yaxis": {
            "title": {"text": f"{escape_label(summary['metric'])}, %"},
            "range": [0, ceiling],
            "dtick": 10 if ceiling <= 60 else 20,
        },
        "legend": {"entrywidth": 0.48, "entrywidthmode": "fraction"},  # two columns in every chart
        "hovermode": "x unified",
        "height": 370,
    }
    charts = {}
    for group, lines in groupby(tabulate_cells(summary)[1], lambda line: line[1][0].group or "others"):
        data: list[Chart] = []
        for number, (name, (_, *cells)) in enumerate(lines):
            data += _curve(name, [clean, *cells], severities, number)
        charts[f"curves-{group}"] = {"data": data, "layout": layout, "file": f"{file}-severity-{group}"}
    return charts


def _headline(summary: Mapping[str, Any]) -> dict[str, Row]:
    return {row.name: row for row in rows_of(summary, "headline")}


def _curve(name: str, rows: Sequence[Row], severities: Sequence[int], number: int) -> list[Chart]:
    """Return the traces of one corruption, from clean on: a band, if there are intervals, and the line on it."""
    color = COLORS[number % len(COLORS)]
    known = {x: row for x, row in zip((0, *severities), rows, strict=True) if row.value is not None}
    x, bands = list(known), [row.interval for row in known.values() if row.interval is not None]
    label = escape_label(shorten(spoken(name), LONGEST_IN_LEGEND))
    line = trace(
        "lines+markers",
        x,
        percents(row.score for row in known.values()),
        name=label,
        legendgroup=label,
        text=[percent(r.value) + (f" ({interval_words(r.interval)})" if r.interval else "") for r in known.values()],
        hovertemplate="%{text}",
        line={"color": f"var({color})", "width": 2.2, "dash": DASHES[number % len(DASHES)]},
        marker={"color": f"var({color})", "symbol": SYMBOLS[number % len(SYMBOLS)], "size": 7},
    )
    if len(bands) < len(known):
        return [line]
    band = silent_trace(
        [*x, *reversed(x)],
        percents([*(high for _, high in bands), *(low for low, _ in reversed(bands))]),
        legendgroup=label,
        fill="toself",
        fillcolor=f"var({color}, 0.12)",
        line={"width": 0},
    )
    return [band, line]


def clean_against_mean(summary: Mapping[str, Any], published: Sequence[PublishedRow], file: str) -> Chart | None:
    """Return the chart of robustness against clean score: published models, and this run; None without the mean.

    Diagonals join models that keep the same part of their clean score.
    """
    headline, suite = _headline(summary), suite_of(summary)
    clean, mean = headline["clean"], headline[suite.mean_name]
    if not suite.ratio_name:  # clean is 1 by definition
        return None
    if clean.value is None or mean.value is None:
        return None
    families: dict[str, list[PublishedRow]] = {}
    for row in published:
        families.setdefault(row.model.split()[0], []).append(row)
    x_range = _range(percents([*(row.clean for row in published), clean.score, *(clean.interval or ())]))
    y_range = _range(percents([*(row.mPC for row in published), mean.score, *(mean.interval or ())]))
    data, labels = _ratio_lines(x_range, y_range)
    for number, (family, rows) in enumerate(families.items()):
        symbols = [TRAINING_SYMBOLS.get(row.training, "x") for row in rows]
        data.append(
            trace(
                "markers",
                percents(row.clean for row in rows),
                percents(row.mPC for row in rows),
                name=escape_label(family),
                text=[_describe(row) for row in rows],
                hovertemplate="%{text}<extra></extra>",
                marker={"size": 10, "symbol": symbols, "color": f"var({COLORS[number % len(COLORS)]}, 0.8)"},
            )
        )
    model = model_name(summary)
    scores = [f"{escape_label(row.label)} {percent(row.value)}" for row in headline.values()]
    ours = trace(
        "markers",
        percents([clean.score]),
        percents([mean.score]),
        name=escape_label(model if len(model) <= 40 else model[:39] + "…"),
        text=["<br>".join([f"<b>{escape_label(model)}</b>", *scores])],
        hovertemplate="%{text}<extra></extra>",
        marker={"size": 16, "symbol": "star", "color": "var(ink)"},
    )
    for axis, score in (("x", clean), ("y", mean)):
        if score.interval is not None:
            ours[f"error_{axis}"] = error_bars([score.score], [score.interval], "var(ink, 0.55)", 1.2)
    layout = {
        "xaxis": {"title": {"text": f"{escape_label(clean.label)} on clean images, %"}, "range": x_range},
        "yaxis": {"title": {"text": f"{escape_label(mean.label)}, %"}, "range": y_range},
        "annotations": labels,
        "margin": {"r": 44},
        "hovermode": "closest",
        "height": 480,
    }
    return {"data": [*data, ours], "layout": layout, "file": f"{file}-clean-and-mpc"}


def _describe(row: PublishedRow) -> str:
    boxes = {"gt": ", annotated boxes", "clean-det": ", detected boxes"}.get(row.boxes, "")
    return (
        f"<b>{escape_label(f'{row.model} {row.input}')}</b>, {escape_label(row.training)}<br>"
        f"{row.metric}* {percent(row.clean)}, mPC {percent(row.mPC)}, rPC {percent(row.rPC)}<br>"
        f"{row.dataset}, Table {row.table}{boxes}"
    )


def _ratio_lines(x_range: Sequence[float], y_range: Sequence[float]) -> tuple[list[Chart], list[Chart]]:
    """Return dotted lines of equal ratio, those of 20, 30, … 100 % that cross the chart, and their labels."""
    lines, labels = [], []
    for ratio in range(20, 101, 10):
        low = max(x_range[0], 100 * y_range[0] / ratio)
        high = min(x_range[1], 100 * y_range[1] / ratio)
        if high - low < 0.15 * (x_range[1] - x_range[0]):
            continue
        style = {"color": "var(muted, 0.5)", "width": 1, "dash": "dot"}
        lines.append(silent_trace([low, high], [low * ratio / 100, high * ratio / 100], line=style))
        exits_right = high == x_range[1]  # else it ends at the top
        labels.append(
            {
                "x": high,
                "y": high * ratio / 100,
                "text": f"{ratio} %",
                "showarrow": False,
                "font": {"size": 11, "color": "var(muted)"},
                "xanchor": "left" if exits_right else "center",  # outside, where no point is
                "yanchor": "middle" if exits_right else "bottom",
            }
        )
    return lines, [label for label in labels if label["xanchor"] == "left"] or labels  # those at the top are crowded


def calibration(curves: Mapping[str, Any], file: str) -> Chart:
    """Return the chart of confidence against OKS, of `calibration` in slices.json: a choice per cell, beside clean."""
    clean = [_calibration_curve("clean images", curves["clean"], 0)] if "clean" in curves else []
    bins = [one for curve in curves.values() for one in curve["bins"]]
    top = max([1.0, *(one["score"] for one in bins), *(one["oks"] for one in bins)])
    dotted = {"color": "var(muted, 0.6)", "width": 1, "dash": "dot"}
    diagonal = silent_trace([0, top], [0, top], line=dotted, name="confidence = OKS", showlegend=True)
    choices = {}
    for key, curve in curves.items():
        label = spoken(key).replace("/", " ")
        choices[make_visible(key)] = [
            diagonal,
            *clean,
            *([] if key == "clean" else [_calibration_curve(label, curve, 1)]),
        ]
    layout = {
        "xaxis": {"title": {"text": "confidence of the prediction"}, "range": [0, top * 1.02]},
        "yaxis": {"title": {"text": "OKS"}, "range": [0, top * 1.02]},
        "hovermode": "closest",
        "height": 420,
    }
    return {"choices": choices, "layout": layout, "file": f"{file}-calibration"}


def _calibration_curve(label: str, curve: Mapping[str, Any], number: int) -> Chart:
    bins = curve["bins"]
    names = {"error": "error", "rank_correlation": "rank correlation"}
    figures = [f"{words} {curve[name]:.2f}" for name, words in names.items() if curve.get(name) is not None]
    color = f"var({COLORS[number]})"
    return trace(
        "lines+markers",
        [round(one["score"], 4) for one in bins],
        [round(one["oks"], 4) for one in bins],
        name="<br>".join([escape_label(label), *figures]),
        text=[f"confidence {one['score']:.2f}, OKS {one['oks']:.2f}, {one['n']} poses" for one in bins],
        hovertemplate="%{text}<extra></extra>",
        line={"color": color, "width": 2, "dash": DASHES[number]},
        marker={"color": color, "size": 9, "symbol": SYMBOLS[number]},
    )


def _range(values: Sequence[float]) -> list[float]:
    """Return a range in steps of 5 around percents, with some air."""
    return [max(0.0, 5 * math.floor((min(values) - 2) / 5)), min(105.0, 5.0 * math.ceil((max(values) + 2) / 5))]
