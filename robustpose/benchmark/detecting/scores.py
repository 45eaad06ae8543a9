"""Scores of detections: AP of the boxes in every cell, their mean and its ratio, with intervals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robustpose.benchmark.detecting.folder import SCORES, file_of
from robustpose.benchmark.detecting.prepared import PreparedDetector
from robustpose.data.found_boxes import read_found
from robustpose.files import write_text
from robustpose.metrics.box_ap import PRIMARY, BoxMatches
from robustpose.pose.cell import Cell
from robustpose.pose.types import Floats
from robustpose.progress import Forecast, Progress
from robustpose.results.resampling import draw_if_any
from robustpose.results.summary import summarize

FORMAT = 1
_OF_FILES = "boxes in another form (form=), colours, mean, std or scale other than the detector was trained with"
CAUSES = {"onnx": _OF_FILES, "tflite": _OF_FILES, "hf": "weights that were not trained to the end, or for other images"}
OF_CODE = "boxes that are not x1 y1 x2 y2 in px of the whole image, x first, images taken for BGR (they are RGB)"
LOW_AP = 0.05  # on clean images: below it, something is wrong more often than not


def score_detections(
    prepared: PreparedDetector, folder: Path, n_resamples: int, on_progress: Callable[[Progress], None]
) -> dict[str, Any] | None:
    """Write the scores of the detections in a folder, and return them; None where nobody is annotated."""
    dataset, truths, cells = prepared.dataset, prepared.data.truths, prepared.cells
    weights = draw_if_any(len(truths), n_resamples)
    forecast = Forecast([cell.key for cell in cells], 0, 1)
    figures: dict[Cell, dict[str, float]] = {}
    resampled: dict[Cell, Floats] = {}
    for cell in cells:
        found = read_found(file_of(folder, cell), prepared.image_ids, dataset.category_ids)
        matches = BoxMatches(found, truths, len(dataset.category_ids))
        figures[cell] = {**matches.figures(), "n_boxes": sum(len(of_image.score) for of_image in found)}
        if weights is not None:
            resampled[cell] = matches.score(weights)
        on_progress(forecast.update(cell.key, 0.0))
    if min(of_cell[PRIMARY] for of_cell in figures.values()) < 0:  # of a folder of images, say
        return None
    suite = prepared.job.job.suite
    summary = summarize(PRIMARY, figures, cells, prepared.provenance, resampled or None, suite)
    scores = {
        "format": FORMAT,
        **summary,
        "figures": {cell.key: of_cell for cell, of_cell in figures.items()},
        "warnings": [*prepared.warnings, *doubt_boxes(summary["clean"], prepared.identity["estimator"])],
    }
    # Not under the name that runs of poses have: these are no scores of poses, and no leaderboard is to take them.
    written = {"about" if key == "provenance" else key: value for key, value in scores.items()}
    write_text(folder / SCORES, json.dumps(written, indent=2) + "\n")
    return scores


def doubt_boxes(clean: float, detector: Mapping[str, Any]) -> list[str]:
    """Return the warning that the AP (0..1) of boxes on clean images gives rise to.

    `detector` is what results say of it, from which the usual causes follow.
    """
    if clean >= LOW_AP:
        return []
    return [
        f"AP of the boxes on clean images is {100 * clean:.1f}, next to nothing: usual causes are classes other than "
        f"the data's (classes=), {CAUSES.get(str(detector.get('kind')), OF_CODE)}"
    ]
