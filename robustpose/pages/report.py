"""The report of a run: tables and one HTML page, made from summary.json alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.results.summary import read_summary
from robustpose.results.tables import (
    headline,
    model_name,
    percent,
    severities_of,
    to_csv,
    to_latex,
    to_markdown,
)


def write_report(folder: Path) -> Path:
    """Write table.md, table.csv, table.tex and report.html from a run's summary, and return the page's path.

    Raises:
        UserError: the folder holds no finished run, or cannot be written to.
    """
    summary = read_summary(folder)
    try:
        write_text(folder / "table.md", to_markdown(summary))
        write_text(folder / "table.csv", to_csv(summary))
        write_text(folder / "table.tex", to_latex(summary))
        write_text(folder / "report.html", render(summary))
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error}") from error
    return folder / "report.html"


def render(summary: Mapping[str, Any]) -> str:
    """Return the HTML page. Text from files is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("robustpose.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    return environment.get_template("report.html.j2").render(
        summary=summary,
        model=model_name(summary),
        headline=headline(summary),
        severities=severities_of(summary),
        provenance=list(_flatten(summary["provenance"])),
    )


def _flatten(tree: Mapping[str, Any], where: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in tree.items():
        name = f"{where} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            rows += _flatten(value, name)
        else:
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows
