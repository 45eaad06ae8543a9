"""The command line: parse, build, call one job. Heavy imports happen inside the commands."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated

import typer

import robustpose
from robustpose.cli import bench, corrupt, finished, listing, official, stylize, train
from robustpose.errors import UserError

INTERRUPTED = 130  # what typer makes of Ctrl-C, as shells do

app = typer.Typer(
    name="robustpose",
    help="Measure how 2D human pose estimators hold up when images get worse, and harden them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"robustpose {robustpose.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


app.command("bench")(bench.bench)
app.command("report")(finished.report)
app.command("figures")(finished.figures)
app.command("compare")(finished.compare)
app.command("leaderboard")(finished.leaderboard)
app.command("score")(finished.score)
app.command("corrupt")(corrupt.corrupt)
app.command("train")(train.train)
app.command("stylize")(stylize.stylize)
app.command("convert-pifpaf")(official.convert_pifpaf)
app.command("list")(listing.list_)
app.add_typer(official.data, name="data")
app.add_typer(official.frost, name="frost")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit code 0, 2 for a mistake in what was given, 130 after Ctrl-C, 1 for a fault of ours."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    # Anywhere on the line: people add it at the end of the command that failed.
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            app(args=arguments, standalone_mode=True)
    except UserError as error:
        if debug:
            raise
        _fail(f"error: {error}", 2)
    except SystemExit as ended:
        if ended.code != INTERRUPTED:
            raise
        _fail("stopped; finished work is kept: the same command goes on from there", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        _fail(f"internal error: {type(error).__name__}: {error} (add --debug for the traceback)", 1)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)
