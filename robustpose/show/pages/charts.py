"""Charts, as plotly's data and layout in plain dicts; `templates/charts.js` draws them in the page's colours.

A colour is a name in the page's styles: ``var(s1)``, or ``var(s1, 0.2)`` with opacity. Labels go through
`escape_label`, for plotly reads HTML in them.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from robustpose import corruptions
from robustpose.results.published import PublishedRow
from robustpose.results.rows import headline, percent, severities_of
from robustpose.show.pages.page import interval_words, spoken

Chart = dict[str, Any]  # data, layout, file (its name when downloaded); or choices instead of data: data by name

COLORS = ("s1", "s2", "s3", "s4", "s5", "s6")
TRAINING_SYMBOLS = {"Standard": "circle", "AdvMix": "diamond"}  # others: a cross
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x")
DASHES = ("solid", "dash", "dot", "dashdot")


def escape_label(text: str) -> str:
    """Return a text as plotly shows it, letter by letter."""
    return html.escape(text, quote=False)


def severity_curves(summary: Mapping[str, Any], file: str) -> dict[str, Chart]:
    """Return a chart for each group of corruptions: the score against severity, clean at 0, with interval bands."""
    groups = {
        group: [name for name in names if name in summary["corruptions"]] for group, names in corruptions.GROUPS.items()
    }
    known = [name for names in groups.values() for name in names]
    groups["others"] = [name for name in summary["corruptions"] if name not in known]
    intervals = summary.get("intervals") or {}
    top = max([summary["clean"], *summary["cells"].values(), *(high for _, high in _all_intervals(intervals))])
    ceiling = min(100, 10 * math.ceil(10 * top + 1e-9)) or 10
    severities = severities_of(summary)
    charts = {}
    for group, names in groups.items():
        if not names:
            continue
        data: list[dict[str, Any]] = []
        for number, name in enumerate(names):
            data += _curve(summary, intervals, name, severities, number)
        charts[f"curves-{group}"] = {
            "data": data,
            "layout": {
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
            },
            "file": f"{file}-severity-{group}",
        }
    return charts


def _all_intervals(intervals: Mapping[str, Any]) -> list[list[float]]:
    """Return the intervals of clean and of every cell."""
    return [interval for interval in (intervals.get("clean"), *intervals.get("cells", {}).values()) if interval]


def _curve(
    summary: Mapping[str, Any], intervals: Mapping[str, Any], name: str, severities: Sequence[int], number: int
) -> list[dict[str, Any]]:
    """Return the traces of one corruption: a band, if there are intervals, and the line on it."""
    color = COLORS[number % len(COLORS)]
    keys = [f"{name}/{severity}" for severity in severities if f"{name}/{severity}" in summary["cells"]]
    x = [0, *(int(key.rpartition("/")[2]) for key in keys)]
    scores = [summary["clean"], *(summary["cells"][key] for key in keys)]
    bands = [intervals.get("clean"), *(intervals.get("cells", {}).get(key) for key in keys)]
    words = [
        f"{percent(score)} ({interval_words(band)})" if band else percent(score)
        for score, band in zip(scores, bands, strict=True)
    ]
    label = escape_label(spoken(name))
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label,
        "legendgroup": label,
        "x": x,
        "y": _percents(scores),
        "text": words,
        "hovertemplate": "%{text}",
        "line": {"color": f"var({color})", "width": 2.2, "dash": DASHES[number % len(DASHES)]},
        "marker": {"color": f"var({color})", "symbol": SYMBOLS[number % len(SYMBOLS)], "size": 7},
    }
    if not all(bands):
        return [line]
    band = {
        "type": "scatter",
        "mode": "lines",
        "legendgroup": label,
        "showlegend": False,
        "hoverinfo": "skip",
        "x": [*x, *reversed(x)],
        "y": _percents([*(high for _, high in bands), *(low for low, _ in reversed(bands))]),
        "fill": "toself",
        "fillcolor": f"var({color}, 0.12)",
        "line": {"width": 0},
    }
    return [band, line]


def clean_against_mpc(
    summary: Mapping[str, Any], model: str, published: Sequence[PublishedRow], file: str
) -> Chart | None:
    """Return the chart of robustness against clean score: published models, and this run; None without mPC.

    Diagonals join models that keep the same share of their clean score.
    """
    if summary["mPC"] is None:
        return None
    intervals = summary.get("intervals") or {}
    families: dict[str, list[PublishedRow]] = {}
    for row in published:
        families.setdefault(row.model.split()[0], []).append(row)
    x_range, y_range = (
        list(_range(_percents([*theirs, summary[key], *(intervals.get(key) or ())])))
        for key, theirs in (("clean", [row.clean for row in published]), ("mPC", [row.mPC for row in published]))
    )
    data, labels = _share_lines(x_range, y_range)
    for number, (family, rows) in enumerate(families.items()):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": escape_label(family),
                "x": _percents([row.clean for row in rows]),
                "y": _percents([row.mPC for row in rows]),
                "text": [_describe(row) for row in rows],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "size": 10,
                    "symbol": [TRAINING_SYMBOLS.get(row.training, "x") for row in rows],
                    "color": f"var({COLORS[number % len(COLORS)]}, 0.8)",
                },
            }
        )
    ours = {
        "type": "scatter",
        "mode": "markers",
        "name": escape_label(_shorten(model)),
        "x": _percents([summary["clean"]]),
        "y": _percents([summary["mPC"]]),
        "text": [
            "<br>".join(
                [
                    f"<b>{escape_label(model)}</b>",
                    *(f"{escape_label(name)} {percent(value)}" for name, value in headline(summary)),
                ]
            )
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 16, "symbol": "star", "color": "var(ink)"},
    }
    for axis, key in (("x", "clean"), ("y", "mPC")):
        if intervals.get(key):
            low, high = intervals[key]
            ours[f"error_{axis}"] = {
                "type": "data",
                "symmetric": False,
                "array": _percents([high - summary[key]]),
                "arrayminus": _percents([summary[key] - low]),
                "color": "var(ink, 0.55)",
                "thickness": 1.2,
            }
    clean_name = escape_label(headline(summary)[0][0])
    return {
        "data": [*data, ours],
        "layout": {
            "xaxis": {"title": {"text": f"{clean_name} on clean images, %"}, "range": x_range},
            "yaxis": {"title": {"text": "mPC, %"}, "range": y_range},
            "annotations": labels,
            "margin": {"r": 44},
            "hovermode": "closest",
            "height": 480,
        },
        "file": f"{file}-clean-and-mpc",
    }


def _describe(row: PublishedRow) -> str:
    boxes = {"gt": ", annotated boxes", "clean-det": ", detected boxes"}.get(row.boxes, "")
    return "<br>".join(
        [
            f"<b>{escape_label(f'{row.model} {row.input}')}</b>, {escape_label(row.training)}",
            f"{row.metric}* {percent(row.clean)}, mPC {percent(row.mPC)}, rPC {percent(row.rPC)}",
            f"{row.dataset}, Table {row.table}{boxes}",
        ]
    )


def _share_lines(
    x_range: Sequence[float], y_range: Sequence[float]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return dotted lines of equal rPC, those of 20, 30, … 100 % that cross the chart, and their labels."""
    lines, labels = [], []
    for share in range(20, 101, 10):
        low = max(x_range[0], 100 * y_range[0] / share)
        high = min(x_range[1], 100 * y_range[1] / share)
        if high - low < 0.15 * (x_range[1] - x_range[0]):
            continue
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [low, high],
                "y": [low * share / 100, high * share / 100],
                "line": {"color": "var(muted, 0.5)", "width": 1, "dash": "dot"},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
        exits_right = high == x_range[1]  # else it ends at the top
        labels.append(
            {
                "x": high,
                "y": high * share / 100,
                "text": f"{share} %",
                "showarrow": False,
                "font": {"size": 11, "color": "var(muted)"},
                "xanchor": "left" if exits_right else "center",  # outside, where no point is
                "yanchor": "middle" if exits_right else "bottom",
            }
        )
    return lines, [label for label in labels if label["xanchor"] == "left"] or labels  # those at the top are crowded


