"""The page of a comparison: a verdict, runs side by side, differences with intervals, who wins where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from robustpose.files import write_text
from robustpose.results.compared import ComparedRow, ComparedSlice, Comparison
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.slices_model import FEW_PEOPLE
from robustpose.results.verdict_compare import find_main_row
from robustpose.show.compare_table import comparison_to_latex
from robustpose.show.pages.compare_charts import chart_differences
from robustpose.show.pages.page import render_page
from robustpose.show.pages.small_curves import HEIGHT, WIDTH, draw_curves
from robustpose.show.replacing import check_json, check_no_run, check_page, check_table, follow

# Kinds of rows that have a table, in the order of the page; cells come last, folded.
TABLES = {
    "corruption": "Corruptions",
    "group": "Groups of corruptions",
    "category": "Categories",
    "part": "Parts of the skeleton",
    "crowd index": "Images by crowd index",
}
MOST_IN_SLICES = 3  # runs of which slices have all scores; of more, that by which runs are judged


def write_comparison(
    folder: Path, comparison: Comparison, gallery: Mapping[str, Any] | None = None, gallery_reason: str = ""
) -> Path:
    """Write compare.html, comparison.json and table.tex, and return the page's path.

    `gallery` is what `make_compare_gallery` gives; without one, `gallery_reason` says why.
    """
    check_place(folder)
    write_text(follow(folder / "comparison.json"), json.dumps(comparison.to_json(), indent=1) + "\n")
    write_text(follow(folder / "table.tex"), comparison_to_latex(comparison))
    write_text(follow(folder / "compare.html"), render_comparison(comparison, gallery, gallery_reason))
    return folder / "compare.html"


def check_place(folder: Path) -> None:
    """Raise UserError where other files than those of a comparison would be lost in a folder."""
    check_no_run(folder, "folder")
    check_json(folder / "comparison.json", "level", "folder")
    check_page(folder / "compare.html", "compare", "folder")
    check_table(folder / "table.tex", "folder")


def render_comparison(
    comparison: Comparison, gallery: Mapping[str, Any] | None = None, gallery_reason: str = ""
) -> str:
    """Return the HTML page. Text from files is escaped."""
    rows = {kind: [row for row in comparison.rows if row.kind == kind] for kind in (*TABLES, "headline", "cell")}
    corruptions = rows["corruption"]
    # Of one corruption alone, the mean over corruptions is in the table of runs, and not once more in the chart.
    drawn = [row for row in comparison.rows if row.kind == "headline" and _is_defined(row)]
    shown = [row for row in comparison.rows if row.kind in ("headline", "chosen", "unseen") and _is_defined(row)]
    return render_page(
        "compare.html.j2",
        comparison=comparison,
        rows=rows,
        tables={kind: title for kind, title in TABLES.items() if rows[kind]},
        letters=comparison.letters,
        headline=shown,
        shown_terms=[(name, words) for name, words in comparison.terms if name in {row.name for row in shown}],
        main=find_main_row(comparison),
        # Of each run: under how many corruptions it is the best alone, and under how many it is among the best.
        wins=[
            (sum(row.leaders == (run,) for row in corruptions), sum(run in row.leaders for row in corruptions))
            for run in range(len(comparison.names))
        ],
        slices=_tabulate_slices(comparison),
        few_people=FEW_PEOPLE,
        few_images=FEW_IMAGES,
        curves=draw_curves(comparison),
        size=(WIDTH, HEIGHT),
        gallery=gallery,
        gallery_reason=gallery_reason,
        most_in_slices=MOST_IN_SLICES,
        unit="group" if comparison.trainings else "run",
        charts={
            "differences": chart_differences(
                comparison, [*(shown if len(corruptions) > 1 else drawn), *rows["group"], *corruptions]
            )
        },
    )


def _is_defined(row: ComparedRow) -> bool:
    return any(value is not None for value in row.values)


def _tabulate_slices(comparison: Comparison) -> list[tuple[str, str, list[str], list[tuple[ComparedSlice, Any]]]]:
    """Return the tables of slices: kind, title, scores, and each slice with its rows, None for scores that it lacks."""
    main = find_main_row(comparison)
    tables = []
    for kind, of in groupby(comparison.slices, attrgetter("kind")):
        slices = list(of)
        names = list(dict.fromkeys(row.name for one in slices for row in one.rows if _is_defined(row)))
        if len(comparison.names) > MOST_IN_SLICES:
            wanted = {main.name} if main is not None else set()
            names = [name for name in names if name in wanted] or names[:1]
        lines: list[tuple[ComparedSlice, Any]] = []
        for one in slices:
            by_name = {row.name: row for row in one.rows}
            lines.append((one, [by_name.get(name) for name in names]))
        found = {row.name: row for one in slices for row in one.rows}
        figure = slices[0].figure
        title = f"{figure[:1].upper()}{figure[1:]} by {kind}"
        tables.append((kind, title, [comparison.label(found[name]) for name in names], lines))
    return tables
