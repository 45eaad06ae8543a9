"""Summaries of runs that nobody made: all scores fall by `drop` from one severity to the next."""

import json

from robustpose.corruptions.suites import COCO_C
from robustpose.results.summary import summarize

COCO_VAL = {"name": "person_keypoints_val2017.json", "n_images": 5000, "metric": "coco_ap"}
TOY = {"name": "toy", "seed": 0, "split": "val", "n_images": 64, "generator_version": 1, "metric": "coco_ap"}


def make_summary(
    name="net",
    dataset=TOY,
    clean=0.7,
    drop=0.05,
    cells=COCO_C.cells,
    metric="AP",
    boxes="gt",
    bands=False,
    suite=COCO_C,
    row=None,
):
    figures = {cell: {metric: clean - drop * cell.severity} for cell in cells}
    provenance = {
        "profile": "release",
        "seed": "release",
        "frost_textures": "original",
        "box_protocol": boxes,
        "dataset": dataset,
        "estimator": {"name": name},
        **({"row": {"name": row, "differences": []}} if row else {}),
    }
    summary = summarize(metric, figures, cells, provenance, suite=suite)
    if bands:
        summary["intervals"] = {
            "level": 0.95,
            "resamples": 1000,
            **{key: None if summary[key] is None else around(summary[key]) for key in ("clean", "mPC", "rPC")},
            **{key: {name: around(value) for name, value in summary[key].items()} for key in ("corruptions", "cells")},
            "groups": {},
        }
    return summary


def around(value):
    return [value - 0.03, value + 0.02]


def write_run(path, *args, **kwargs):
    """Write a run folder with nothing but a summary, and return its path."""
    path.mkdir()
    (path / "summary.json").write_text(json.dumps(make_summary(*args, **kwargs)))
    return path
