"""The table of both runs: every score in the boxes of clean images and in those of each cell, beside the detector's AP.

The boxes of clean images are the same in every cell, so what the second run scores less is what the detector loses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.benchmark.detecting.folder import TABLE
from robustpose.benchmark.detecting.work import CLEAN_DET, CORRUPT_DET
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.results.compare import compare_runs
from robustpose.results.rows import Row, label_headline, list_rows, model_name, percent
from robustpose.results.spelling import spell_markdown, tabulate_markdown

KINDS = ("headline", "group", "corruption", "cell")


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
    intervals = _find_intervals(out, n_resamples) if n_resamples else {}
    rows = []
    for row in list_rows(of_clean):
        key = (row.kind, row.name)
        if _is_wanted(row, of_clean["metric"]) and key in corrupt:
            rows.append(_make_row(row, corrupt[key], boxes.get(key), intervals.get((row.kind, row.label))))
    table = {
        "metric": of_clean["metric"],
        "suite": of_clean["suite"],
        "model": model_name(of_clean),
        "detector": str(scores["provenance"]["estimator"].get("name")),
        "dataset": str(of_clean["provenance"]["dataset"].get("name")),
        "runs": {CLEAN_DET: CLEAN_DET, CORRUPT_DET: CORRUPT_DET},
        "rows": rows,
    }
    write_text(out / f"{TABLE}.json", json.dumps(table, indent=2) + "\n")
    write_text(out / f"{TABLE}.md", to_markdown(table))
    return table


def _is_wanted(row: Row, metric: str) -> bool:
    """Tell whether a row is in the table: none of corruptions that were not run, nor a clean score that is always 1."""
    if row.kind == "headline":
        return row.name != "clean" or metric not in HELD_AGAINST_CLEAN
    return row.kind in KINDS and row.value is not None


def _make_row(clean: Row, corrupt: Row, boxes: Row | None, interval: Any) -> dict[str, Any]:
    lost = None if clean.value is None or corrupt.value is None else clean.value - corrupt.value
    return {
        "kind": clean.kind,
        "name": clean.name,
        "box_AP": None if boxes is None else boxes.value,
        "box_AP_interval": None if boxes is None else boxes.interval,
        CLEAN_DET: clean.value,
        CORRUPT_DET: corrupt.value,
        "lost": lost,
        "lost_interval": interval,
    }


def _find_intervals(out: Path, n_resamples: int) -> dict[tuple[str, str], Any]:
    """Return by kind and label of a row the interval of what is lost; nothing for a metric without intervals."""
    try:
        comparison = compare_runs([out / CORRUPT_DET, out / CLEAN_DET], n_resamples)
    except UserError:
        return {}
    return {(row.kind, row.name): row.differences[1] and row.differences[1].interval for row in comparison.rows}


def to_markdown(table: Mapping[str, Any]) -> str:
    """Return the table in percent: headline, groups, corruptions, cells."""
    metric, rows = table["metric"], table["rows"]
    title = f"# {spell_markdown(table['model'])} in the boxes of {spell_markdown(table['detector'])}"
    words = (
        f"{CLEAN_DET}: {metric} in the boxes found on clean images. {CORRUPT_DET}: in those found in each cell. lost: "
        "the difference, which is the detector's part of the loss, with its 95 % interval."
    )
    lines = [
        [label_headline(row["name"], metric) if row["kind"] == "headline" else row["name"], *_spell(row)]
        for row in rows
    ]
    titles = ["", "box AP", CLEAN_DET, CORRUPT_DET, "lost", "95 %"]
    return "\n".join([title, "", words, "", *tabulate_markdown(titles, lines, 1), ""])


def _spell(row: Mapping[str, Any]) -> list[str]:
    interval = row["lost_interval"]
    spelled = "" if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"
    return [*(percent(row[name]) for name in ("box_AP", CLEAN_DET, CORRUPT_DET, "lost")), spelled]
