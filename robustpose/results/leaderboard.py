"""Leaderboards: runs and entries, sorted, and only those beside each other that were measured alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError, nearest, quote
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.board_files import Found, find_results
from robustpose.results.board_identity import find_origin, head_of, identify_board
from robustpose.results.names import check_different, check_name
from robustpose.results.published import PublishedRow, count_benched
from robustpose.results.rows import Row, data_name, percent, row_of_chosen, rows_of, suite_of
from robustpose.results.scored import name_metric
from robustpose.results.seen import list_unknown, read_seen, seen_in_run
from robustpose.results.unseen import row_of_unseen

MOST_COLUMNS = 60  # of corruptions; a run may have thousands of its own
# Of provenance: what has to be the same in one board. Versions may differ: they are shown.
MEASURED_ALIKE = ("profile", "seed", "frost_textures", "box_protocol")


@dataclass(frozen=True)
class Entry:
    """One run, or one entry that somebody made of a run."""

    name: str  # of the model
    file: str  # the summary's or the entry's, relative to the folder that was read
    rows: Mapping[str, Sequence[Row]]  # by kind: `headline`, `chosen`, `group`, `corruption`
    n_cells: int  # clean not counted
    version: str  # of robustpose that measured it
    row: PublishedRow | None  # of the paper that the run was made to stand beside
    links: Mapping[str, str] = field(default_factory=dict)  # by name: of the web, or relative to the folder
    # What else is known: `parameters`, `input`, `training`, `adapting`, `identity` (of `robustpose.results.one_model`).
    model: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()  # why its numbers could be wrong
    differences: Sequence[str] = ()  # in what it is not the same measurement as the paper's row
    seen: Sequence[str] | None = None  # of its corruptions, those that the model has learned from; None: not known
    unseen: Row | None = None  # the mean of the others, where some were seen

    @property
    def run(self) -> str:
        """Return the run's folder, or its file where that is called otherwise."""
        return self.file.removesuffix("/summary.json")

    def leading(self, order: Sequence[str]) -> list[Row]:
        """Return the rows that lead a table: the mean of cells that are no whole suite, the headline in an order."""
        headline = {row.name: row for row in self.rows["headline"]}
        return [*self.rows["chosen"], *(headline[name] for name in order)]

    def values(self, kind: str) -> dict[str, float | None]:
        """Return the values of the rows of one kind by name."""
        return {row.name: row.value for row in self.rows[kind]}


@dataclass(frozen=True)
class Board:
    """What was measured alike, the best mean first: of the suite, or where cells lack, of those that all have."""

    metric: str  # the figure that counts
    suite: Suite
    dataset: dict[str, Any]  # its provenance: name, number of images, hash of the annotations, …
    protocol: dict[str, Any]  # profile, seed, frost textures and box protocol
    is_complete: bool  # whether the entries have clean and all cells of the suite
    entries: list[Entry]
    cells: tuple[str, ...] = ()  # of an incomplete board: the corrupted cells of each of its entries
    origin: Mapping[str, Any] = field(default_factory=dict)  # what else decides the corrupted images

    @property
    def data_name(self) -> str:
        """Return what the data are called."""
        return data_name({"provenance": {"dataset": self.dataset}})

    @property
    def n_images(self) -> int | None:
        """Return the number of images that were benched; None where the dataset does not say."""
        return count_benched(self.dataset)

    @property
    def images(self) -> str:
        """Return the number of images that were used, in words."""
        count = self.n_images
        return "unknown number of images" if count is None else f"{count:,} image{'s' * (count != 1)}"

    @property
    def headline(self) -> list[str]:
        """Return the names of the headline that are known, the mean that sorts the board first."""
        rows = self.entries[0].rows["headline"] if self.entries else []
        names = [row.name for row in rows if self.is_complete or row.name == "clean"]
        return sorted(names, key=lambda name: name != self.suite.mean_name)

    @property
    def corruptions(self) -> list[str]:
        """Return the names of the corruptions that its columns are of: the suite's, or those that its entries have."""
        if self.is_complete:
            return list(self.suite.corruptions)
        names = [row.name for row in self.entries[0].rows["corruption"] if row.value is not None]
        return names[:MOST_COLUMNS]

    @property
    def covers(self) -> str:
        """Return what an incomplete board is of, such as `fog, contrast at 1, 3`; nothing for a complete one."""
        if self.is_complete:
            return ""
        cells = [Cell.from_key(key) for key in self.cells]
        names = list(dict.fromkeys(str(cell.corruption) for cell in cells))
        shown = ", ".join(names) if len(names) <= 4 else f"{len(names)} corruptions"
        return f"{shown} at {', '.join(map(str, sorted({cell.severity for cell in cells})))}" if cells else "clean only"


