"""Finish a run: score its predictions, then write summary, slices, rows, tables and report. Needs no model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from robustpose.bench.scoring import score_cells
from robustpose.bench.work import Job
from robustpose.evaluate import Dataset, make_metric
from robustpose.files import write_text
from robustpose.pose.cell import Cell
from robustpose.pose.types import Truth
from robustpose.progress import Progress
from robustpose.results.cell_score import CellScore, cut_people
from robustpose.results.run_folder import RunFolder
from robustpose.results.slices import describe_slices
from robustpose.results.summary import summarize
from robustpose.show.pages.report import write_report


def finish(
    job: Job,
    dataset: Dataset,
    truths: Sequence[Truth],
    cells: Sequence[Cell],
    provenance: Mapping[str, Any],
    n_workers: int,
    n_resamples: int,
    on_progress: Callable[[str, Progress], None],
) -> dict[str, Any]:
    """Score the predictions of a run's cells, write what there is to say about it, and return the summary."""
    scores = score_cells(job, dataset, truths, cells, n_workers, n_resamples, lambda done: on_progress("score", done))
    metric = make_metric(dataset.metric, dataset.skeleton).primary
    resampled = {cell: among for cell in cells if (among := scores[cell].resampled) is not None}
    figures = {cell: scores[cell].figures for cell in cells}
    summary = summarize(metric, figures, cells, provenance, resampled or None, job.suite)
    slices = describe_slices(
        metric, scores, cells, cut_people(truths, dataset.skeleton.n_joints), truths, dataset.skeleton.joints, job.suite
    )
    _write_rows(RunFolder(job.out), scores, str(provenance["box_protocol"]))
    if slices is None:
        (job.out / "slices.json").unlink(missing_ok=True)
    else:
        write_text(job.out / "slices.json", json.dumps(slices, indent=1) + "\n")
    write_text(job.out / "summary.json", json.dumps(summary, indent=2) + "\n")
    write_report(job.out, dataset, job.corrupted_images)
    return summary


def _write_rows(folder: RunFolder, scores: Mapping[Cell, CellScore], box_protocol: str) -> None:
    rows = [
        {
            "cell": cell.key,
            "corruption": cell.corruption,
            "severity": cell.severity,
            "box_protocol": box_protocol,
            **score.figures,
            "predictions_sha256": hashlib.sha256(folder.prediction_path(cell).read_bytes()).hexdigest(),
        }
        for cell, score in scores.items()
    ]
    write_text(folder.path / "results.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
