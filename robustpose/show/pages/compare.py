"""The page of a comparison: runs side by side, differences with intervals, who wins where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from robustpose.files import write_text
from robustpose.results.compared import ComparedRow, Comparison, Difference
from robustpose.show.pages.charts import COLORS, SYMBOLS, Chart, error_bars, escape_label, percents, trace
from robustpose.show.pages.page import render_page, spoken
from robustpose.show.replacing import check_json, check_page, follow

KINDS = {
    "headline": "All in all",
    "category": "Categories",
    "part": "Parts of the skeleton",
    "crowd index": "Images by crowd index",
    "group": "Groups of corruptions",
    "corruption": "Corruptions",
    "cell": "Cells",
}
ROW_HEIGHT = 26  # px of a line in the chart of differences


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write compare.html and comparison.json, and return the page's path; UserError where other files would be lost."""
    check_place(folder)
    write_text(follow(folder / "comparison.json"), json.dumps(comparison.to_json(), indent=1) + "\n")
    write_text(follow(folder / "compare.html"), render_comparison(comparison))
    return folder / "compare.html"


def check_place(folder: Path) -> None:
    """Raise UserError where other files than those of a comparison would be lost in a folder."""
    check_json(folder / "comparison.json", "level", "folder")
    check_page(folder / "compare.html", "compare", "folder")


def render_comparison(comparison: Comparison) -> str:
    """Return the HTML page. Text from files is escaped."""
    rows = {kind: [row for row in comparison.rows if row.kind == kind] for kind in KINDS}
    corruptions = rows["corruption"]
    return render_page(
        "compare.html.j2",
        comparison=comparison,
        rows=rows,
        kinds=KINDS,
        letters=comparison.letters,
        headline=rows["headline"],
        # Of each run: under how many corruptions it is the best alone, and under how many it is among the best.
        wins=[
            (sum(row.leaders == (run,) for row in corruptions), sum(run in row.leaders for row in corruptions))
            for run in range(len(comparison.names))
        ],
        charts={"differences": _chart_differences(comparison, [*rows["headline"], *rows["group"], *corruptions])},
    )


def _chart_differences(comparison: Comparison, rows: Sequence[ComparedRow]) -> Chart:
    """Return the chart of all differences to the first run, one line a figure, with their intervals."""
    data = []
    for run, name in list(enumerate(comparison.names))[1:]:
        known = [(escape_label(spoken(row.name)), d) for row in rows if (d := row.differences[run]) is not None]
        differences = [d for _, d in known]
        color, symbol = f"var({COLORS[(run - 1) % len(COLORS)]})", SYMBOLS[(run - 1) % len(SYMBOLS)]
        data.append(
            trace(
                "markers",
                percents(d.value for d in differences),
                [line for line, _ in known],
                name=escape_label(f"{comparison.letters[run]} − A: {name}"),
                text=[_describe(d) for d in differences],
                hovertemplate="%{y}: %{text}<extra></extra>",
                marker={
                    "color": color,
                    "size": 9,
                    "symbol": [symbol if d.is_distinguishable else f"{symbol}-open" for d in differences],
                },
                error_x=error_bars([d.value for d in differences], [d.interval for d in differences], color, 1.4),
            )
        )
    zero = {"zeroline": True, "zerolinecolor": "var(ink)"}
    layout = {
        "xaxis": {"title": {"text": "difference to A, percentage points"}, **zero},
        "yaxis": {"autorange": "reversed", "type": "category"},
        "hovermode": "closest",
        "scattermode": "group",
        "height": 150 + ROW_HEIGHT * len(rows),
    }
    return {"data": data, "layout": layout, "file": "differences"}


def _describe(difference: Difference) -> str:
    words = f"{100 * difference.value:+.1f}"
    if difference.interval is not None:
        words += " ({:+.1f} to {:+.1f})".format(*(100 * end for end in difference.interval))
    return words if difference.is_distinguishable else f"{words}, not distinguishable"
