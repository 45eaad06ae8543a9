"""The page of models by suites: a verdict, the table, gains on one suite against gains on others, then corruptions."""

from __future__ import annotations

import json
from pathlib import Path

from robustpose.files import write_text
from robustpose.results.across import AcrossSuites
from robustpose.show.across_suites import spell_share
from robustpose.show.across_tables import (
    CSV_BEGINS,
    MARKDOWN_BEGINS,
    across_to_csv,
    across_to_latex,
    across_to_markdown,
)
from robustpose.show.pages.across_charts import chart_corruption_gains, chart_held_gains, mark_seen
from robustpose.show.pages.compare import check_place
from robustpose.show.pages.page import render_page
from robustpose.show.replacing import check_text, follow


def write_across(folder: Path, across: AcrossSuites) -> Path:
    """Write compare.html, comparison.json and table.csv, .md and .tex, and return the page's path."""
    check_across_place(folder)
    texts = {
        "comparison.json": json.dumps(across.to_json(), indent=1) + "\n",
        "table.csv": across_to_csv(across),
        "table.md": across_to_markdown(across),
        "table.tex": across_to_latex(across),
        "compare.html": render_across(across),
    }
    for name, text in texts.items():
        write_text(follow(folder / name), text)
    return folder / "compare.html"


def check_across_place(folder: Path) -> None:
    """Raise UserError where other files than those of a comparison would be lost in a folder."""
    check_place(folder)
    check_text(folder / "table.csv", CSV_BEGINS, "folder")
    check_text(folder / "table.md", MARKDOWN_BEGINS, "folder")


def render_across(across: AcrossSuites) -> str:
    """Return the HTML page. Text from files is escaped."""
    charts = {}
    if across.gains:
        charts["held"] = chart_held_gains(across)
    if len(across.names) > 1:
        by_corruption = chart_corruption_gains(across)
        charts |= {"corruptions": by_corruption} if by_corruption["choices"] else {}
    return render_page(
        "across.html.j2",
        kind="compare",
        across=across,
        first=across.first,
        letters=across.letters,
        suites=[
            (
                comparison,
                {kind: [row for row in comparison.rows if row.kind == kind] for kind in ("group", "corruption")},
                mark_seen(across, comparison.suite.label),
            )
            for comparison in across.comparisons
        ],
        shares=[spell_share(gain) for gain in across.gains],
        charts=charts,
    )
