"""The charts of a campaign: what methods gain on suites, and what they gain under each corruption of all suites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from robustpose.printing import make_visible
from robustpose.results.across import AcrossSuites
from robustpose.results.compared import Comparison
from robustpose.results.outcome import PairOutcome, PartOutcome
from robustpose.show.across_suites import title_column
from robustpose.show.campaign_tables import list_columns, list_defined, name_sides
from robustpose.show.pages.across_charts import mark_seen
from robustpose.show.pages.charts import Chart, escape_label
from robustpose.show.pages.compare_charts import ROW_HEIGHT, draw_differences
from robustpose.show.pages.page import spoken

LINE_HEIGHT = 15  # px, of each of several marks that stand on one line


def chart_methods(across: AcrossSuites) -> Chart:
    """Return the chart of what methods gain over the first one: a line for each, with a mark for each suite's mean."""
    columns = list_columns(across)
    others = range(1, len(across.names))
    data = []
    for number, (comparison, row) in enumerate(columns):
        known = [(escape_label(spoken(across.names[m])), d) for m in others if (d := row.differences[m]) is not None]
        data.append(draw_differences(known, number, escape_label(title_column(across, comparison, row))))
    layout = _lay_out("difference to A, percentage points", len(others) * max(ROW_HEIGHT, LINE_HEIGHT * len(columns)))
    return {"data": data, "layout": {**layout, "scattermode": "group"}, "file": "methods-by-suites"}


def chart_corruptions(part: PartOutcome) -> Chart:
    """Return the chart of differences under each corruption, a suite in a colour: a pair, or a method, at a time."""
    choices = dict(chain(map(_draw_pair, part.pairs), _draw_methods(part.across)))
    choices = {name: data for name, data in choices.items() if data}
    n_lines = max((len({line for trace in data for line in trace["y"]}) for data in choices.values()), default=0)
    layout = _lay_out("difference, percentage points", ROW_HEIGHT * n_lines)
    return {"choices": choices, "layout": layout, "file": "differences-by-corruption"}


def _draw_pair(pair: PairOutcome) -> tuple[str, list[Chart]]:
    """Return what a pair is called and its differences, a trace for each suite."""
    sides = f": {name_sides(pair.by_suite[0])}" if pair.by_suite else ""
    traces = [_draw_suite(comparison, 1, {}, number) for number, comparison in enumerate(pair.by_suite)]
    return make_visible(f"{pair.name}{sides}"), [trace for trace in traces if trace["y"]]


def _draw_methods(across: AcrossSuites) -> Iterator[tuple[str, list[Chart]]]:
    """Yield what each method is called and its differences to the first one, a trace for each suite."""
    marks = [mark_seen(across, comparison.suite.label) for comparison in across.comparisons]
    behind = [{row: f" ({words})" for row, words in of_suite.items()} for of_suite in marks]
    for method in range(1, len(across.names)):
        traces = [
            _draw_suite(comparison, method, of_suite, number)
            for number, (comparison, of_suite) in enumerate(zip(across.comparisons, behind, strict=True))
        ]
        name = f"{across.letters[method]}: {across.names[method]} less {across.names[0]}"
        yield make_visible(name), [trace for trace in traces if trace["y"]]


def _draw_suite(comparison: Comparison, method: int, marks: Mapping[str, str], number: int) -> Chart:
    """Return the differences of a method to the first one on a suite: in its mean, and under each corruption."""
    suite = comparison.suite
    lines = []
    for row in list_defined(comparison, ("headline", "chosen", "corruption")):
        difference = row.differences[method]
        is_of_all = row == comparison.rows[0] or row.name == suite.ratio_name  # those of methods by suites say it
        if difference is not None and not is_of_all:
            before = "" if row.kind == "corruption" else f"{suite.name} "
            name = f"{before}{spoken(comparison.label(row))}{marks.get(row.name, '')}"
            lines.append((escape_label(name), difference))
    return draw_differences(lines, number + 1, escape_label(suite.name))  # colours as those of `chart_methods`


def _lay_out(title: str, height: int) -> Chart:
    return {
        "xaxis": {"title": {"text": escape_label(title)}, "zeroline": True, "zerolinecolor": "var(ink)"},
        "yaxis": {"autorange": "reversed", "type": "category"},
        "hovermode": "closest",
        "height": 150 + height,
        "showlegend": True,
    }
