"""Unseen: the mean over the corruptions of a run that its network has not seen, beside the one that is published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustpose.errors import spell_list
from robustpose.results.rows import Row, percent, suite_of
from robustpose.results.seen import MEAN_OF_UNSEEN, list_unknown, list_unseen, read_seen, seen_in_run
from robustpose.results.spelling import speak

MOST_NAMED = 5  # corruptions in a sentence


def row_of_unseen(summary: Mapping[str, Any]) -> Row | None:
    """Return the mean of the corruptions of a run that its network is not known to have seen, where it has seen some.

    They are those of the suite if the run has all of it. None where no corruption of the run was seen, or all were.
    """
    scores, intervals = summary["corruptions"], summary.get("intervals") or {}
    names = find_unseen(summary)
    if not names:
        return None
    mean = sum(scores[name] for name in names) / len(names)
    return Row("unseen", MEAN_OF_UNSEEN, f"mean of {len(names)} unseen", mean, intervals.get(MEAN_OF_UNSEEN))


def find_unseen(summary: Mapping[str, Any]) -> list[str]:
    """Return the corruptions whose mean that is."""
    suite = suite_of(summary)
    is_complete = summary.get(suite.mean_name) is not None
    return list_unseen(list(summary["corruptions"]), suite, is_complete, read_seen(summary) or ())


def tell_unseen(summary: Mapping[str, Any]) -> list[str]:
    """Return what a verdict says of the corruptions that were seen, a sentence; none where there are none."""
    seen, row = seen_in_run(summary), row_of_unseen(summary)
    if not seen:
        return []
    named = spell_list([speak(name) for name in seen]) if len(seen) <= MOST_NAMED else f"{len(seen)} of its corruptions"
    told = f"{named[:1].upper()}{named[1:]} {'was' if len(seen) == 1 else 'were'} seen in training"
    if unknown := list_unknown(read_seen(summary)):
        return [f"{told}; {spell_list(unknown)} is not known."]
    if row is None:
        return [f"{told}: what is new to this network was not measured."]
    return [f"{told}: under what was not, {summary['metric']} is {percent(row.value)} ({row.label})."]
