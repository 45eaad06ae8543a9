"""Options that name corrupted cells, the same for every command that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.cli.parse import parse_severities, split_words

if TYPE_CHECKING:
    from robustpose.corruptions.suites import Suite
    from robustpose.pose.cell import Cell

SuiteName = Annotated[
    str, typer.Option("--suite", help="Suite of corruptions: coco-c or held-out; see robustpose list corruptions.")
]
Corruptions = Annotated[
    str,
    typer.Option(
        help="all of the suite; groups of it (noise, blur, weather, digital); names of corruptions or of other suites; "
        "package.module:function; none; with commas."
    ),
]
Severities = Annotated[
    str | None, typer.Option(help="Severities of the suite, such as 1,3,5, with commas; by default all.")
]


def name_cells(suite: str, corruptions: str, severities: str | None) -> tuple[Suite, tuple[Cell, ...]]:
    """Return the suite and the cells, clean first, that the options stand for.

    Raises:
        UserError: one of them means nothing.
    """
    from robustpose.corruptions.suites import choose_cells, find_suite

    chosen = find_suite(suite)
    numbers = None if severities is None else parse_severities(severities)
    return chosen, choose_cells(split_words(corruptions), numbers, chosen)
