"""Commands on official files: data sets checked, frost textures fetched, PifPaf checkpoints converted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.completion import complete
from robustpose.cli.failures import YOURS
from robustpose.cli.help import DATA, OUTPUT, Command, Group
from robustpose.cli.option_groups import with_groups
from robustpose.cli.printed import PrintedOptions
from robustpose.data.official import SETS
from robustpose.errors import spell_list
from robustpose.printing import print_line, print_table

data = typer.Typer(
    help="Official data sets on disk.", cls=Group, no_args_is_help=True, rich_markup_mode=None, add_completion=False
)
frost = typer.Typer(
    help="Frost textures of the published benchmark.",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@data.callback()
def _data() -> None:
    """Official data sets on disk."""


@frost.callback()
def _frost() -> None:
    """Frost textures of the published benchmark."""


@data.command(cls=Command)
@with_groups
def check(
    name: Annotated[
        str, typer.Argument(metavar="NAME", autocompletion=complete(lambda: SETS), help=f"{spell_list(SETS, 'or')}.")
    ],
    root: Annotated[Path, typer.Option(metavar="DIR", rich_help_panel=DATA, help="Folder that holds the set.")],
    shown: PrintedOptions,
) -> None:
    """Say which official files are there, and where to get the others.

    The exit code is 2 if scores need more than is there.
    """
    from robustpose.data import official_check

    findings = official_check.check(name, root)
    titles = ["file", "state", "found", "expected", "needed for"]
    rows = [
        (one.path, one.state, one.found, one.expected, one.needed_for + (" (optional)" if one.is_optional else ""))
        for one in findings
    ]
    print_table(None, titles, rows, 120, texts=range(len(titles)))
    faults = [finding for finding in findings if finding.state != "ok"]
    for source in dict.fromkeys(fault.source for fault in faults):
        print_line(f"get {', '.join(fault.path for fault in faults if fault.source == source)} from {source}")
    problems = [f"{fault.path} ({fault.state})" for fault in faults if not fault.is_optional]
    needed_for = findings[0].needed_for  # the split that is scored comes first
    ready = "not ready" if problems else "ready"
    print_line(f"{ready} for official {needed_for}{': ' if problems else ''}{', '.join(problems)}")
    files = [vars(one) for one in findings]
    shown.write({"set": name, "folder": root, "for": needed_for, "ready": not problems, "files": files})
    if problems:
        raise typer.Exit(YOURS)


@frost.command(cls=Command)
def install() -> None:
    """Fetch the six original frost textures with pip into the user's cache, and check their SHA-256."""
    from robustpose.corruptions.frost_textures import install_textures

    print_line(f"the six frost textures are in {install_textures()}")


def convert_pifpaf(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="Checkpoint that openpifpaf 0.10 saved.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default="beside the checkpoint, under its name",
            help="The .safetensors file to write.",
        ),
    ] = None,
) -> None:
    """Take the weights out of a published PifPaf checkpoint, without running what the file contains."""
    from robustpose.models.pifpaf_files import convert_checkpoint

    out = out or checkpoint.parent / f"{checkpoint.stem}.safetensors"
    name, left_out = convert_checkpoint(checkpoint, out)
    print_line(f"{name} in {out}")
    if left_out:
        print_line(f"left out, since the network has no use for them: {', '.join(left_out)}")