def calibration(curves: Mapping[str, Any], file: str) -> Chart:
    """Return the chart of confidence against OKS, with one choice per cell: that cell, beside clean images.

    Args:
        curves: `calibration` of slices.json.
        file: how the names of downloaded files begin.
    """
    clean = _calibration_curve("clean images", curves["clean"], 0) if "clean" in curves else []
    choices = {}
    for key, curve in curves.items():
        choices[key] = clean if key == "clean" else [*clean, *_calibration_curve(cell_words(key), curve, 1)]
    bins = [one for curve in curves.values() for one in curve["bins"]]
    top = max([1.0, *(one["score"] for one in bins), *(one["oks"] for one in bins)])
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, top],
        "y": [0, top],
        "line": {"color": "var(muted, 0.6)", "width": 1, "dash": "dot"},
        "name": "confidence = OKS",
        "hoverinfo": "skip",
    }
    return {
        "choices": {key: [diagonal, *traces] for key, traces in choices.items()},
        "layout": {
            "xaxis": {"title": {"text": "confidence of the prediction"}, "range": [0, top * 1.02]},
            "yaxis": {"title": {"text": "OKS"}, "range": [0, top * 1.02]},
            "hovermode": "closest",
            "height": 420,
        },
        "file": f"{file}-calibration",
    }


def cell_words(key: str) -> str:
    """Return `gaussian_noise/3` as `gaussian noise 3`."""
    return spoken(key).replace("/", " ")


def _calibration_curve(label: str, curve: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    bins = curve["bins"]
    figures = [
        f"{name} {value:.2f}"
        for name, value in (("error", curve.get("error")), ("rank correlation", curve.get("rank_correlation")))
        if value is not None
    ]
    color = COLORS[number]
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "<br>".join([escape_label(label), *figures]),
            "x": [round(one["score"], 4) for one in bins],
            "y": [round(one["oks"], 4) for one in bins],
            "text": [f"confidence {one['score']:.2f}, OKS {one['oks']:.2f}, {one['n']} poses" for one in bins],
            "hovertemplate": "%{text}<extra></extra>",
            "line": {"color": f"var({color})", "width": 2, "dash": DASHES[number]},
            "marker": {
                "color": f"var({color})",
                "size": 9,
                "symbol": SYMBOLS[number],
            },
        }
    ]


def _percents(values: Sequence[float]) -> list[float]:
    return [round(100 * value, 3) for value in values]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return a range in steps of 5 around percents, with some air."""
    return max(0.0, 5 * math.floor((min(values) - 2) / 5)), min(105.0, 5.0 * math.ceil((max(values) + 2) / 5))


def _shorten(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
