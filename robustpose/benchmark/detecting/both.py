"""The table of both runs: every score in the boxes of clean images and in those of each cell, beside the detector's AP.

The boxes of clean images are the same in every cell, so what the second run scores less is what the detector loses. The
whole loss is what the second run scores less than on clean images; the share is the detector's part of that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.benchmark.detecting.folder import TABLE
from robustpose.benchmark.detecting.work import CLEAN_DET, CORRUPT_DET
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN, Means, take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.resampling import interval
from robustpose.results.rows import Row, explain_no_mean, list_means, list_rows, model_name, suite_of
from robustpose.results.run_scores import resample_runs
from robustpose.show.both import to_markdown

KINDS = ("headline", "group", "corruption", "cell")
LEAST_LOSS = 0.005  # of a whole loss that is to be divided by, 0..1


def write_table(
    out: Path, summaries: Sequence[Mapping[str, Any]], scores: Mapping[str, Any], n_resamples: int
) -> dict[str, Any]:
    """Write detector.json and detector.md into the folder of both runs, and return what the first holds.

    `summaries` are those of clean-det and corrupt-det, `scores` those of the detections, which may say nothing but
    where they come from.
    """
    of_clean, of_corrupt = summaries
    boxes = {(row.kind, row.name): row for row in list_rows(scores)} if "clean" in scores else {}
    corrupt = {(row.kind, row.name): row for row in list_rows(of_corrupt)}
    resampled = _resample(out, summaries, n_resamples) if n_resamples else {}
    rows = []
    for row in list_rows(of_clean):
        key = (row.kind, row.name)
        if _is_wanted(row, of_clean["metric"]) and key in corrupt:
            before = 1.0 if row.name == suite_of(of_clean).ratio_name else of_clean["clean"]
            among = resampled.get(key) if resampled else None
            losses = find_losses((before, row.value, corrupt[key].value), among, bool(n_resamples))
            rows.append(_make_row(row, corrupt[key], boxes.get(key)) | losses)
    doubts = [text for of in (scores, *summaries) for text in of.get("warnings") or ()]
    table = {
        "metric": of_clean["metric"],
        "suite": of_clean["suite"],
        "model": model_name(of_clean),
        "detector": str(scores["provenance"]["estimator"].get("name")),
        "dataset": str(of_clean["provenance"]["dataset"].get("name")),
        "runs": {CLEAN_DET: CLEAN_DET, CORRUPT_DET: CORRUPT_DET},
        "no_mean": explain_no_mean(of_clean),
        "warnings": list(dict.fromkeys(doubts)),
        "rows": rows,
    }
    write_text(out / f"{TABLE}.json", json.dumps(table, indent=2) + "\n")
    write_text(out / f"{TABLE}.md", to_markdown(table))
    return table


def find_losses(scores: Sequence[float | None], among: Sequence[Any] | None, is_resampled: bool) -> dict[str, Any]:
    """Return the whole loss, the detector's part and its share, with intervals, of three scores.

    They are the score before corruption, in clean images' boxes and in each cell's; `among` the same of resamples (R,).
    There is no share where the whole loss may be nothing by resamples that were asked for, or is too small.
    """
    before, clean, corrupt = scores
    names = ("whole_loss", "lost", "share")
    losses: dict[str, Any] = dict.fromkeys([name + end for end in ("", "_interval") for name in names])
    if before is None or clean is None or corrupt is None:
        return losses
    losses["whole_loss"], losses["lost"] = before - corrupt, clean - corrupt
    if among is not None:
        whole, lost = among[0] - among[2], among[1] - among[2]
        losses["whole_loss_interval"], losses["lost_interval"] = interval(whole), interval(lost)
    ends = losses["whole_loss_interval"]
    if losses["whole_loss"] < LEAST_LOSS or (is_resampled and (ends is None or ends[0] <= 0)):
        return losses
    losses["share"] = losses["lost"] / losses["whole_loss"]
    if among is not None:
        shares = np.divide(lost, whole, out=np.full(len(whole), np.nan), where=whole > 0)
        losses["share_interval"] = interval(shares)
    return losses


def _is_wanted(row: Row, metric: str) -> bool:
    """Tell whether a row is in the table: none of corruptions that were not run, nor a clean score that is always 1."""
    if row.kind == "headline":
        return row.name != "clean" or metric not in HELD_AGAINST_CLEAN
    return row.kind in KINDS and row.value is not None


def _make_row(clean: Row, corrupt: Row, boxes: Row | None) -> dict[str, Any]:
    return {
        "kind": clean.kind,
        "name": clean.name,
        "box_AP": None if boxes is None else boxes.value,
        "box_AP_interval": None if boxes is None else boxes.interval,
        CLEAN_DET: clean.value,
        CORRUPT_DET: corrupt.value,
    }


def _resample(
    out: Path, summaries: Sequence[Mapping[str, Any]], n_resamples: int
) -> dict[tuple[str, str], tuple[Any, Any, Any]]:
    """Return by kind and name of a row its three scores (R,) of resamples; nothing for a metric without intervals."""
    suite = suite_of(summaries[0])
    cells = [CLEAN, *map(Cell.from_key, summaries[0]["cells"])]
    scores = [{CLEAN: of["clean"], **{cell: of["cells"][cell.key] for cell in cells[1:]}} for of in summaries]
    try:
        resampled = resample_runs([out / CLEAN_DET, out / CORRUPT_DET], scores, n_resamples)
    except UserError:
        return {}
    before, after = (take_means(of, cells, suite) for of in resampled)
    return {key: (of_clean, *both) for key, of_clean, both in _pair(before, after, suite)}


def _pair(before: Means, after: Means, suite: Any) -> Iterator[tuple[tuple[str, str], Any, tuple[Any, Any]]]:
    for (kind, name, clean), (_, _, corrupt) in zip(list_means(before, suite), list_means(after, suite), strict=True):
        if clean is not None:
            reference = np.ones(np.shape(clean)) if name == suite.ratio_name else before.clean
            yield (kind, name), reference, (clean, corrupt)
