"""The page of a comparison: runs side by side, differences with intervals, who wins where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.results.compare import Comparison, Difference, Row, run_letter
from robustpose.show.pages.charts import COLORS, SYMBOLS, Chart, escape_label
from robustpose.show.pages.page import render_page, spoken

KINDS = {"headline": "All in all", "group": "Groups of corruptions", "corruption": "Corruptions", "cell": "Cells"}
ROW_HEIGHT = 26  # px of a line in the chart of differences


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write compare.html and comparison.json, and return the page's path.

    Raises:
        UserError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "comparison.json", json.dumps(comparison.to_json(), indent=1) + "\n")
        write_text(folder / "compare.html", render_comparison(comparison))
    except OSError as error:
        raise UserError(f"cannot write to {folder} ({error}): choose another --out") from error
    return folder / "compare.html"


def render_comparison(comparison: Comparison) -> str:
    """Return the HTML page. Text from files is escaped."""
    rows: dict[str, list[Row]] = {kind: [row for row in comparison.rows if row.kind == kind] for kind in KINDS}
    letters = [run_letter(number) for number in range(len(comparison.names))]
    return render_page(
        "compare.html.j2",
        comparison=comparison,
        rows=rows,
        kinds=KINDS,
        letters=letters,
        headline=rows["headline"],
        wins=_count_wins(rows["corruption"], len(letters)),
        charts={
            "differences": _chart_differences(comparison, [*rows["headline"], *rows["group"], *rows["corruption"]])
        },
    )


def _count_wins(rows: list[Row], n_runs: int) -> list[tuple[int, int]]:
    """Return for each run under how many corruptions it is the best alone, and under how many it is among the best."""
    return [
        (sum(row.leaders == (run,) for row in rows), sum(run in row.leaders for row in rows)) for run in range(n_runs)
    ]


def _chart_differences(comparison: Comparison, rows: list[Row]) -> Chart:
    """Return the chart of all differences to the first run, one line a figure, with their intervals."""
    lines = [spoken(row.name) for row in rows]
    data: list[dict[str, Any]] = []
    for run in range(1, len(comparison.names)):
        points = [(line, d) for line, row in zip(lines, rows, strict=True) if (d := row.differences[run]) is not None]
        color = f"var({COLORS[(run - 1) % len(COLORS)]})"
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": escape_label(f"{run_letter(run)} − A: {comparison.names[run]}"),
                "x": [round(100 * d.value, 3) for _, d in points],
                "y": [escape_label(line) for line, _ in points],
                "text": [_describe(d) for _, d in points],
                "hovertemplate": "%{y}: %{text}<extra></extra>",
                "marker": {
                    "color": color,
                    "size": 9,
                    "symbol": [
                        SYMBOLS[(run - 1) % len(SYMBOLS)] + ("" if d.is_distinguishable else "-open") for _, d in points
                    ],
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_reach(d, 1) for _, d in points],
                    "arrayminus": [_reach(d, 0) for _, d in points],
                    "color": color,
                    "thickness": 1.4,
                },
            }
        )
    return {
        "data": data,
        "layout": {
            "xaxis": {
                "title": {"text": "difference to A, percentage points"},
                "zeroline": True,
                "zerolinecolor": "var(ink)",
            },
            "yaxis": {"autorange": "reversed", "type": "category"},
            "hovermode": "closest",
            "scattermode": "group",
            "height": 150 + ROW_HEIGHT * len(lines),
        },
        "file": "differences",
    }


def _reach(difference: Difference, side: int) -> float:
    if difference.interval is None:
        return 0.0
    return round(100 * abs(difference.interval[side] - difference.value), 3)


def _describe(difference: Difference) -> str:
    words = f"{100 * difference.value:+.1f}"
    if difference.interval is not None:
        words += f" ({100 * difference.interval[0]:+.1f} to {100 * difference.interval[1]:+.1f})"
    return words if difference.is_distinguishable else f"{words}, not distinguishable"
