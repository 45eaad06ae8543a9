"""Leaderboards: summaries of many runs, sorted, and only those beside each other that were measured alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import FULL_GRID
from robustpose.errors import UserError
from robustpose.results.published import PublishedRow, find_row
from robustpose.results.rows import model_name
from robustpose.results.summary import read_summary_file

# Of provenance: what has to be the same in one board. Versions may differ: they are shown.
MEASURED_ALIKE = ("profile", "seed", "frost_textures", "box_protocol")


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes:
        name: of the model.
        file: the summary's, relative to the folder that was read.
        clean, mpc, rpc: 0..1; None where not defined.
        intervals: `clean`, `mPC`, `rPC` as [low, high], None where there is none.
        n_cells: corrupted cells.
        groups, corruptions: means by name.
        version: of robustpose that wrote it.
        row: of the paper that it was made to stand beside; None if it names none.
    """

    name: str
    file: str
    clean: float
    mpc: float | None
    rpc: float | None
    intervals: dict[str, Any]
    n_cells: int
    groups: dict[str, float]
    corruptions: dict[str, float]
    version: str
    row: PublishedRow | None


@dataclass(frozen=True)
class Board:
    """Runs that were measured alike, best mPC first; incomplete ones by clean score.

    Attributes:
        metric: the figure that counts.
        dataset: what is said of it: name, number of images, hash of the annotations, …
        protocol: profile, seed, frost textures and box protocol.
        is_complete: whether its entries have clean and all 75 cells.
        entries: best first.
    """

    metric: str
    dataset: dict[str, Any]
    protocol: dict[str, Any]
    is_complete: bool
    entries: tuple[Entry, ...]


def read_boards(folder: Path) -> tuple[list[Board], list[str]]:
    """Return the boards of all summaries under `folder`, complete ones with most entries first, and what was left out.

    Any JSON file with the fields of a summary counts, so `fog_model.json` may stand beside `runs/a/summary.json`.

    Raises:
        UserError: the folder is not there or has no summary.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: expected one with summary.json files in it")
    entries: dict[str, list[Entry]] = {}
    keys: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for path in sorted(folder.rglob("*.json")):
        where = path.relative_to(folder).as_posix()
        try:
            summary = read_summary_file(path)
        except UserError as error:
            if path.name == "summary.json":  # others are whatever else lies there
                left_out.append(str(error))
            continue
        key = _measured_how(summary)
        text = json.dumps(key, sort_keys=True)
        keys[text] = key
        entries.setdefault(text, []).append(_make_entry(summary, where))
    if not keys:
        problems = f" ({left_out[0]})" if left_out else ""
        raise UserError(f"{folder} has no summary.json of a finished bench in it{problems}")
    boards = [Board(**key, entries=tuple(sorted(entries[text], key=_rank))) for text, key in keys.items()]
    return sorted(boards, key=lambda b: (not b.is_complete, -len(b.entries), json.dumps(b.dataset))), left_out


def boards_to_json(boards: Sequence[Board]) -> dict[str, Any]:
    """Return what leaderboard.json holds."""
    return {
        "boards": [
            {
                "metric": board.metric,
                "dataset": board.dataset,
                "protocol": board.protocol,
                "complete": board.is_complete,
                "entries": [
                    {
                        "rank": rank,
                        "model": entry.name,
                        "file": entry.file,
                        "clean": entry.clean,
                        "mPC": entry.mpc,
                        "rPC": entry.rpc,
                        "intervals": entry.intervals,
                        "cells": entry.n_cells,
                        "groups": entry.groups,
                        "corruptions": entry.corruptions,
                        "robustpose": entry.version,
                        "row": entry.row and entry.row.name,
                    }
                    for rank, entry in enumerate(board.entries, 1)
                ],
            }
            for board in boards
        ]
    }


def _measured_how(summary: Mapping[str, Any]) -> dict[str, Any]:
    provenance = summary["provenance"]
    cells = set(summary["cells"])
    return {
        "metric": summary["metric"],
        "dataset": dict(provenance.get("dataset", {})),
        "protocol": {name: provenance.get(name, "unknown") for name in MEASURED_ALIKE},
        "is_complete": all(cell.corruption is None or cell.key in cells for cell in FULL_GRID),
    }


def _make_entry(summary: Mapping[str, Any], where: str) -> Entry:
    intervals = summary.get("intervals") or {}
    return Entry(
        name=model_name(summary),
        file=where,
        clean=summary["clean"],
        mpc=summary["mPC"],
        rpc=summary["rPC"],
        intervals={name: intervals.get(name) for name in ("clean", "mPC", "rPC")},
        n_cells=len(summary["cells"]),
        groups=dict(summary["groups"]),
        corruptions=dict(summary["corruptions"]),
        version=str(summary["provenance"].get("versions", {}).get("robustpose", "unknown")),
        row=find_row(summary)[0],
    )


def _rank(entry: Entry) -> tuple[float, float, str]:
    return (-(entry.mpc if entry.mpc is not None else 0.0), -entry.clean, entry.file)
