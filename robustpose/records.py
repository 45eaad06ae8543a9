"""Records: the many entries of a file from outside, each held against a type; every mistake names its entry.

Types are pydantic's, and only check: what is read is the record itself, so hundreds of thousands take a second or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StrictFloat, StrictInt, StrictStr
from pydantic import ValidationError as NotOfType
from pydantic_core import CoreSchema, core_schema

from robustpose.errors import quote

LARGEST = 1e9  # far beyond any image, and squares of it are still numbers


class Must:
    """Say what a value must be in one sentence, whatever it is that pydantic finds wrong with it."""

    def __init__(self, be: str) -> None:
        self.be = be

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(handler(source), "must", custom_error_message=f"must be {self.be}")


# What a JSON file may say for a number; true, "3" and NaN are none.
Number = Annotated[
    float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST), Must("a finite number, at most 1e9")
]
# Of an image, an annotation, a category. Some programs write 7.0 for 7, which Python takes for the same id.
RecordId = Annotated[
    Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
    | Annotated[StrictFloat, Field(ge=-(2**53), le=2**53, multiple_of=1)]
    | Annotated[StrictStr, Field(min_length=1, max_length=1000)],
    Must("a whole number or text"),
]


class Record(BaseModel):
    """An entry of a file; what it holds beyond its fields is not looked at."""

    model_config = ConfigDict(extra="ignore")


def find_mistakes(kind: type[Record], records: Sequence[Any], what: str, key: str | None = None) -> list[str]:
    """Return what is wrong with records, a line for each wrong one.

    A line begins with `what` and the record's number from 0, such as ``result 3``; where `key` is given and the record
    has that field, with its value instead, such as ``annotation 900100``.
    """
    check = kind.__pydantic_validator__.validate_python
    mistakes = []
    for number, record in enumerate(records):
        try:
            check(record)
        except NotOfType as error:
            mistakes.append(name_record(record, number, what, key) + _explain(error))
    return mistakes


def name_record(record: Any, number: int, what: str, key: str | None = None) -> str:
    """Return what messages call a record: see `find_mistakes`."""
    if key is None:
        return f"{what} {number}"
    value = record.get(key) if isinstance(record, dict) else None
    is_id = isinstance(value, int | float | str) and not isinstance(value, bool)
    return f"{what} {quote(value)}" if is_id else f"{what} number {number} (from 0)"


def _explain(error: NotOfType) -> str:
    problems = error.errors(include_url=False, include_context=False)
    if not problems[0]["loc"]:
        return f" must be an object, got {quote(problems[0]['input'])}"
    lacking = [str(problem["loc"][0]) for problem in problems if problem["type"] == "missing"]
    if lacking:
        return f" lacks {', '.join(sorted(lacking))}"
    first = problems[0]
    place = str(first["loc"][0]) + "".join(f"[{part}]" for part in first["loc"][1:])
    return f": {place} {first['msg'].replace('Input should', 'must')}, got {quote(first['input'])}"
