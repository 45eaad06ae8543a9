"""Write what the scores of a run say: results.jsonl, slices.json, summary.json, the tables and the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.benchmark.job import Job, OpenedData
from robustpose.files import hash_file, write_text, writing_to
from robustpose.pose.cell import Cell
from robustpose.results.cell_score import CellScore, nest_cuts
from robustpose.results.cuts import describe_cuts
from robustpose.results.inputs import read_inputs
from robustpose.results.run_folder import RunFolder
from robustpose.results.slice_resamples import take_slice_resamples, write_slice_resamples
from robustpose.results.slices import describe_slices
from robustpose.results.summary import summarize
from robustpose.show.pages.report import PAGE, write_report, write_tables


def write_scores(
    job: Job, data: OpenedData, scores: Mapping[Cell, CellScore], provenance: Mapping[str, Any], warnings: Sequence[str]
) -> dict[str, Any]:
    """Write what the scores of every cell, clean first, their provenance and warnings say, and return the summary."""
    cells, metric = list(scores), data.make_metric().primary
    # Not part of what the folder is claimed for: the predictions are the same beside whatever row.
    inputs = read_inputs(job.out)
    if inputs is not None and inputs.row is not None:
        provenance = {**provenance, "row": inputs.row.model_dump(mode="json")}
    resampled = {cell: score.resampled for cell, score in scores.items() if score.resampled is not None}
    figures = {cell: score.figures for cell, score in scores.items()}
    warnings = [*warnings, *scores[cells[0]].warnings]
    summary = summarize(metric, figures, cells, provenance, resampled or None, job.suite, warnings)
    if cuts := describe_cuts(metric, scores, data.cuts, job.suite):
        summary["cuts"] = cuts
    if job.name is not None:
        summary = {"name": job.name, **summary}
    joints = data.dataset.skeleton.joints
    slices = describe_slices(metric, scores, data.slices, data.truths, joints, job.suite, data.cuts)
    write_slice_resamples(job.out, slices and take_slice_resamples(slices, scores, job.suite))
    rows = [
        {
            "cell": cell.key,
            "corruption": cell.corruption,
            "severity": cell.severity,
            "box_protocol": str(provenance["box_protocol"]),
            **score.figures,
            **nest_cuts(score),
            "predictions_sha256": hash_file(RunFolder(job.out).prediction_path(cell)),
        }
        for cell, score in scores.items()
    ]
    write_text(job.out / "results.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    if slices is None:
        with writing_to(job.out):
            (job.out / "slices.json").unlink(missing_ok=True)
    else:
        write_text(job.out / "slices.json", json.dumps(slices, indent=1) + "\n")
    write_text(job.out / "summary.json", json.dumps(summary, indent=2) + "\n")
    if job.has_page:
        write_report(job.out, data.dataset, job.corrupted_images)
    else:
        write_tables(job.out, summary)
        with writing_to(job.out):
            (job.out / PAGE).unlink(missing_ok=True)  # one of other scores
    return summary
