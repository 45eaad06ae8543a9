"""The page of a leaderboard: a sortable table for every way of measuring."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from robustpose.files import write_text
from robustpose.results.leaderboard import Board, boards_to_json
from robustpose.show.pages.page import render_page
from robustpose.show.replacing import check_json, check_page, follow


def write_leaderboard(folder: Path, boards: Sequence[Board]) -> Path:
    """Write leaderboard.html and leaderboard.json, and return the page's path; UserError where others would be lost."""
    check_place(folder)
    write_text(follow(folder / "leaderboard.json"), json.dumps(boards_to_json(boards), indent=1) + "\n")
    write_text(follow(folder / "leaderboard.html"), render_leaderboard(boards))
    return folder / "leaderboard.html"


def check_place(folder: Path) -> None:
    """Raise UserError where other files than those of a leaderboard would be lost in a folder."""
    check_json(folder / "leaderboard.json", "boards", "folder")
    check_page(folder / "leaderboard.html", "leaderboard", "folder")


def render_leaderboard(boards: Sequence[Board]) -> str:
    """Return the HTML page. Text from files is escaped."""
    return render_page("leaderboard.html.j2", boards=boards, charts={})
