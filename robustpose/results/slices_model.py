"""What slices.json holds, typed and bounded: a file in a run folder may come from anybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from robustpose.config import check_settings
from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.reading import read_json
from robustpose.results.rows import headline_columns, suite_of
from robustpose.results.summary_model import MOST_BYTES, Bounds, Count, Ends, Part, Score, Text, parse_number

MOST_ROWS = 10_000
FEW_PEOPLE = 10  # below: a slice's numbers say little, and are shown in grey
Number = Annotated[float, BeforeValidator(parse_number), Field(ge=-1e9, le=1e9)]
Numbers = Annotated[dict[str, Number | None], Field(max_length=MOST_ROWS)]


class _Row(Part):
    name: Text
    n_images: Count | None = None  # that its people or joints are on; earlier versions did not say
    mean_of_chosen: Score | None = None  # of a run without all cells of its suite
    groups: dict[str, Score | None]
    severities: dict[str, Score | None]


class _People(_Row):
    kind: Text
    n_people: Count
    # Of the row that keeps least in its kind: how much less it keeps than each row, in their order.
    keeps_less: Annotated[list[Ends | None], Field(max_length=MOST_ROWS)] | None = None


class _Joint(_Row):
    n: Count


class _Bin(Part):
    score: Number
    oks: Number
    n: Count


class _Curve(Part):
    error: Number | None = None
    rank_correlation: Number | None = None
    bins: Annotated[list[_Bin], Field(max_length=MOST_ROWS)]


class _Slices(Part):
    metric: Text
    slices: Annotated[list[_People], Field(max_length=MOST_ROWS)]
    joints: Annotated[list[_Joint], Field(max_length=MOST_ROWS)]
    joint_figure: Text | None = None
    calibration: Annotated[dict[str, _Curve], Field(max_length=MOST_ROWS)] | None = None


class _Headline(Part):
    values: Numbers
    intervals: Bounds


def read_slices(folder: Path, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the slices of a run, given its summary; None where it has none, UserError where they make no sense."""
    path = folder / "slices.json"
    if not path.exists():
        return None
    content, _ = read_json(path, "file of slices", MOST_BYTES)
    try:
        return _check_slices(content, summary)
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}; robustpose score {folder} writes it anew") from error


def _check_slices(content: Any, summary: Mapping[str, Any]) -> dict[str, Any]:
    check_settings(_Slices, content, "")
    if content["metric"] != summary["metric"]:
        raise UserError(f"it is of {content['metric']}, and the summary of {summary['metric']}")
    if content["joints"] and content.get("joint_figure") is None:
        raise UserError("'joint_figure' is missing")
    n_rows = len(content["slices"])
    if any(len(row.get("keeps_less") or range(n_rows)) != n_rows for row in content["slices"]):
        raise UserError("'keeps_less' must have an interval for each slice")
    for key in content.get("calibration") or {}:
        Cell.from_key(key)
    columns = headline_columns(suite_of(summary))
    for row in (*content["slices"], *content["joints"]):
        values = {name: row.get(name) for name in columns}
        intervals = {name: row.get(f"{name}_interval") for name in columns}
        check_settings(_Headline, {"values": values, "intervals": intervals}, str(row["name"])[:80])
    return dict(content)
