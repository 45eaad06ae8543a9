"""Tables: numbers of runs as records, and as a table of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from robustpose.errors import UserError, nearest, quote
from robustpose.pose.cell import Cell
from robustpose.results.rows import Row
from robustpose.results.score_names import find_name

if TYPE_CHECKING:
    import pandas


def record_of(row: Row) -> dict[str, Any]:
    """Return one number of a run as a record."""
    cell = Cell.from_key(row.name) if row.kind == "cell" else None
    low, high = row.interval or (None, None)
    return {
        "kind": row.kind,
        "name": row.name,
        "corruption": cell.corruption if cell else row.name if row.kind == "corruption" else None,
        "severity": cell.severity if cell else None,
        "group": row.name if row.kind == "group" else row.group,
        "value": row.value,
        "low": low,
        "high": high,
    }


def find_row(rows: Sequence[Row], name: str) -> Row:
    """Return the row of a name, which is spelled as for gates; UserError where there is none."""
    known = {row.label if row.kind == "headline" else row.name: row for row in reversed(rows)}  # the headline first
    found = find_name(check_score_name(name), {label: (row.kind, row.name) for label, row in known.items()})
    if found is None:
        names = [row.name for row in rows]
        raise UserError(f"this run has no {quote(name)}{nearest(name, names)}: it has {_list_some(names)}")
    return known[found]


def check_score_name(name: object) -> str:
    """Return the name of a score, without spaces around it; UserError for what is no word."""
    if not isinstance(name, str):
        raise UserError(f"a number is asked for by its name, such as 'mPC' or 'fog/3', got {type(name).__name__}")
    return name.strip()


def _list_some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def make_frame(records: Sequence[dict[str, Any]]) -> pandas.DataFrame:
    """Return records as a table of pandas; UserError where pandas is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise UserError(
            f"a table needs pandas, which cannot be loaded ({error}): pip install pandas; to_records() needs nothing"
        ) from error
    frame = pandas.DataFrame.from_records(records)
    if "severity" in frame:
        frame["severity"] = frame["severity"].astype("Int64")  # whole numbers, though some rows have none
    return frame