def read_boards(folder: Path, names: Mapping[str, str] = MappingProxyType({})) -> tuple[list[Board], list[str]]:
    """Return the boards of all runs and entries under `folder`, and what was left out; complete, large boards first.

    Any JSON file with the fields of a summary counts, so `fog_model.json` may stand beside `runs/a/summary.json`.
    `names` are what runs are called, by their folders or files, relative to `folder` or not.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: expected one with summary.json files in it, or entries")
    wanted = {_locate(folder, place): (place, check_name(name, "--names")) for place, name in names.items()}
    check_different([name for _, name in wanted.values()])
    results, left_out = find_results(folder)
    if not results:
        problems = f" ({left_out[0]})" if left_out else ""
        raise UserError(f"{folder} has no summary.json of a finished bench in it, and no entry{problems}")
    boards: dict[str, Board] = {}
    for found in results:
        paths = [path for file in found.files for path in ((folder / file).resolve(), (folder / file).parent.resolve())]
        place = next((place for place in paths if place in wanted), None)
        board = _make_board(found.summary, found.file)
        board = boards.setdefault(identify_board(board), board)
        board.entries.append(_make_entry(found, found.name if place is None else wanted.pop(place)[1]))
    if wanted:
        of_files = [str(Path(entry.file).parent) for board in boards.values() for entry in board.entries]
        lost = next(iter(wanted.values()))[0]
        raise UserError(f"--names: there is no run {quote(lost)}{nearest(lost, of_files)} in {folder}")
    if any(board.metric in HELD_AGAINST_CLEAN for board in boards.values()):
        boards, apart = _leave_out_consistency(boards)
        left_out += apart
    for board in boards.values():
        board.entries.sort(key=partial(_rank, board.suite))
    return sorted(boards.values(), key=lambda b: (not b.is_complete, -len(b.entries), json.dumps(b.dataset))), left_out


def boards_to_json(boards: Sequence[Board]) -> dict[str, Any]:
    """Return what leaderboard.json holds."""
    return {
        "boards": [
            {
                **head_of(board),
                "images": board.n_images,
                "entries": [{"rank": rank, **_entry_to_json(entry)} for rank, entry in enumerate(board.entries, 1)],
            }
            for board in boards
        ]
    }


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    return {
        "model": entry.name,
        "file": entry.file,
        **entry.values("headline"),
        **entry.values("chosen"),
        "intervals": {row.name: row.interval for row in (*entry.rows["headline"], *entry.rows["chosen"])},
        "cells": entry.n_cells,
        "groups": entry.values("group"),
        "corruptions": {name: value for name, value in entry.values("corruption").items() if value is not None},
        **{key: entry.model.get(key) for key in ("parameters", "input", "training", "adapting")},
        "seen": None if entry.seen is None else list(entry.seen),
        **({} if entry.unseen is None else {entry.unseen.name: entry.unseen.value}),
        "links": dict(entry.links),
        "warnings": list(entry.warnings),
        "robustpose": entry.version,
        "row": entry.row and entry.row.name,
    }


def describe_seen(entry: Entry) -> str:
    """Return how many corruptions were seen, and the mean of the others: `4 of 15; mean of 11 unseen: 41.2`."""
    if entry.seen is None:
        return "unknown"
    n_all = sum(value is not None for value in entry.values("corruption").values())
    is_all = entry.unseen is not None or len(entry.seen) in (0, n_all)
    told = f"{'' if is_all else 'at least '}{len(entry.seen)} of {n_all}"
    return told if entry.unseen is None else f"{told}; {entry.unseen.label}: {percent(entry.unseen.value)}"


def _make_board(summary: Mapping[str, Any], file: str) -> Board:
    """Return the board of a run, without entries."""
    provenance, suite = summary["provenance"], suite_of(summary)
    dataset = {key: value for key, value in provenance["dataset"].items() if key != "code"}  # what it gave is there
    is_complete = suite.is_complete([CLEAN, *map(Cell.from_key, summary["cells"])])
    return Board(
        metric=summary["metric"],
        suite=suite,
        dataset=dataset | ({"metric": name_metric(dataset)} if "metric" in dataset else {}),
        protocol={name: provenance.get(name, "unknown") for name in MEASURED_ALIKE},
        is_complete=is_complete,
        entries=[],
        cells=() if is_complete else tuple(sorted(summary["cells"])),
        origin=find_origin(summary, is_complete, file),
    )


def _leave_out_consistency(boards: Mapping[str, Board]) -> tuple[dict[str, Board], list[str]]:
    """Return boards of scores alone, if there are some, and a line on each run that is left out."""
    scores = {key: board for key, board in boards.items() if board.metric not in HELD_AGAINST_CLEAN}
    if not scores:
        return dict(boards), []
    others = [(board.metric, entry) for key, board in boards.items() if key not in scores for entry in board.entries]
    return scores, [
        f"{entry.run}: its {metric} says how much poses change, not how right they are, and stands beside no score: "
        "a folder with such runs alone has a board of them"
        for metric, entry in others
    ]


def _locate(folder: Path, place: str) -> Path:
    """Return where a run is that is named as seen from a folder, or from the working folder."""
    return (folder / place if (folder / place).exists() else Path(place)).resolve()


def _make_entry(found: Found, name: str) -> Entry:
    summary = found.summary
    seen, known = seen_in_run(summary), read_seen(summary)
    chosen = row_of_chosen(summary)
    of_chosen = [] if chosen is None else [chosen]
    return Entry(
        name=name,
        file=found.file,
        rows={"chosen": of_chosen, **{kind: rows_of(summary, kind) for kind in ("headline", "group", "corruption")}},
        n_cells=len(summary["cells"]),
        version=str(summary["provenance"].get("versions", {}).get("robustpose", "unknown")),
        row=found.row,
        links=found.links,
        model=found.model,
        warnings=found.warnings,
        differences=found.differences,
        seen=None if known is None or (list_unknown(known) and not seen) else seen,
        unseen=row_of_unseen(summary),
    )


def _rank(suite: Suite, entry: Entry) -> tuple[float, float, str]:
    values = entry.values("headline")
    mean = values[suite.mean_name] or entry.values("chosen").get("mean_of_chosen")
    return -(mean or 0.0), -(values["clean"] or 0.0), entry.file
