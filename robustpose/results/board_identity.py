"""Which results stand on one board: those that were measured alike; and in what two boards of one title differ."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from robustpose.changes import BY_CORRUPTION, as_table
from robustpose.results.published import count_benched

if TYPE_CHECKING:
    from robustpose.results.leaderboard import Board

LONGEST = 40  # letters of a value
DETECTED = ("clean-det", "corrupt-det")  # boxes that a detector found
OF_BOXES = ("boxes_sha256", "boxes_files", "given_boxes_sha256")  # what says which ones


def head_of(board: Board) -> dict[str, Any]:
    """Return all of a board but its entries: what has to be the same in one board."""
    return {
        "metric": board.metric,
        "suite": board.suite.identity,
        "dataset": board.dataset,
        "protocol": board.protocol,
        "complete": board.is_complete,
        **({} if board.is_complete else {"cells": list(board.cells)}),
    }


def find_origin(summary: Mapping[str, Any], is_complete: bool, file: str) -> dict[str, Any]:
    """Return what else decides what was measured, as far as the suite and the profile leave it open.

    Where nobody knows how a corrupted set was made, only the set itself is the same; corruptions of one's own are their
    code. What all cells of a suite are needs neither. What nobody says, such as whose boxes they are, is that of the
    results in `file` alone.
    """
    provenance = summary["provenance"]
    dataset, alone = provenance["dataset"], f"unknown, those of {file}"
    origin = {}
    if provenance.get("profile", "unknown") == "unknown" and provenance.get("corrupted_images"):
        origin["corrupted_images"] = provenance["corrupted_images"]
    if not is_complete and provenance.get(BY_CORRUPTION):
        origin[BY_CORRUPTION] = provenance[BY_CORRUPTION]
    own = {key.rpartition("/")[0] for key in summary["cells"] if ":" in key}
    if not is_complete and not own <= as_table(provenance.get(BY_CORRUPTION)).keys():
        origin[BY_CORRUPTION] = alone
    if provenance.get("box_protocol") in DETECTED and not any(dataset.get(key) for key in OF_BOXES):
        origin["detections"] = alone
    if count_benched(dataset) is None and not any(key.endswith("sha256") for key in dataset):
        origin["images"] = alone
    return origin


def identify_board(board: Board) -> str:
    """Return what is the same for all of one board: detections are known by their bytes, not by their name."""
    by_bytes = board.dataset.get("boxes_sha256") is not None
    dataset = {key: value for key, value in board.dataset.items() if not (by_bytes and key == "boxes_file")}
    return json.dumps([{**head_of(board), "dataset": dataset}, board.origin], sort_keys=True)


def tell_boards_apart(boards: Sequence[Board]) -> list[list[str]]:
    """Return for each board what it has other than boards with the same title, such as `seed 3`; mostly nothing."""
    by_title: dict[tuple[Any, ...], list[Board]] = {}
    for board in boards:
        by_title.setdefault(_title(board), []).append(board)
    words = []
    for board in boards:
        alike = [_flatten(other) for other in by_title[_title(board)]]
        ours = _flatten(board)
        keys = [key for key in dict.fromkeys(key for one in alike for key in one) if _differs(key, alike)]
        words.append([f"{key.replace('_', ' ').replace('sha256', 'SHA-256')} {_spell(ours.get(key))}" for key in keys])
    return words


def _title(board: Board) -> tuple[Any, ...]:
    plain = (board.metric, board.data_name, board.images, board.suite.label, board.covers)
    return (*plain, *(board.protocol[key] for key in ("box_protocol", "profile", "frost_textures")))


def _flatten(board: Board) -> dict[str, Any]:
    return {**board.dataset, **board.protocol, **board.origin, "cells": board.cells}


def _differs(key: str, flat: Sequence[Mapping[str, Any]]) -> bool:
    return len({json.dumps(one.get(key), sort_keys=True) for one in flat}) > 1


def _spell(value: Any) -> str:
    """Return a value as it is, of digests the beginning, of what is long a digest: the same for the same."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    if re.fullmatch("[0-9a-f]{64}", text):
        return text[:8]
    return text if len(text) <= LONGEST else f"with SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:8]}"
