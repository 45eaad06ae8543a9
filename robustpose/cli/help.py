"""Help: options in groups, each under its title, then examples; commands with one line each that is not cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.core
import typer.main

from robustpose.cli.examples import EXAMPLES
from robustpose.cli.given import check_values, explain_value, name_whole_paths
from robustpose.errors import UserError

NAME = "robustpose"
WIDEST = 120  # columns that help takes; longer lines are hard to read
# Titles of the groups, in the order in which they are shown. An option says its own by `rich_help_panel`; `with_groups`
# says it for all options of a dataclass.
TRAINING, MODEL, DATA, CORRUPTIONS = "Training", "Model", "Data", "Corruptions"
OUTPUT, SPEED, CLUSTER, ADVANCED = "Output", "Speed", "Cluster", "Advanced"
ARGUMENTS, REST = "Arguments", "Help"  # of arguments; of options without a group
FIRST, LAST = (ARGUMENTS, TRAINING, MODEL, DATA, CORRUPTIONS, OUTPUT, SPEED), (CLUSTER, ADVANCED, REST)
NAMES_WIDTH = 26  # letters of an option with its value; what is longer has a line of its own


class Command(typer.core.TyperCommand):
    """A command whose options are shown in groups, and its examples below them; mistakes in values are said plainly."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words of the command line."""
        words = list(args)
        if not ctx.resilient_parsing:  # of a shell that asks what may come next
            check_values(self.get_params(ctx), words)
        try:
            rest: list[str] = super().parse_args(ctx, args)
        except Exception as error:
            line = explain_value(error, words) if hasattr(error, "format_message") else None
            if line is None:
                raise
            raise UserError(line) from error
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Paths in its errors are whole."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            error.args = (name_whole_paths(str(error), ctx.params), *error.args[1:])
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options under the titles of their groups."""
        _write_groups(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the command's examples."""
        _write_examples(ctx, formatter)


class Group(typer.core.TyperGroup):
    """A command that has commands, each of which is shown with one line, and examples below them."""

    later: ClassVar[Mapping[str, tuple[str, str]]] = {}  # commands that are imported when they are called

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return [*self.later, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, imported now if it is one of `later`; None where there is none of that name."""
        if cmd_name not in self.later:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self.commands:
            self.commands[cmd_name] = load_command(cmd_name, *self.later[cmd_name])
        return self.commands[cmd_name]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the options."""
        records = list(self._list_lines(ctx))
        if records:
            with formatter.section("Commands"):
                formatter.write_dl(records)
        _write_groups(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write examples of its commands, then its last words."""
        _write_examples(ctx, formatter)
        super().format_epilog(ctx, formatter)

    def _list_lines(self, ctx: Any) -> Iterator[tuple[str, str]]:
        for name in self.list_commands(ctx):
            if name in self.later:
                yield name, self.later[name][1]
            else:
                command = self.get_command(ctx, name)
                yield name, str(command.short_help or command.help or "").partition("\n")[0]


class GroupWithDefault(Group):
    """A command that has commands, and one that is meant where none of them is named.

    ``leaderboard runs`` is ``leaderboard build runs``: help shows the arguments and options of that one as its own.
    """

    default = "build"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words of the command line."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [self.default, *args]
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the other commands."""
        return [name for name in super().list_commands(ctx) if name != self.default]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write both ways to call it."""
        formatter.write_usage(ctx.command_path, "DIR [OPTIONS]")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix=" " * len("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the arguments and options of the default one."""
        records = list(self._list_lines(ctx))
        with formatter.section("Commands"):
            formatter.write_dl(records)
        command = self.commands[self.default]
        _write_groups(command, type(ctx)(command, parent=ctx.parent, info_name=ctx.info_name), formatter)


def load_command(name: str, place: str, line: str) -> Any:
    """Return the command that a function ``module:attr``, or an app of typer's with commands of its own, makes."""
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command = typer.main.get_command(found)
    else:
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command(name, cls=Command, short_help=line)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command


def _write_examples(ctx: Any, formatter: Any) -> None:
    examples = EXAMPLES.get(ctx.command_path.removeprefix(NAME).strip(), ())
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write("".join(f"{line}\n" for line in fold_example(example, formatter.width)))


def find_groups(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Return the names and texts of a command's arguments and options by the titles of their groups, in order."""
    groups: dict[str, list[tuple[str, str]]] = {title: [] for title in FIRST}
    last: dict[str, list[tuple[str, str]]] = {title: [] for title in LAST}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            title = _find_group(parameter)
            (last if title in last else groups).setdefault(title, []).append(_polish(parameter, record))
    return groups | last


def _write_groups(command: Any, ctx: Any, formatter: Any) -> None:
    groups = find_groups(command, ctx)
    lengths = [len(names) for records in groups.values() for names, _ in records if len(names) <= NAMES_WIDTH]
    width = max(lengths, default=0)  # of all groups, so that their texts begin at one column
    for title, records in groups.items():
        if records:
            with formatter.section(title):
                formatter.write_dl([(names.ljust(width), text) for names, text in records], col_max=width)


def _find_group(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return ARGUMENTS
    return getattr(parameter, "rich_help_panel", None) or REST


def _polish(parameter: Any, record: tuple[str, str]) -> tuple[str, str]:
    """Return an option's names and text: arguments without their type; defaults in words without double brackets."""
    names, text = record
    if parameter.param_type_name == "argument":
        names = parameter.metavar or parameter.name.upper()
    return names, text.replace("[default: (", "[default: ").replace(")]", "]")


def fold_example(example: str, width: int) -> Iterator[str]:
    """Yield the lines of an example: whole, or of a wide one its parts, as a shell takes them."""
    line = " "
    for part in example.replace(" --", "\n--").split("\n"):
        if len(line) + len(part) + 3 > width and line.strip():
            yield f"{line} \\"
            line = "     "
        line += f" {part}"
    yield line
