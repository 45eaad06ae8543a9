"""The page of a leaderboard: a sortable table for every way of measuring."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from robustpose.files import write_text
from robustpose.results.leaderboard import Board, boards_to_json
from robustpose.show.pages.page import render_page


def write_leaderboard(folder: Path, boards: Sequence[Board]) -> Path:
    """Write leaderboard.html and leaderboard.json, and return the page's path."""
    write_text(folder / "leaderboard.json", json.dumps(boards_to_json(boards), indent=1) + "\n")
    write_text(folder / "leaderboard.html", render_leaderboard(boards))
    return folder / "leaderboard.html"


def render_leaderboard(boards: Sequence[Board]) -> str:
    """Return the HTML page. Text from files is escaped."""
    return render_page("leaderboard.html.j2", boards=boards, charts={})
