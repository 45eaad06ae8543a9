"""Models of leaderboards by suites, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.printing import print_table
from robustpose.results.board_suites import SuiteTable
from robustpose.results.rows import label_headline, percent
from robustpose.show.across_suites import spell_interval
from robustpose.show.side_by_side import WIDTH


def print_suite_tables(tables: Sequence[SuiteTable]) -> None:
    """Print the models that stand on boards of several suites, in percent."""
    for table in tables:
        first = table.boards[0]
        named = zip(table.titles, table.boards, strict=True)
        titles = ["model", label_headline("clean", first.metric)]
        titles += [f"{title} {board.suite.mean_name}" for title, board in named]
        rows = []
        for model in table.models:
            clean = next(row for row in table.first_entry(model).rows["headline"] if row.name == "clean")
            means = [
                None if entry is None else next(r for r in entry.rows["headline"] if r.name == board.suite.mean_name)
                for entry, board in zip(model, table.boards, strict=True)
            ]
            shown = ["–" if r is None else f"{percent(r.value)}{spell_interval(r.interval)}" for r in (clean, *means)]
            rows.append([table.first_entry(model).name, *shown])
        title = f"{first.metric} in percent on {first.data_name}, {first.images}, by suite"
        print_table(title, titles, rows, WIDTH)
