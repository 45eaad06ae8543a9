"""The command line: parse, build, call one job. Heavy imports happen inside the commands."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

import robustpose
from robustpose.cli import bench, corrupt, figures, findings, finished, listing, official, stylize, train
from robustpose.cli.failures import EXIT_CODES, check_surroundings, run_guarded, tell_refusal
from robustpose.cli.help import Command, Group
from robustpose.printing import ForgivingStream, forgiving_streams, print_line, print_warning
from robustpose.stopping import heed_signals

app = typer.Typer(
    name="robustpose",
    cls=Group,
    help="Measure how 2D human pose estimators hold up when images get worse, and harden them.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print_line(f"robustpose {robustpose.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


app.command("bench", cls=Command)(bench.bench)
app.command("report", cls=Command)(finished.report)
app.command("figures", cls=Command)(figures.figures)
app.command("compare", cls=Command)(finished.compare)
app.command("leaderboard", cls=Command)(finished.leaderboard)
app.command("findings", cls=Command)(findings.findings)
app.command("score", cls=Command)(finished.score)
app.command("corrupt", cls=Command)(corrupt.corrupt)
app.command("train", cls=Command)(train.train)
app.command("stylize", cls=Command)(stylize.stylize)
app.command("convert-pifpaf", cls=Command)(official.convert_pifpaf)
app.command("list", cls=Command)(listing.list_)
app.add_typer(official.data, name="data")
app.add_typer(official.frost, name="frost")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and end with one of the exit codes of `cli.failures`."""
    words = sys.argv[1:] if arguments is None else arguments
    # Anywhere among the options: people add it at the end of the command that failed.
    end = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end]
    words = [*(word for word in words[:end] if word != "--debug"), *words[end:]]
    words = [expand_home(word) for word in words]
    with heed_signals(), forgiving_streams() as output:
        code = run_guarded(lambda: _run(words, output), debug)
        code = code or tell_refusal(output)
    sys.exit(code)


def expand_home(word: str) -> str:
    """Return a word of a command line with the home folder for ``~``, also after ``=`` and ``:``, as in ``onnx:~/a``.

    Shells replace it only where a word begins with it.
    """
    try:
        return re.sub(r"(^|[=:])~(?=/|$)", lambda found: found[1] + str(Path.home()), word)
    except RuntimeError:  # nobody knows where that is
        return word


def _run(words: list[str], output: ForgivingStream) -> int | None:
    check_surroundings(output)
    with warnings.catch_warnings():
        warnings.showwarning = print_warning
        warnings.filterwarnings("ignore", module="PIL")  # of tags that nobody needs; what matters is an error
        code: int | None = app(args=words, standalone_mode=False)
    return code
