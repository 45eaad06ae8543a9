"""The page of a leaderboard: a sortable table for every way of measuring, filters, and links to reports."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from robustpose.files import open_whole, write_text
from robustpose.results.board_identity import tell_boards_apart
from robustpose.results.board_suites import join_suites, leaderboard_to_json
from robustpose.results.leaderboard import Board, Entry, describe_seen
from robustpose.results.links import is_relative, is_report, link_file
from robustpose.results.rows import label_headline
from robustpose.results.terms import explain_headline
from robustpose.show.pages.page import render_page
from robustpose.show.replacing import check_json, check_page, follow

UNKNOWN = "unknown"
SEEN = ("none", "some", UNKNOWN)  # of the corruptions, by the filter of that name
# Numbers of parameters, in millions: below the first, from each to the next, from the last on.
SIZES = (1, 5, 15, 40, 100)


def write_leaderboard(
    folder: Path, out: Path, boards: Sequence[Board], copies_reports: bool = False
) -> tuple[Path, list[str]]:
    """Write leaderboard.html and leaderboard.json to `out`; return the page's path, and which links were left out.

    `folder` is where the boards were read from: links lead there, or to copies in `out`, which is then complete without
    the rest. UserError where other files would be lost.
    """
    check_place(out)
    left_out: list[str] = []
    if out.resolve() != folder.resolve():
        if copies_reports:
            boards = [
                _change_links(board, lambda entry: _copy_reports(entry, folder, out, left_out)) for board in boards
            ]
        else:
            way = link_file(Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix())
            boards = [_change_links(board, lambda entry: _lead(entry, way)) for board in boards]
    write_text(follow(out / "leaderboard.json"), json.dumps(leaderboard_to_json(boards), indent=1) + "\n")
    write_text(follow(out / "leaderboard.html"), render_leaderboard(boards))
    return out / "leaderboard.html", left_out


def check_place(folder: Path) -> None:
    """Raise UserError where other files than those of a leaderboard would be lost in a folder."""
    check_json(folder / "leaderboard.json", "boards", "folder")
    check_page(folder / "leaderboard.html", "leaderboard", "folder")


def render_leaderboard(boards: Sequence[Board]) -> str:
    """Return the HTML page. Text from files is escaped."""
    asked = {"facts_of": list_facts, "input_of": name_input, "size_of": name_size, "seen_of": name_seen}
    known = {"choices": list_choices(boards), "terms": explain_columns(boards), "apart": tell_boards_apart(boards)}
    tables = join_suites(boards)
    return render_page("leaderboard.html.j2", boards=boards, tables=tables, charts={}, **known, **asked)


def explain_columns(boards: Sequence[Board]) -> list[tuple[str, str]]:
    """Return what the columns of boards are, label and words, each once."""
    terms: dict[tuple[str, str], None] = {}
    for board in boards:
        summary = {"metric": board.metric, "suite": board.suite.identity, "provenance": {"dataset": board.dataset}}
        words = explain_headline(summary)
        terms |= {(label_headline(name, board.metric), words[name]): None for name in board.headline if name in words}
    rank = "by the mean that comes next; models whose intervals overlap may change places on other images"
    return [("rank", rank), *terms]


def list_choices(boards: Sequence[Board]) -> dict[str, list[str]]:
    """Return what can be chosen from, by filter; none of filters that all entries would pass.

    A filter's name is that of the attribute which the page has it in: of boards `suite` and `boxes`, of rows `input`,
    `parameters` and `seen`.
    """
    entries = [entry for board in boards for entry in board.entries]
    inputs = {name_input(entry) for entry in entries}
    sizes = {name_size(entry) for entry in entries}
    found = {
        "suite": sorted({board.suite.label for board in boards}),
        "boxes": sorted({str(board.protocol["box_protocol"]) for board in boards}),
        "input": sorted(inputs, key=_by_pixels),
        "seen": [word for word in SEEN if word in map(name_seen, entries)],
        "parameters": [size for size in [*map(_spell_range, range(len(SIZES) + 1)), UNKNOWN] if size in sizes],
    }
    return {name: choices for name, choices in found.items() if len(choices) > 1}


def list_facts(entry: Entry, board: Board) -> list[str]:
    """Return what stands below the name of a model: its run, input, number of parameters and training, where known.

    The file of an entry tells nobody anything, unless two are called the same; nor do versions that are all one.
    """
    others = [other for other in board.entries if other is not entry]
    tells_file = entry.file != entry.run or any(other.name == entry.name for other in others)
    tells_version = any(other.version != entry.version for other in others)
    count = entry.model.get("parameters")
    facts = [
        entry.run if tells_file and entry.run != entry.name else None,
        entry.model.get("input"),
        count and f"{spell_count(count)} parameters",
        entry.model.get("training"),
        None if (how := entry.model.get("adapting")) and how in entry.name else how,
        f"seen in training: {describe_seen(entry)}" if entry.seen else None,
        f"robustpose {entry.version}" if tells_version else None,
    ]
    return [fact for fact in facts if fact]


def name_seen(entry: Entry) -> str:
    """Return whether a model has learned from corruptions that it is measured under, a word of `SEEN`."""
    if entry.seen is None:
        return UNKNOWN
    return SEEN[1] if entry.seen else SEEN[0]


def name_input(entry: Entry) -> str:
    """Return the size of a model's input, px."""
    return entry.model.get("input") or UNKNOWN


def name_size(entry: Entry) -> str:
    """Return in which range the number of parameters of a model is, such as `15 to 40 M`."""
    count = entry.model.get("parameters")
    return UNKNOWN if count is None else _spell_range(sum(count >= 1e6 * size for size in SIZES))


def spell_count(count: int) -> str:
    """Return a number of parameters as people say it.

    >>> spell_count(28_536_000), spell_count(950_000), spell_count(1_200)
    ('28.5 M', '0.95 M', '1,200')
    """
    millions = count / 1e6
    if millions < 0.1:
        return f"{count:,}"
    return f"{millions:,.0f} M" if millions >= 100 else f"{millions:.3g} M"


def _spell_range(place: int) -> str:
    if place == 0:
        return f"below {SIZES[0]} M"
    return f"{SIZES[-1]} M and more" if place == len(SIZES) else f"{SIZES[place - 1]} to {SIZES[place]} M"


def _by_pixels(size: str) -> tuple[float, str]:
    width, _, height = size.partition("x")
    return (int(width) * int(height) if width.isdigit() and height.isdigit() else float("inf")), size


def _change_links(board: Board, change: Callable[[Entry], dict[str, str]]) -> Board:
    return replace(board, entries=[replace(entry, links=change(entry)) for entry in board.entries])


def _lead(entry: Entry, way: str) -> dict[str, str]:
    """Return the links of an entry as seen from another folder, from which `way` leads to the one that was read."""
    return {name: f"{way}/{link}" if is_relative(link) else link for name, link in entry.links.items()}


def _copy_reports(entry: Entry, folder: Path, out: Path, left_out: list[str]) -> dict[str, str]:
    """Copy the reports that an entry links to, and return its links. Other files than reports are never copied."""
    links = {}
    for name, link in entry.links.items():
        if is_relative(link):
            path = unquote(urlsplit(link).path)
            source, target = folder / path, out / path
            if not is_report(source):
                left_out.append(f"{entry.file}: links.{name} is no page of robustpose report, and not copied: {source}")
                continue
            check_page(target, "report", "--out")
            with open_whole(follow(target)) as file:
                file.write(source.read_bytes())
        links[name] = link
    return links
