"""robustpose report: the tables and the page of a finished run, made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Run folder of a finished bench.")],
) -> None:
    """Write the tables and the HTML report of a run again, and print its scores."""
    from robustpose.cli.show import print_summary
    from robustpose.pages.report import write_report
    from robustpose.results.summary import read_summary

    page = write_report(folder)
    print_summary(read_summary(folder))
    print(f"report: {page}")
