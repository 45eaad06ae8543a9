"""The table of two runs in a detector's boxes, for files and the terminal: what of the loss is the detector's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.printing import print_line, print_table
from robustpose.results.doubts import is_fact
from robustpose.results.rows import Interval, label_headline, percent
from robustpose.results.spelling import spell_markdown, tabulate_markdown

LEGEND = (
    "≈ may be nothing: the interval holds 0;  – no share: the whole loss may be nothing, or is too small to divide by"
)


def to_markdown(table: Mapping[str, Any]) -> str:
    """Return the table in percent: headline, groups, corruptions, cells, with all intervals."""
    title = f"# {spell_markdown(table['model'])} in the boxes of {spell_markdown(table['detector'])}"
    words = (
        f"{table['metric']} in percent with 95 % intervals. clean-det: in boxes found on clean images. corrupt-det: in "
        "those found in each cell. whole loss: the clean score less corrupt-det. detector's part: clean-det less "
        "corrupt-det. share: that part of the whole loss."
    )
    titles, lines = _tabulate(table, table["rows"], has_all_intervals=True)
    below = [spell_markdown(line) for line in (LEGEND, *_explain(table))]
    doubts = [f"{'Note' if is_fact(text) else 'Warning'}: {spell_markdown(text)}" for text in table["warnings"]]
    parts = [[title], [words], tabulate_markdown(titles, lines, 1), *([line] for line in (*below, *doubts))]
    return "\n".join(line for part in parts for line in (*part, ""))


def print_both(table: Mapping[str, Any]) -> None:
    """Print the table in percent, without single cells."""
    titles, lines = _tabulate(table, [row for row in table["rows"] if row["kind"] != "cell"])
    title = f"{table['metric']} of {table['model']} in percent, in the boxes of {table['detector']}"
    print_table(title, titles, lines, 140, legend=LEGEND)
    for line in _explain(table):
        print_line(line)


def _explain(table: Mapping[str, Any]) -> list[str]:
    """Return what the numbers do not say by themselves."""
    lines = [table["no_mean"]] if table["no_mean"] else []
    if table["metric"] not in HELD_AGAINST_CLEAN:
        lines.append(
            f"{table['metric']}* is in the detector's boxes in both runs: what the detector costs on clean images is "
            "not in it, and is seen beside a run with --boxes gt."
        )
    return lines


def _tabulate(
    table: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], has_all_intervals: bool = False
) -> tuple[list[str], list[list[str]]]:
    """Return titles and lines; without the boxes' AP where nobody is annotated."""
    has_boxes = any(row["box_AP"] is not None for row in table["rows"])
    titles = ["", *(["box AP"] if has_boxes else []), "clean-det", "corrupt-det"]
    lines = []
    for row in rows:
        name = label_headline(row["name"], table["metric"]) if row["kind"] == "headline" else row["name"]
        of_boxes = percent(row["box_AP"]) + (_range(row["box_AP_interval"]) if has_all_intervals else "")
        scores = [*([of_boxes] if has_boxes else []), percent(row["clean-det"]), percent(row["corrupt-det"])]
        losses = [_spell(row[loss], row[f"{loss}_interval"]) for loss in ("whole_loss", "lost", "share")]
        lines.append([name, *scores, *(["–"] * 3 if row["kind"] == "headline" and row["name"] == "clean" else losses)])
    return [*titles, "whole loss", "detector's part", "share %"], lines


def _spell(value: float | None, interval: Interval | None) -> str:
    """Return a difference or a ratio with its interval; ≈ before one that may be nothing."""
    mark = "≈ " if interval is not None and interval[0] <= 0 <= interval[1] else ""
    return f"{mark}{percent(value)}{_range(interval)}"


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f" [{percent(interval[0])}, {percent(interval[1])}]"
