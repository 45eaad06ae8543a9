"""robustpose report: the tables and the page of a finished run, made again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from robustpose.errors import UserError


def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Run folder of a finished bench.")]) -> None:
    """Write the tables and the HTML report of a run again, and print its scores."""
    from robustpose.results.inputs import check_data, open_again
    from robustpose.results.summary import read_summary
    from robustpose.show.pages.report import write_report
    from robustpose.show.terminal import print_summary

    summary = read_summary(folder)
    images: tuple[Any, Any] = (None, None)
    try:
        spec, corrupted_images = open_again(folder)
        dataset = spec.open()
        check_data(folder, summary, dataset)
        images = (dataset, corrupted_images)
    except UserError as error:
        print(f"warning: the page has no gallery: {error}", file=sys.stderr)
    page = write_report(folder, *images)
    print_summary(summary)
    print(f"report: {page}")
