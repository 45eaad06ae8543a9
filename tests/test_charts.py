import re

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.pose.cell import Cell
from robustpose.results.published import published_rows
from robustpose.show.pages.charts import calibration, clean_against_mean, severity_curves
from tests.test_report import make_summary

HOSTILE = "<img src=x onerror=alert(1)>"


def add_intervals(summary):
    """Give every figure an interval of ± 2 points."""

    def around(value):
        return [value - 0.02, value + 0.02]

    intervals = {"level": 0.95, "resamples": 100, **{key: around(summary[key]) for key in ("clean", "mPC", "rPC")}}
    for key in ("groups", "corruptions", "cells"):
        intervals[key] = {name: around(value) for name, value in summary[key].items()}
    return {**summary, "intervals": intervals}


def strings(tree):
    """Yield every string in a chart but colours."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)
    elif isinstance(tree, str):
        yield tree


def with_colors(tree):
    """Return a chart as charts.js gives it to plotly: names of colours replaced."""
    if isinstance(tree, dict):
        return {key: with_colors(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [with_colors(value) for value in tree]
    return "#123456" if isinstance(tree, str) and re.fullmatch(r"var\(\w+(, [\d.]+)?\)", tree) else tree


CURVES = {
    "clean": {"bins": [{"score": 0.3, "oks": 0.5, "n": 4}], "error": 0.2, "rank_correlation": None},
    "fog/3": {"bins": [{"score": 0.4, "oks": 0.2, "n": 4}], "error": 0.2, "rank_correlation": 0.4},
}


def make_charts(name="net"):
    summary = add_intervals(
        make_summary(name, cells=(*COCO_C.cells, *(Cell(HOSTILE, severity) for severity in range(1, 6))))
    )
    rows = published_rows("COCO-C", "AP")
    charts = severity_curves(summary, "net") | {"scatter": clean_against_mean(summary, rows, "net")}
    return charts | {"calibration": calibration(CURVES, "net")}


def test_plotly_knows_everything_that_charts_ask_for():
    import plotly.graph_objects as go

    for chart in map(with_colors, make_charts().values()):
        for data in chart.get("choices", {"": chart.get("data")}).values():
            assert go.Figure(data=data, layout=chart["layout"]).data


def test_every_corruption_has_a_line_and_a_band_from_clean_on():
    charts = make_charts()
    lines = [trace for key in charts if key.startswith("curves") for trace in charts[key]["data"] if "name" in trace]
    assert len(lines) == 16
    assert all(line["x"][0] == 0 and line["y"][0] == 80.0 for line in lines)
    assert lines[0]["y"] == [80.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert lines[0]["text"][1] == "10.0 (8.0 – 12.0)"
    assert len([trace for trace in charts["curves-blur"]["data"] if trace.get("fill") == "toself"]) == 4


def test_groups_share_their_scale():
    ranges = {tuple(c["layout"]["yaxis"]["range"]) for key, c in make_charts().items() if key.startswith("curves")}
    assert len(ranges) == 1


def test_figures_without_an_interval_have_no_band():
    summary = add_intervals(make_summary())
    summary["intervals"]["cells"]["fog/3"] = None
    names = {
        trace["legendgroup"] for trace in severity_curves(summary, "")["curves-weather"]["data"] if "fill" in trace
    }
    assert names == {"snow", "frost", "brightness"}


def test_scatter_needs_the_whole_grid_but_no_published_rows():
    assert clean_against_mean(make_summary(cells=COCO_C.cells[:6]), [], "net") is None
    chart = clean_against_mean(make_summary(), [], "net")
    assert [trace["name"] for trace in chart["data"] if "name" in trace] == ["net"]


@pytest.mark.parametrize("chart", ["curves-others", "scatter"])
def test_labels_are_no_html(chart):
    found = [text for text in strings(make_charts(HOSTILE)[chart]) if "onerror" in text]
    assert found
    assert all("<img" not in text and "&lt;img" in text for text in found)


def test_calibration_shows_a_cell_beside_clean():
    chart = calibration(CURVES, "net")
    assert [len(data) for data in chart["choices"].values()] == [2, 3]  # the diagonal is one
    assert chart["choices"]["fog/3"][2]["name"] == "fog 3<br>error 0.20<br>rank correlation 0.40"
