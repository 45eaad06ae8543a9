"""Sufferers: which people lose most under corruption, as far as the intervals of the slices of a run tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cuts import CATEGORY, CROWD_INDEX, PART
from robustpose.printing import one_line
from robustpose.results.doubts import LOW_SCORE
from robustpose.results.rows import suite_of
from robustpose.results.scored import name_scored
from robustpose.results.slices_model import FEW_PEOPLE

LONGEST_NAME = 60  # letters: of a category
# What is said of the boxes of people by their crowding, by the beginning of its name.
CROWDING = {
    "alone": "whose box touches no other",
    "IoU to": "whose box overlaps another a little",
    "IoU above": "whose box overlaps another much",
}

Slice = Mapping[str, Any]  # a row of slices.json


def tell_sufferers(summary: Mapping[str, Any], slices: Mapping[str, Any]) -> list[str]:
    """Return in one sentence who keeps least and who most, of the kind of slices where they are furthest apart.

    Slices of fewer than FEW_PEOPLE people, without an interval, or with next to nothing to lose are left out. Nothing
    is told of a run without all cells of its suite, whose slices have no mean.
    """
    suite, metric = suite_of(summary), str(summary["metric"])
    column = suite.mean_name if metric in HELD_AGAINST_CLEAN else suite.ratio_name
    if not column or summary.get(column) is None:
        return []
    usable = [row for row in slices["slices"] if _is_usable(row, column)]
    kinds = [list(rows) for _, rows in groupby(usable, lambda row: row["kind"])]
    ranked = [sorted(rows, key=lambda row: float(row[column])) for rows in kinds if len(rows) > 1]
    clear = [rows for rows in ranked if _is_below(rows[0], rows[-1], column)]
    if not clear:
        return [] if not ranked else ["No kind of those in the slices clearly keeps less than another."]
    rows = max(clear, key=lambda rows: float(rows[-1][column]) - float(rows[0][column]))
    return [_tell(rows, column, name_scored(summary["provenance"]["dataset"]), metric in HELD_AGAINST_CLEAN)]


def _is_usable(row: Slice, column: str) -> bool:
    if row["n_people"] < FEW_PEOPLE or row.get(column) is None or row.get(f"{column}_interval") is None:
        return False
    return float(row.get("clean") or 0.0) >= LOW_SCORE


def _is_below(low: Slice, high: Slice, column: str) -> bool:
    """Return whether the interval of one slice ends before that of another begins."""
    return bool(low[f"{column}_interval"][1] < high[f"{column}_interval"][0])


def _tell(rows: Sequence[Slice], column: str, who: str, is_agreement: bool) -> str:
    """Return what the slices of one kind, which keeps least first, say: who keeps least, and who most."""
    first, last = rows[0], rows[-1]
    least, most = (_spell_kept(row, column) for row in (first, last))
    subject, verb = _name(first, who)
    keeps = f"agree{'s' * (verb == 'keeps')}" if is_agreement else verb
    other = _name(last, "those")[0]
    if all(_is_below(first, row, column) for row in rows[1:]):
        return f"{subject[:1].upper()}{subject[1:]} {keeps} least, {least}; {other} {most}."
    return f"{subject[:1].upper()}{subject[1:]} {keeps} less than {other}: {least} against {most}."


def _spell_kept(row: Slice, column: str) -> str:
    low, high = row[f"{column}_interval"]
    return f"{100 * row[column]:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _name(row: Slice, who: str) -> tuple[str, str]:
    """Return what a slice is called, and its verb; `who` is the noun where it is of people."""
    kind, name = str(row["kind"]), one_line(row["name"], LONGEST_NAME)
    if kind in (CATEGORY, PART):
        return f"{kind} {name}", "keeps"
    if kind == CROWD_INDEX:
        return f"images of crowd level {name}", "keep"
    if kind == "crowding":
        words = next((words for start, words in CROWDING.items() if name.startswith(start)), None)
        return f"{who} {f'of crowding {name}' if words is None else words}", "keep"
    if kind == "visible joints":
        low, _, high = name.partition(" to ")
        return f"{who} with {low if low == high else name} visible joints", "keep"
    return f"{who} {'of ' * name[:1].isdigit()}{name}", "keep"
