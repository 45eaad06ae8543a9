"""--name and --names: what runs are called; and whether they get a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from robustpose.cli.help import OUTPUT
from robustpose.errors import UserError, quote


@dataclass(frozen=True)
class WrittenOptions:
    """How a run is written up."""

    panel: ClassVar[str] = OUTPUT

    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default="the model's",
            help="What the run is called in tables and pages; may be changed later.",
        ),
    ] = None
    no_report: Annotated[
        bool,
        typer.Option("--no-report", help="Write no report.html, and remove one that is there; tables are written."),
    ] = False

    @property
    def checked_name(self) -> str | None:
        """Return the name, if there is one."""
        from robustpose.results.names import check_name

        return None if self.name is None else check_name(self.name)


def parse_names(text: str | None) -> dict[str, str]:
    """Return names by run, of ``RUN=NAME`` between commas."""
    words = [] if text is None else text.split(",")
    return parse_pairs(words, "--names", "RUN=NAME with commas, such as runs/a=Nano")


def parse_pairs(words: Sequence[str], option: str, form: str) -> dict[str, str]:
    """Return what stands behind ``=`` by what stands before it, of an option that takes such words."""
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not key or not value:
            raise UserError(f"{option} takes {form}, got {quote(word)}")
        if key in pairs:
            raise UserError(f"{option} names {quote(key)} twice, {quote(pairs[key])} and {quote(value)}")
        pairs[key] = value
    return pairs
