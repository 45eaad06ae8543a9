"""Sufferers: which people lose most under corruption, as far as the intervals of the slices of a run tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from robustpose.corruptions.suites import Suite
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cuts import CATEGORY, CROWD_INDEX, PART
from robustpose.printing import one_line
from robustpose.results.doubts import LOW_SCORE
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import suite_of
from robustpose.results.scored import name_scored
from robustpose.results.slices_model import FEW_PEOPLE

ENOUGH_PEOPLE = 3 * FEW_IMAGES  # where it is not known on how many images people are, as in runs of before
LONGEST_NAME = 60  # letters: of a category
# What is said of the boxes of people by their crowding, by the beginning of its name.
CROWDING = {
    "alone": "whose box touches no other",
    "IoU to": "whose box overlaps another a little",
    "IoU above": "whose box overlaps another much",
}

Slice = Mapping[str, Any]  # a row of slices.json
SliceT = TypeVar("SliceT", bound=Mapping[str, Any])


def tell_sufferers(summary: Mapping[str, Any], slices: Mapping[str, Any]) -> list[str]:
    """Return in one sentence who keeps least of all, or of the kind of slices that has the lowest one; and who most.

    Slices of few people or of people on few images, without an interval, or with next to nothing to lose are left out.
    Nothing is told of a run without all cells of its suite, whose slices have no mean.
    """
    metric, rows = str(summary["metric"]), list(slices["slices"])
    column = find_column(suite_of(summary), metric)
    ranked = rank_kinds(rows, column) if column and summary.get(column) is not None else []
    ranked = [of_kind for of_kind in ranked if len(of_kind) > 1]
    clear = [of_kind for of_kind in ranked if _is_below(of_kind[0], of_kind[-1], column, rows)]
    if not clear:
        are_paired = all(of_kind[0].get("keeps_less") for of_kind in ranked)
        return ["No kind of those in the slices is shown to keep less than another."] if ranked and are_paired else []
    of_kind = min(clear, key=lambda of_kind: float(of_kind[0][column]))
    everybody = [row for row in rows if is_usable(row, column)]
    are_above = [
        all(_is_below(of_kind[0], row, column, rows) for row in some if row is not of_kind[0])
        for some in (everybody, of_kind)
    ]
    who = name_scored(summary["provenance"]["dataset"])
    return [_tell(of_kind, column, who, metric in HELD_AGAINST_CLEAN, are_above)]


def find_column(suite: Suite, metric: str) -> str:
    """Return the name of the number that says what a slice keeps; nothing for a suite without one."""
    return suite.mean_name if metric in HELD_AGAINST_CLEAN else suite.ratio_name


def rank_kinds(rows: Sequence[SliceT], column: str) -> list[list[SliceT]]:
    """Return the slices of each kind of which something can be said, those that keep least first."""
    kinds: dict[str, list[SliceT]] = {}
    for row in rows:
        if is_usable(row, column):
            kinds.setdefault(str(row["kind"]), []).append(row)
    return [sorted(of_kind, key=lambda row: float(row[column])) for of_kind in kinds.values()]


def is_usable(row: Slice, column: str) -> bool:
    """Return whether something can be said of a slice."""
    n_images = row.get("n_images")
    is_of_few = row["n_people"] < ENOUGH_PEOPLE if n_images is None else n_images < FEW_IMAGES
    if is_of_few or row["n_people"] < FEW_PEOPLE or row.get(column) is None or row.get(f"{column}_interval") is None:
        return False
    return float(row.get("clean") or 0.0) >= LOW_SCORE


def _is_below(low: Slice, high: Slice, column: str, rows: Sequence[Slice]) -> bool:
    """Return whether a slice keeps less: by the interval of the difference, else by two that do not overlap."""
    if paired := low.get("keeps_less"):
        bounds = next(bounds for bounds, row in zip(paired, rows, strict=True) if row is high)
        return bounds is not None and bounds[0] > 0
    return bool(low[f"{column}_interval"][1] < high[f"{column}_interval"][0])


def _tell(rows: Sequence[Slice], column: str, who: str, is_agreement: bool, are_above: Sequence[bool]) -> str:
    """Return what the slices of one kind, which keeps least first, say: who keeps least, and who most.

    `are_above` tells whether all other slices, and whether those of the kind, are known to keep more than the first.
    """
    first, last = rows[0], rows[-1]
    least, most = (_spell_kept(row, column) for row in (first, last))
    subject, verb = _name(first, who)
    keeps = f"agree{'s' * (verb == 'keeps')}" if is_agreement else verb
    other = _name(last, "those")[0]
    by = "" if are_above[0] else f"by {one_line(first['kind'], LONGEST_NAME)}, "
    said = f"{subject} {keeps} less than {other}: {least} against {most}."
    if are_above[1]:
        said = f"{by}{subject} {keeps} least, {least}; {other} {most}."
    return said[:1].upper() + said[1:]


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
