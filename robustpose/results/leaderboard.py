"""Leaderboards: summaries of many runs, sorted, and only those beside each other that were measured alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError, nearest, quote
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.names import check_different, check_name
from robustpose.results.published import PublishedRow, count_benched, find_row
from robustpose.results.rows import Row, data_name, model_name, rows_of, suite_of
from robustpose.results.scored import name_metric
from robustpose.results.summary import read_summary_file

# Of provenance: what has to be the same in one board. Versions may differ: they are shown.
MEASURED_ALIKE = ("profile", "seed", "frost_textures", "box_protocol")


@dataclass(frozen=True)
class Entry:
    """One run."""

    name: str  # of the model
    file: str  # the summary's, relative to the folder that was read
    rows: Mapping[str, Sequence[Row]]  # by kind: `headline`, `group`, `corruption`
    n_cells: int  # clean not counted
    version: str  # of robustpose that wrote the summary
    row: PublishedRow | None  # of the paper that the run was made to stand beside

    @property
    def run(self) -> str:
        """Return the run's folder, or its file where that is called otherwise."""
        return self.file.removesuffix("/summary.json")

    def values(self, kind: str) -> dict[str, float | None]:
        """Return the values of the rows of one kind by name."""
        return {row.name: row.value for row in self.rows[kind]}


@dataclass(frozen=True)
class Board:
    """Runs that were measured alike, the best mean of the suite first; incomplete ones by clean score."""

    metric: str  # the figure that counts
    suite: Suite
    dataset: dict[str, Any]  # its provenance: name, number of images, hash of the annotations, …
    protocol: dict[str, Any]  # profile, seed, frost textures and box protocol
    is_complete: bool  # whether the entries have clean and all cells of the suite
    entries: list[Entry]

    @property
    def data_name(self) -> str:
        """Return what the data are called."""
        return data_name({"provenance": {"dataset": self.dataset}})

    @property
    def n_images(self) -> int | None:
        """Return the number of images that were benched; None where the dataset does not say."""
        return count_benched(self.dataset)


def read_boards(folder: Path, names: Mapping[str, str] = MappingProxyType({})) -> tuple[list[Board], list[str]]:
    """Return the boards of all summaries under `folder`, complete ones with most entries first, and what was left out.

    Any JSON file with the fields of a summary counts, so `fog_model.json` may stand beside `runs/a/summary.json`.
    `names` are what runs are called, by their folders or files, relative to `folder` or not.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: expected one with summary.json files in it")
    boards: dict[str, Board] = {}
    left_out: list[str] = []
    wanted = {_locate(folder, place): (place, check_name(name, "--names")) for place, name in names.items()}
    check_different([name for _, name in wanted.values()])
    for path in sorted(folder.rglob("*.json")):
        try:
            summary = read_summary_file(path)
        except UserError as error:
            if path.name == "summary.json":  # others are whatever else lies there
                left_out.append(str(error))
            continue
        board = _make_board(summary)
        board = boards.setdefault(_identify(board), board)
        place = next((place for place in (path.resolve(), path.parent.resolve()) if place in wanted), None)
        name = model_name(summary) if place is None else wanted.pop(place)[1]
        board.entries.append(_make_entry(summary, name, path.relative_to(folder).as_posix()))
    if not boards:
        problems = f" ({left_out[0]})" if left_out else ""
        raise UserError(f"{folder} has no summary.json of a finished bench in it{problems}")
    if wanted:
        found = [str(Path(entry.file).parent) for board in boards.values() for entry in board.entries]
        lost = next(iter(wanted.values()))[0]
        raise UserError(f"--names: there is no run {quote(lost)}{nearest(lost, found)} in {folder}")
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
                **_head_to_json(board),
                "entries": [{"rank": rank, **_entry_to_json(entry)} for rank, entry in enumerate(board.entries, 1)],
            }
            for board in boards
        ]
    }


def _head_to_json(board: Board) -> dict[str, Any]:
    """Return all of a board but its entries: what has to be the same in one board."""
    return {
        "metric": board.metric,
        "suite": board.suite.identity,
        "dataset": board.dataset,
        "protocol": board.protocol,
        "complete": board.is_complete,
    }


def _identify(board: Board) -> str:
    """Return what is the same for the runs of one board: detections are known by their bytes, not by their name."""
    by_bytes = board.dataset.get("boxes_sha256") is not None
    dataset = {key: value for key, value in board.dataset.items() if not (by_bytes and key == "boxes_file")}
    return json.dumps({**_head_to_json(board), "dataset": dataset}, sort_keys=True)


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    return {
        "model": entry.name,
        "file": entry.file,
        **entry.values("headline"),
        "intervals": {row.name: row.interval for row in entry.rows["headline"]},
        "cells": entry.n_cells,
        "groups": entry.values("group"),
        "corruptions": {name: value for name, value in entry.values("corruption").items() if value is not None},
        "robustpose": entry.version,
        "row": entry.row and entry.row.name,
    }


def _make_board(summary: Mapping[str, Any]) -> Board:
    """Return the board of a run, without entries."""
    provenance, suite = summary["provenance"], suite_of(summary)
    dataset = {key: value for key, value in provenance["dataset"].items() if key != "code"}  # what it gave is there
    return Board(
        metric=summary["metric"],
        suite=suite,
        dataset=dataset | ({"metric": name_metric(dataset)} if "metric" in dataset else {}),
        protocol={name: provenance.get(name, "unknown") for name in MEASURED_ALIKE},
        is_complete=suite.is_complete([CLEAN, *map(Cell.from_key, summary["cells"])]),
        entries=[],
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


def _make_entry(summary: Mapping[str, Any], name: str, file: str) -> Entry:
    return Entry(
        name=name,
        file=file,
        rows={kind: rows_of(summary, kind) for kind in ("headline", "group", "corruption")},
        n_cells=len(summary["cells"]),
        version=str(summary["provenance"].get("versions", {}).get("robustpose", "unknown")),
        row=find_row(summary)[0],
    )


def _rank(suite: Suite, entry: Entry) -> tuple[float, float, str]:
    values = entry.values("headline")
    return -(values[suite.mean_name] or 0.0), -(values["clean"] or 0.0), entry.file
