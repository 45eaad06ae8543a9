"""Small finished runs of all cells with matches, in which what every cell scores is chosen."""

import json

import numpy as np

from robustpose.corruptions.suites import COCO_C
from robustpose.metrics.score_tables import JointTable
from robustpose.results.run_folder import RunFolder
from robustpose.results.summary import summarize

# What is kept of the clean score at severity 3, in the order of the suite's corruptions.
USUAL = dict(
    zip(
        COCO_C.corruptions,
        (0.6, 0.62, 0.58, 0.55, 0.53, 0.5, 0.3, 0.7, 0.75, 0.85, 0.95, 0.65, 0.72, 0.68, 0.64),
        strict=True,
    )
)
DATA = {"name": "people.json", "n_images": 60, "annotations_sha256": "0" * 64, "metric": "pck"}


def provenance_of(kind="sbl_r50", box_protocol="gt", size="192x256", **others):
    """Return the provenance of a run, with or without a row of the paper."""
    return {
        "versions": {"robustpose": "0.1.0"},
        "profile": "release",
        "seed": "release",
        "frost_textures": "original",
        "dataset": DATA,
        "box_protocol": box_protocol,
        "estimator": {"kind": kind, "name": "weights.pth", "input": size},
        **others,
    }


def write_run(folder, clean=0.7, shares=USUAL, gain=0.0, spread=0.01, cells=COCO_C.cells, suite=COCO_C, **provenance):
    """Write a run: its clean score, the share kept by corruption, `gain` of score at each severity more."""
    n_images, run = DATA["n_images"], RunFolder(folder)
    noise = np.random.default_rng(round(1e4 * clean)).normal(0, spread, (len(cells), n_images))
    figures = {}
    for of_cell, cell in zip(noise, cells, strict=True):
        share = 1.0 if cell.corruption is None else shares.get(cell.corruption, 0.5) - 0.02 * (cell.severity - 3)
        hits = np.clip(clean * share + gain * cell.severity + of_cell, 0, 1) * 10
        table = JointTable(hits, np.full(n_images, 10.0))
        run.write_matches(cell, table, np.full(n_images, 0.5))
        figures[cell] = {"PCK": float(table.score()[0])}
    summary = summarize("PCK", figures, cells, provenance_of(**provenance), suite=suite)
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def make_row(name):
    """Return what a run notes that was made as a row of the paper."""
    return {"name": name, "differences": []}
