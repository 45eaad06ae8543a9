"""The command line: parse, build, call one job. A command's file is imported when it is called, and for no other."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import robustpose
from robustpose.cli import completion
from robustpose.cli.failures import EXIT_CODES, check_surroundings, run_guarded, tell_refusal
from robustpose.cli.help import ADVANCED, NAME, WIDEST, Group
from robustpose.printing import ForgivingStream, forgiving_streams, print_line, print_warning
from robustpose.stopping import heed_signals

# Name -> where the command is, and its one line in `robustpose --help`, which 80 columns must hold.
COMMANDS = {
    "bench": ("robustpose.cli.bench:bench", "Measure an estimator, clean and under corruptions."),
    "detect": ("robustpose.cli.detect:detect", "Find boxes, clean and under corruptions."),
    "merge": ("robustpose.cli.merge:merge", "Make one run of its shards (bench --shard)."),
    "report": ("robustpose.cli.finished:report", "Write the page and tables of a run again."),
    "compare": ("robustpose.cli.finished:compare", "Show how runs differ, with 95 % intervals."),
    "leaderboard": ("robustpose.cli.leaderboard:leaderboard", "Sort the runs in a folder by their mean."),
    "findings": ("robustpose.cli.findings:findings", "Hold runs against each claim of the paper."),
    "figures": ("robustpose.cli.figures:figures", "Draw runs as figures for a paper."),
    "score": ("robustpose.cli.finished:score", "Score a finished run again, without its model."),
    "corrupt": ("robustpose.cli.corrupt:corrupt", "Write corrupted images, or a whole benchmark."),
    "train": ("robustpose.cli.train:train", "Train or harden a network."),
    "campaign": ("robustpose.cli.campaign:campaign", "Train and bench whole tables, and compare."),
    "stylize": ("robustpose.cli.stylize:stylize", "Write copies of images in other styles."),
    "list": ("robustpose.cli.listing:list_", "List what there is to choose from."),
    "data": ("robustpose.cli.official:data", "Check official data sets on disk."),
    "frost": ("robustpose.cli.official:frost", "Fetch the published frost textures."),
    "convert-pifpaf": ("robustpose.cli.official:convert_pifpaf", "Take weights out of a PifPaf checkpoint."),
}


class _Robustpose(Group):
    """The command `robustpose`."""

    later = COMMANDS


app = typer.Typer(
    name=NAME,
    cls=_Robustpose,
    help="Measure how 2D human pose estimators hold up when images get worse, and harden them.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,  # there is our own, which ends as other commands do
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print_line(f"robustpose {robustpose.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; with any command, at any place.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            callback=completion.install,
            is_eager=True,
            rich_help_panel=ADVANCED,
            help="Have the shell complete commands, options and names: bash, zsh or fish.",
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            callback=completion.show,
            is_eager=True,
            rich_help_panel=ADVANCED,
            help="Print the script that does it.",
        ),
    ] = False,
) -> None:
    """Take the options that stand before the command."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and end with one of the exit codes of `cli.failures`."""
    if completion.VARIABLE in os.environ:  # a shell asks what may come next
        if code := completion.answer(app):
            sys.exit(code)
        return
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
    if "~" not in word:
        return word
    import re
    from pathlib import Path

    try:
        return re.sub(r"(^|[=:])~(?=/|$)", lambda found: found[1] + str(Path.home()), word)
    except RuntimeError:  # nobody knows where that is
        return word


def _run(words: list[str], output: ForgivingStream) -> int | None:
    import warnings

    check_surroundings(output)
    with warnings.catch_warnings():
        warnings.showwarning = print_warning
        warnings.filterwarnings("ignore", module="PIL")  # of tags that nobody needs; what matters is an error
        code: int | None = app(args=words, prog_name=NAME, standalone_mode=False)
    return code
