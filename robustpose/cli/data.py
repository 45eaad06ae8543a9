"""robustpose data: official data sets on disk, checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from robustpose.data.official import SETS
from robustpose.errors import spell_list

app = typer.Typer(help="Official data sets on disk.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _options() -> None:
    """Official data sets on disk."""


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{spell_list(SETS, 'or')}.")],
    root: Annotated[Path, typer.Option(help="Folder that holds the set.")],
) -> None:
    """Say which official files are there and where to get the others; exit code 1 if scores need more than is there."""
    from rich.console import Console
    from rich.table import Table

    from robustpose.data import official_check

    findings = official_check.check(name, root)
    table = Table()
    for column in ("file", "state", "found", "expected", "needed for"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        needed_for = finding.needed_for + (" (optional)" if finding.is_optional else "")
        table.add_row(finding.path, finding.state, finding.found, finding.expected, needed_for)
    # Without markup: what is found may quote a damaged file.
    Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False).print(table)
    faults = [finding for finding in findings if finding.state != "ok"]
    for source in dict.fromkeys(fault.source for fault in faults):
        print(f"get {', '.join(fault.path for fault in faults if fault.source == source)} from {source}")
    problems = [f"{fault.path} ({fault.state})" for fault in faults if not fault.is_optional]
    needed_for = findings[0].needed_for  # the split that is scored comes first
    if problems:
        print(f"not ready for official {needed_for}: {', '.join(problems)}")
        raise typer.Exit(1)
    print(f"ready for official {needed_for}")
