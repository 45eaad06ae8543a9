"""The summary: from the scores of all cells to their means, with intervals, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.changes import CODE
from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.errors import UserError
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN, mean_of_chosen, name_means, take_means
from robustpose.pose.cell import Cell
from robustpose.pose.types import Floats
from robustpose.reading import read_json
from robustpose.results.doubts import list_doubts
from robustpose.results.paired import pair_corruptions
from robustpose.results.resampling import LEVEL, interval
from robustpose.results.rows import nest_means
from robustpose.results.seen import MEAN_OF_UNSEEN, mean_of_unseen, read_seen, tell_seen
from robustpose.results.summary_model import MOST_BYTES, check_summary


def summarize(
    metric: str,
    figures: Mapping[Cell, Mapping[str, float]],
    cells: Sequence[Cell],
    provenance: Mapping[str, Any],
    resampled: Mapping[Cell, Floats] | None = None,
    suite: Suite = COCO_C,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the content of summary.json.

    The suite's mean, its ratio and the group means are those of all its cells; where a run covers fewer, they are None
    and `mean_of_chosen` is the mean over the corruptions and severities of `cells`, of which none may lack figures.
    Figures are 0..1, and `metric` is the one that counts; `resampled` are its values (R,) in each cell, of the same
    resamples of the images, or None for no intervals. `warnings` are what data and estimator say of themselves.
    """
    suite = name_means(suite, metric)
    means = take_means({cell: every[metric] for cell, every in figures.items()}, cells, suite)
    seen = read_seen({"provenance": provenance}) or ()
    unseen = mean_of_unseen(means, suite, seen)
    nested = nest_means(means, suite)
    geometric = nested.pop("geometric")
    changes = _find_changes(figures) if metric in HELD_AGAINST_CLEAN else {}
    return {
        "suite": suite.identity,
        "metric": metric,
        **nested,
        "mean_of_chosen": mean_of_chosen(means),
        **({} if unseen is None else {MEAN_OF_UNSEEN: unseen}),
        "geometric": {"corruptions": list(suite.moves_pixels), **geometric} if geometric else None,
        **({"changes": changes} if changes else {}),
        "intervals": None if resampled is None else find_intervals(resampled, cells, suite, seen),
        **({} if resampled is None else {"paired": pair_corruptions(means, resampled, cells, suite)}),
        "warnings": [
            *list_doubts(warnings, metric, nested["clean"], provenance.get("estimator", {})),
            *tell_seen([name for name in means.corruptions if name in seen], seen),
        ],
        "provenance": dict(provenance),
    }


def _find_changes(figures: Mapping[Cell, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Return for each corruption the means over its severities of who is lost and who is new, 0..1; None of nobody."""
    of: dict[str, list[Mapping[str, float]]] = {}
    for cell, every in figures.items():
        if cell.corruption is not None and {"lost", "new"} <= every.keys():
            of.setdefault(cell.corruption, []).append(every)
    return {
        corruption: {name: _mean_of_known([every[name] for every in cells]) for name in ("lost", "new")}
        for corruption, cells in of.items()
    }


def _mean_of_known(values: Sequence[float]) -> float | None:
    known = [value for value in values if value >= 0]  # below: a part of nothing
    return sum(known) / len(known) if known else None


def find_intervals(
    resampled: Mapping[Cell, Floats], cells: Sequence[Cell], suite: Suite = COCO_C, seen: Sequence[str] = ()
) -> dict[str, Any]:
    """Return `intervals` of summary.json: [low, high] of each mean, None where a resample has no score.

    `resampled` are the scores (R,) of each cell, of the same resamples; `cells` are those that were asked for;
    `seen` are corruptions that the network has learned from, without which there is a mean more.
    """
    means = take_means(resampled, cells, suite)
    chosen = mean_of_chosen(means)
    of_chosen = {} if chosen is None else {"mean_of_chosen": interval(chosen)}
    if (unseen := mean_of_unseen(means, suite, seen)) is not None:
        of_chosen[MEAN_OF_UNSEEN] = interval(unseen)
    return {"level": LEVEL, "resamples": len(means.clean), **nest_means(means, suite, interval), **of_chosen}


NOTE_OF_BOTH, DETECTIONS_NOTE = ("both.json", "detect.json")  # of what robustpose.benchmark.detecting makes
NEEDED = {"metric", "clean", "cells", "corruptions", "groups", "provenance"}
# Where people were looked for is part of what is compared, not of the images and their truth. What code gave is; the
# code itself may be in one file with a model.
_NOT_OF_DATA = (
    "boxes",
    "boxes_file",
    "boxes_sha256",
    "boxes_files",
    "min_box_score",
    "given_boxes_sha256",
    "metric",
    *CODE,
)


def identify_data(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what determines the images and the truth of a dataset, of its provenance."""
    return {key: value for key, value in provenance.items() if key not in _NOT_OF_DATA}


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a finished run."""
    path = folder / "summary.json"
    if not path.exists():
        nothing = "" if folder.exists() else ", nothing is there"
        hint = f"it is no run folder{nothing}: name the folder of a finished run, --out of its bench"
        if (folder / "settings.yaml").is_file():
            hint = "it is the folder of a training: bench its model.safetensors, and name the folder of that run"
        if (folder / NOTE_OF_BOTH).is_file():
            here = folder.absolute()
            hint = f"it holds two runs, name one of them: {here / 'clean-det'} or {here / 'corrupt-det'}"
        if (folder / DETECTIONS_NOTE).is_file():
            hint = "it holds the boxes of a detector: its scores are in scores.json"
        if (folder / "run.json").is_file():
            hint = "it holds a preview" if (folder / "preview.json").is_file() else "its bench has not finished"
        raise UserError(f"{folder.absolute()} has no summary.json: {hint}")
    return read_summary_file(path)


def read_summary_file(path: Path) -> dict[str, Any]:
    """Return the summary in a file, checked."""
    content, _ = read_json(path, "summary", MOST_BYTES)
    if not isinstance(content, dict) or not set(content) >= NEEDED:
        lacking = NEEDED - set(content) if isinstance(content, dict) else NEEDED
        raise UserError(f"{path} lacks {', '.join(sorted(lacking))}: was it written by robustpose bench?")
    try:
        return check_summary(content)
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}; run the same bench again, which writes it anew") from error
