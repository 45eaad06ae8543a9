"""Boards of several suites together: the models that stand on more than one board of the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.corruptions.suites import COCO_C
from robustpose.results.board_identity import tell_boards_apart
from robustpose.results.leaderboard import Board, Entry, boards_to_json
from robustpose.results.one_model import MOST_APART


@dataclass(frozen=True)
class SuiteTable:
    """Models by suites: complete boards that differ in their suite alone, and the models that stand on two or more."""

    boards: tuple[Board, ...]  # coco-c first
    titles: tuple[str, ...]  # of the boards: their suites, with what else they differ in
    models: tuple[tuple[Entry | None, ...], ...]  # by model, the entry on each board; the best on the first board first

    def first_entry(self, model: Sequence[Entry | None]) -> Entry:
        """Return the entry by which a model is called, and whose clean score it has."""
        return next(entry for entry in model if entry is not None)

    def seen_entry(self, model: Sequence[Entry | None]) -> Entry:
        """Return an entry of a model in which some corruptions were seen in training, or else its first one."""
        return next((entry for entry in model if entry is not None and entry.seen), self.first_entry(model))

    def to_json(self) -> dict[str, Any]:
        """Return what leaderboard.json holds of it."""
        return {
            "suites": [board.suite.identity for board in self.boards],
            "dataset": self.boards[0].dataset,
            "models": [
                {
                    "model": self.first_entry(model).name,
                    "files": [entry and entry.file for entry in model],
                    "clean": self.first_entry(model).values("headline")["clean"],
                    "means": [
                        entry and entry.values("headline")[board.suite.mean_name]
                        for entry, board in zip(model, self.boards, strict=True)
                    ],
                }
                for model in self.models
            ],
        }


def join_suites(boards: Sequence[Board]) -> list[SuiteTable]:
    """Return a table for each way of measuring in which models stand on boards of several suites; mostly one, or none.

    A model is known by its weights, code and options, which runs and entries that are made of them have. One that does
    not score the same on clean images there is no row of the table.
    """
    by_way: dict[str, list[Board]] = {}
    for board in boards:
        if board.is_complete:
            by_way.setdefault(_identify_way(board), []).append(board)
    tables = []
    for of_way in by_way.values():
        ordered = sorted(of_way, key=lambda board: board.suite.name != COCO_C.name)
        models = _join_models(ordered)
        kept = [place for place in range(len(ordered)) if any(model[place] for model in models)]
        if len({ordered[place].suite.name for place in kept}) > 1:
            shown = tuple(ordered[place] for place in kept)
            rows = tuple(tuple(model[place] for place in kept) for model in models)
            tables.append(SuiteTable(shown, tuple(_title_boards(shown)), rows))
    return tables


def leaderboard_to_json(boards: Sequence[Board]) -> dict[str, Any]:
    """Return what leaderboard.json holds: the boards, and models by suites where there are some."""
    tables = join_suites(boards)
    return {**boards_to_json(boards), **({"across_suites": [one.to_json() for one in tables]} if tables else {})}


def _identify_way(board: Board) -> str:
    """Return what is the same for boards that differ in their suite alone: who has frost depends on the suite."""
    by_bytes = board.dataset.get("boxes_sha256") is not None
    dataset = {key: value for key, value in board.dataset.items() if not (by_bytes and key == "boxes_file")}
    protocol = {key: value for key, value in board.protocol.items() if key != "frost_textures"}
    origin = {key: value for key, value in board.origin.items() if key != "corrupted_images"}
    return json.dumps([board.metric, dataset, protocol, origin], sort_keys=True)


def _join_models(boards: Sequence[Board]) -> list[tuple[Entry | None, ...]]:
    """Return the entries of each model that is on two boards of different suites or more."""
    found: dict[str, dict[int, Entry]] = {}
    for place, board in enumerate(boards):
        for entry in board.entries:
            identity = entry.model.get("identity")
            if isinstance(identity, str):
                found.setdefault(identity, {}).setdefault(place, entry)  # the better of two
    rows = []
    for of_model in found.values():
        clean = _read_clean(next(iter(of_model.values())))
        same = {place: entry for place, entry in of_model.items() if abs(_read_clean(entry) - clean) <= MOST_APART}
        if len({boards[place].suite.name for place in same}) > 1:
            rows.append(tuple(same.get(place) for place in range(len(boards))))
    return rows


def _read_clean(entry: Entry) -> float:
    values: Mapping[str, float | None] = entry.values("headline")
    return values["clean"] or 0.0


def _title_boards(boards: Sequence[Board]) -> list[str]:
    names = [board.suite.name for board in boards]
    apart = tell_boards_apart(boards)
    return [
        ", ".join([name, *words]) if names.count(name) > 1 else name for name, words in zip(names, apart, strict=True)
    ]
