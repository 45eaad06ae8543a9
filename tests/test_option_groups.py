from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from robustpose.cli.option_groups import with_groups


@dataclass(frozen=True)
class Place:
    """Where."""

    city: Annotated[str, typer.Option(help="A city.")]
    street: Annotated[str | None, typer.Option("--road", help="A street.")] = None


@dataclass(frozen=True)
class Address(Place):
    """Where exactly."""

    number: Annotated[int, typer.Option(help="A number.")] = 1


def call(*words):
    """Return what a command of two groups and an option of its own takes from words, and what it prints."""
    taken = []

    @with_groups
    def go(
        out: Annotated[str, typer.Argument()], address: Address, fast: Annotated[bool, typer.Option("--fast")] = False
    ) -> None:
        """Go there."""
        taken.extend([out, address, fast])

    app = typer.Typer()
    app.command()(go)
    return taken, CliRunner().invoke(app, words)


def test_fields_of_a_group_are_options_of_the_command():
    taken, _ = call("x", "--city", "Rome", "--road", "Appia", "--number", "7", "--fast")
    assert taken == ["x", Address("Rome", "Appia", 7), True]


def test_defaults_of_a_group_are_those_of_the_options():
    assert call("x", "--city", "Rome")[0] == ["x", Address("Rome"), False]


def test_field_without_a_default_is_an_option_that_must_be_given():
    taken, result = call("x")
    assert not taken
    assert result.exit_code == 2
    assert "--city" in result.output


def test_help_shows_the_fields_where_the_group_stands():
    output = call("--help")[1].output
    places = [output.index(word) for word in ("Go there.", "--city", "--road", "A street.", "--number", "--fast")]
    assert places == sorted(places)
