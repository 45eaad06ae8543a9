"""Commands of leaderboards: the page of a folder of runs and entries; an entry made of a run, checked; its form."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from robustpose.cli.failures import YOURS
from robustpose.cli.help import DATA, MODEL, OUTPUT, Command, GroupWithDefault
from robustpose.cli.names import parse_names, parse_pairs
from robustpose.cli.option_groups import with_groups
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError, quote
from robustpose.printing import print_aside, print_document, print_line

leaderboard = typer.Typer(
    help="Sort runs and entries by the mean of their suite; what was measured in another way is kept apart.",
    cls=GroupWithDefault,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@leaderboard.callback()
def _leaderboard() -> None:
    """Sort runs and entries by the mean of their suite, such as mPC; what was measured in another way is kept apart."""


@leaderboard.command(GroupWithDefault.default, cls=Command)
@with_groups
def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with finished runs and entries, at any depth.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=OUTPUT,
            show_default="the folder itself",
            help="Folder for leaderboard.html and leaderboard.json.",
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="RUN=NAME", rich_help_panel=OUTPUT, help="What runs are called, with commas: a=Nano,b=Tiny."
        ),
    ] = None,
    copy_reports: Annotated[
        bool,
        typer.Option(
            "--copy-reports",
            rich_help_panel=OUTPUT,
            help="Copy the reports that are linked into --out, so that it is a site of its own.",
        ),
    ] = False,
    *,
    shown: PrintedOptions,
) -> None:
    """Write the page of a folder of runs and entries, and print their scores."""
    from robustpose.results.board_suites import join_suites, leaderboard_to_json
    from robustpose.results.leaderboard import read_boards
    from robustpose.show.board_table import print_suite_tables
    from robustpose.show.pages.leaderboard import check_place, write_leaderboard
    from robustpose.show.terminal import print_boards

    check_place(out or folder)
    boards, left_out = read_boards(folder, parse_names(names))
    print_boards(boards)
    print_suite_tables(join_suites(boards))
    page, not_copied = write_leaderboard(folder, out or folder, boards, copy_reports)
    left_out += not_copied
    for problem in left_out:
        print_aside(f"warning: left out: {problem}")
    for entry in (entry for board in boards for entry in board.entries):
        for doubt in entry.warnings:
            print_aside(f"warning: {entry.name} ({entry.run}): {doubt}")
    print_line(f"page: {page}")
    shown.write({**leaderboard_to_json(boards), "left_out": left_out, "page": page})


@leaderboard.command(cls=Command)
@with_groups
def entry(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="The JSON file to write.")],
    link: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            rich_help_panel=OUTPUT,
            help="A link, such as paper=https://… or report=net.html, a path relative to the file. May be repeated.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=MODEL, show_default="the run's", help="What the model is called."),
    ] = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="N", rich_help_panel=MODEL, help="Its number of parameters, such as 28.5M.")
    ] = None,
    training: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=MODEL, help="How it was trained, such as AdvMix.")
    ] = None,
    *,
    shown: PrintedOptions,
) -> None:
    """Make an entry from a finished run.

    It is one JSON file. Its numbers are recomputed from what the run keeps.
    """
    from robustpose.files import write_text
    from robustpose.results.entries import check_links, make_entry
    from robustpose.show.replacing import check_json, follow

    check_json(out, "entry", "--out")
    said = {"parameters": parameters and parse_count(parameters), "training": training}
    made = make_entry(folder, parse_links(link or []), name, {key: value for key, value in said.items() if value})
    check_links(out, made)
    write_text(follow(out), json.dumps(made, indent=1, allow_nan=False) + "\n")
    print_line(f"entry: {out}")
    shown.write({**made, "file": out})


@leaderboard.command(cls=Command)
@with_groups
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Entries, or folders in which every JSON file is one.")
    ],
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", rich_help_panel=DATA, help="Run that the entry must be of: its numbers are recomputed."
        ),
    ] = None,
    *,
    shown: PrintedOptions,
) -> None:
    """Check entries: form, means, links, data.

    Means must be those of the cells, links lead to the web or to files in the folder, and metric, data and boxes fit
    together. The exit code is 2 if anything is wrong. There is a line for each file.
    """
    from robustpose.results.doubts import doubt_summary
    from robustpose.results.entries import (
        check_links,
        check_same,
        list_entry_files,
        read_entry,
        summarize_entry,
        tell_entry,
    )

    found: list[dict[str, Any]] = []
    for file in list_entry_files(files):
        try:
            content = read_entry(file)
            check_links(
                file, content, next((one for one in files if one.is_dir() and one in file.parents), file.parent)
            )
            if run is not None:
                check_same(file, content, run)
        except UserError as error:
            print_aside(f"error: {error}")
            found.append({"file": file, "ok": False, "problem": str(error), "warnings": []})
        else:
            print_line(f"ok: {file}: {tell_entry(content)}")
            doubts = doubt_summary(summarize_entry(content))
            for doubt in doubts:
                print_aside(f"warning: {file}: {doubt}")
            found.append({"file": file, "ok": True, "problem": None, "warnings": doubts})
    shown.write({"files": found})
    if not all(one["ok"] for one in found):
        raise typer.Exit(YOURS)


@leaderboard.command(cls=Command)
def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Write it to this file instead.")
    ] = None,
) -> None:
    """Print the form of an entry as JSON schema."""
    from robustpose.files import write_text
    from robustpose.results.entry_form import make_schema
    from robustpose.show.replacing import check_json, follow

    text = json.dumps(make_schema(), indent=1)
    if out is None:
        print_document(text)
        return
    check_json(out, "$schema", "--out")
    write_text(follow(out), text + "\n")
    print_line(f"schema: {out}")


def parse_links(words: list[str]) -> dict[str, str]:
    """Return links by name, of ``NAME=URL``."""
    return parse_pairs(words, "--link", "NAME=URL, such as paper=https://example.org/paper.pdf")


def parse_count(text: str) -> int:
    """Return a number of parameters.

    >>> parse_count("28.5M"), parse_count("34,000,000"), parse_count("1e6")
    (28500000, 34000000, 1000000)
    """
    found = re.fullmatch(r"(\d{1,3}(?:,\d{3})+|\d{1,15}(?:\.\d{1,6})?(?:e\d{1,2})?) ?([KMBG]?)", text.strip(), re.I)
    factor = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9}[found[2].upper()] if found else 0
    count = round(float(found[1].replace(",", "")) * factor) if found else 0
    if not 0 < count <= 10**15:
        raise UserError(f"--parameters must be a number above 0, such as 28500000 or 28.5M, got {quote(text)}")
    return count
