import json
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from robustpose.results.entry_form import EntryForm, make_schema

PAGE = Path(__file__).parents[1] / "docs/reference/leaderboard.md"


def list_fields(model, before=""):
    """Yield name, whether it must be there, and description of every field."""
    for name, field in model.model_fields.items():
        yield before + (field.alias or name), field.is_required(), field.description
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from list_fields(kind, f"{before}{name}.")


def test_every_field_is_described_and_the_page_has_it():
    rows = [f"| `{name}`{' *' * needed} | {text} |" for name, needed, text in list_fields(EntryForm)]
    assert len(rows) > 40
    page = PAGE.read_text()
    assert [row for row in page.splitlines() if row.startswith("| `")] == rows


def test_schema_is_printed_and_written(run, tmp_path):
    code, output, _ = run("leaderboard", "schema")
    assert code == 0
    schema = json.loads(output)
    assert schema == make_schema()
    assert schema["required"] == ["entry", "model", "metric", "suite", "data", "setup", "scores"]
    assert schema["$defs"]["Scores"]["properties"]["clean"]["maximum"] == 1
    path = tmp_path / "entry.schema.json"
    assert run("leaderboard", "schema", "--out", path)[0] == 0
    assert json.loads(path.read_text()) == schema
    (tmp_path / "other.json").write_text("[1]")
    assert run("leaderboard", "schema", "--out", tmp_path / "other.json")[0] == 2
