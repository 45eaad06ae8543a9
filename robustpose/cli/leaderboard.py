"""robustpose leaderboard: summaries of many runs as one sorted page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with summary.json files, at any depth.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for leaderboard.html and leaderboard.json; by default DIR.")
    ] = None,
) -> None:
    """Sort finished runs by mPC; what was measured in another way is kept apart."""
    from robustpose.results.leaderboard import read_boards
    from robustpose.show.pages.leaderboard import write_leaderboard
    from robustpose.show.terminal import print_boards

    boards, left_out = read_boards(folder)
    print_boards(boards)
    for problem in left_out:
        print(f"warning: left out: {problem}", file=sys.stderr)
    print(f"page: {write_leaderboard(out or folder, boards)}")
