"""The page of a comparison: runs side by side, differences with intervals, who wins where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robustpose.results.compare import ComparedRow, Comparison, Difference, run_letter
from robustpose.show.pages.charts import COLORS, SYMBOLS, Chart, error_bars, escape_label, trace
from robustpose.show.pages.page import render_page, spoken, write_files

KINDS = {"headline": "All in all", "group": "Groups of corruptions", "corruption": "Corruptions", "cell": "Cells"}
ROW_HEIGHT = 26  # px of a line in the chart of differences


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write compare.html and comparison.json, and return the page's path.

    Raises:
        UserError: the folder cannot be written to.
    """
    content = json.dumps(comparison.to_json(), indent=1) + "\n"
    write_files(folder, {"comparison.json": content, "compare.html": render_comparison(comparison)})
    return folder / "compare.html"


def render_comparison(comparison: Comparison) -> str:
    """Return the HTML page. Text from files is escaped."""
    rows: dict[str, list[ComparedRow]] = {kind: [row for row in comparison.rows if row.kind == kind] for kind in KINDS}
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


def _count_wins(rows: list[ComparedRow], n_runs: int) -> list[tuple[int, int]]:
    """Return for each run under how many corruptions it is the best alone, and under how many it is among the best."""
    return [
        (sum(row.leaders == (run,) for row in rows), sum(run in row.leaders for row in rows)) for run in range(n_runs)
    ]


def _chart_differences(comparison: Comparison, rows: list[ComparedRow]) -> Chart:
    """Return the chart of all differences to the first run, one line a figure, with their intervals."""
    lines = [spoken(row.name) for row in rows]
    data: list[dict[str, Any]] = []
    for run in range(1, len(comparison.names)):
        points = [(line, d) for line, row in zip(lines, rows, strict=True) if (d := row.differences[run]) is not None]
        differences = [d for _, d in points]
        color, symbol = f"var({COLORS[(run - 1) % len(COLORS)]})", SYMBOLS[(run - 1) % len(SYMBOLS)]
        symbols = [symbol if d.is_distinguishable else f"{symbol}-open" for d in differences]
        data.append(
            trace(
                "markers",
                [round(100 * d.value, 3) for d in differences],
                [escape_label(line) for line, _ in points],
                name=escape_label(f"{run_letter(run)} − A: {comparison.names[run]}"),
                text=[_describe(d) for d in differences],
                hovertemplate="%{y}: %{text}<extra></extra>",
                marker={"color": color, "size": 9, "symbol": symbols},
                error_x=error_bars([d.value for d in differences], [d.interval for d in differences], color, 1.4),
            )
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


def _describe(difference: Difference) -> str:
    words = f"{100 * difference.value:+.1f}"
    if difference.interval is not None:
        words += f" ({100 * difference.interval[0]:+.1f} to {100 * difference.interval[1]:+.1f})"
    return words if difference.is_distinguishable else f"{words}, not distinguishable"
