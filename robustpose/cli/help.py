"""Help: options in groups, each under its title, then examples; commands with one line each that is not cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer.core

# Titles of the groups, in the order in which they are shown. An option says its own by `rich_help_panel`; `with_groups`
# says it for all options of a dataclass.
TRAINING, MODEL, DATA, CORRUPTIONS = "Training", "Model", "Data", "Corruptions"
OUTPUT, SPEED, ADVANCED = "Output", "Speed", "Advanced"
ORDER = (TRAINING, MODEL, DATA, CORRUPTIONS, OUTPUT, SPEED, ADVANCED)
REST = "Options"  # of options without a group


class Command(typer.core.TyperCommand):
    """A command whose options are shown in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options under the titles of their groups."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{title: [] for title in ORDER}, REST: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups.setdefault(_find_group(parameter), []).append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Group(typer.core.TyperGroup):
    """A command that has commands, each of which is shown with one line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command's name and its one line."""
        shown: Mapping[str, Any] = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        records = [(name, _first_line(one)) for name, one in shown.items() if one is not None and not one.hidden]
        if records:
            with formatter.section("Commands"):
                formatter.write_dl(records)


def _find_group(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or REST


def _first_line(command: Any) -> str:
    text = command.short_help or command.help or ""
    return str(text).partition("\n")[0]
