"""Checks of entries: that nothing in one contradicts the rest, and that it says what its board depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustpose.config import describe
from robustpose.corruptions import TABLE
from robustpose.errors import UserError, nearest
from robustpose.metrics import SCORES
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cell import Cell
from robustpose.results.board_identity import DETECTED, OF_BOXES
from robustpose.results.doubts import LOW_SCORE
from robustpose.results.published import count_benched, count_whole, get_row
from robustpose.results.rows import SECTIONS, headline_columns, suite_of, title_chosen
from robustpose.results.seen import MEAN_OF_UNSEEN
from robustpose.results.unseen import row_of_unseen

BOXES = ("gt", *DETECTED)  # a network that needs none may be run on data that have some
FAR = 0.1  # of a score from its interval, or of scores under corruption above clean ones that are next to nothing


def check_keys(content: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    """Raise UserError where scores or intervals are of what no run has."""
    known = {*headline_columns(suite_of(summary)), *SECTIONS.values()}
    for part, others in (("scores", ()), ("intervals", ("level", "resamples", "mean_of_chosen", MEAN_OF_UNSEEN))):
        unknown = [key for key in content.get(part) or {} if key not in {*known, *others}]
        if unknown:
            raise UserError(f"unknown key '{part}.{unknown[0][:80]}': there is no such score")


def check_cells(content: Mapping[str, Any]) -> None:
    """Raise UserError where a cell is of what is no corruption."""
    for key in content["scores"]["cells"]:
        name = Cell.from_key(key).corruption
        if name is not None and name not in TABLE and ":" not in name:
            raise UserError(f"scores.cells.{key}: there is no corruption '{name}'{nearest(name, TABLE)}")


def check_clean(summary: Mapping[str, Any]) -> None:
    """Raise UserError where corrupted images score well and clean ones next to nothing: it cannot be one model."""
    suite, clean = suite_of(summary), summary["clean"]
    name, mean = suite.mean_name, summary[suite.mean_name]
    if mean is None:
        name, mean = title_chosen(summary), summary["mean_of_chosen"] or 0.0
    if clean < LOW_SCORE and mean > clean + FAR:
        raise UserError(f"scores.clean is {clean}, next to nothing, and {name} {mean:.4g}: one of both is wrong")


def check_setup(content: Mapping[str, Any]) -> None:
    """Raise UserError where what is said of the setup contradicts itself."""
    setup = content["setup"]
    profile, seed, textures = setup["profile"], setup["seed"], setup["frost_textures"]
    if profile != "unknown" and seed not in (None, "unknown") and (seed == "release") != (profile == "release"):
        raise UserError(f"setup.seed is {describe(seed)}, and setup.profile {profile}")
    if profile == "release" and textures not in ("original", "unused", "unknown"):
        raise UserError(f"setup.frost_textures is {textures}, and setup.profile release, which has the original ones")
    if textures == "unused" and any(key.startswith("frost/") for key in content["scores"]["cells"]):
        raise UserError("setup.frost_textures is unused, and scores.cells has frost")


def check_intervals(summary: Mapping[str, Any]) -> None:
    """Raise UserError where an interval is of no score, or far from its score."""
    intervals = summary.get("intervals") or {}
    if intervals and count_benched(summary["provenance"]["dataset"]) == 1:
        raise UserError("intervals must be null for 1 image: all its resamples are the same")
    unseen = row_of_unseen(summary)
    scores = {**summary, MEAN_OF_UNSEEN: None if unseen is None else unseen.value}
    pairs = [(name, scores.get(name), ends) for name, ends in intervals.items() if isinstance(ends, list)]
    for part in SECTIONS.values():
        of = summary.get(part) or {}
        pairs += [(f"{part}.{name}", of.get(name), ends) for name, ends in intervals.get(part, {}).items() if ends]
    for name, score, ends in pairs:
        if score is None:
            raise UserError(f"intervals.{name[:80]} is of no score")
        if not ends[0] - FAR <= score <= ends[1] + FAR:  # resamples of few images may all be on one side
            raise UserError(f"intervals.{name[:80]} is {describe(ends)}, and the score is {score}")


def check_data(content: Mapping[str, Any]) -> None:
    """Raise UserError where the numbers of an entry cannot be of the data that it names."""
    data, setup, metric = content["data"], content["setup"], content["metric"]
    whole = count_whole(data)
    if whole is not None and not 0 < (data.get("n_images") or 1) <= whole:
        raise UserError(f"data.n_images is {data['n_images']}, and {data['name']} has {whole}")
    n_images = count_benched(data)
    if n_images is not None and data["images"] != n_images:
        raise UserError(f"data.images is {describe(data['images'])}, and by the other counts {n_images} were used")
    if data["images"] == 0:
        raise UserError("data.images must be at least 1, got 0")
    named = str(data.get("metric") or "").partition(":")[0]
    if metric != SCORES.get(named, metric):
        raise UserError(f"data.metric {named} gives {SCORES[named]}, and metric is {describe(metric)}")
    if metric in HELD_AGAINST_CLEAN and content["scores"]["clean"] != 1:
        raise UserError(f"scores.clean must be 1 for {metric}, got {describe(content['scores']['clean'])}")
    boxes, protocol = data.get("boxes"), setup["box_protocol"]
    if boxes != protocol and {boxes, protocol} <= set(BOXES):
        raise UserError(f"data.boxes is {boxes}, and setup.box_protocol {describe(protocol)}")
    if protocol in DETECTED and not any(data.get(key) for key in OF_BOXES):
        raise UserError(
            f"setup.box_protocol is {protocol}, and data.boxes_sha256 is missing, which says whose they are"
        )
    if content.get("row") is not None:
        row = get_row(content["row"]["name"])
        if row.metric != metric:
            raise UserError(f"row {row.name} of the paper is of {row.metric}, and metric is {describe(metric)}")
