"""Worst: the images that lose most under corruption."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.api.arguments import as_whole_number
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.results.run_folder import RunFolder


def list_worst(folder: Path, summary: Mapping[str, Any], n: int) -> list[dict[str, Any]]:
    """Return the `n` images that lose most, each in the cell where it loses most; those that lose nothing are left out.

    UserError for a run without corrupted cells, or without matches.
    """
    n = as_whole_number(n, "n", 1)
    cells = [Cell.from_key(key) for key in summary["cells"]]
    if not cells:
        raise UserError(f"{folder} is a run on clean images only: no image loses anything")
    quality = RunFolder(folder).read_quality([CLEAN, *cells])
    if quality is None:
        raise UserError(f"{folder} does not say how good the poses of each image are: its metric has no matches")
    clean, corrupted = quality[CLEAN], np.stack([quality[cell] for cell in cells])  # (n_images,), (n_cells, n_images)
    losses = np.nan_to_num(clean - corrupted)  # NaN where there is nobody
    worst = losses.argmax(0)
    most = losses.max(0)
    return [
        {
            "index": int(index),
            "image": None,
            "cell": cells[worst[index]].key,
            "clean": float(clean[index]),
            "corrupted": float(corrupted[worst[index], index]),
            "loss": float(most[index]),
        }
        for index in np.argsort(-most, kind="stable")[:n]
        if most[index] > 0
    ]


def name_images(records: list[dict[str, Any]], dataset: Dataset) -> list[dict[str, Any]]:
    """Return records of images with what each is called in the dataset: its file, or else its id."""
    frames = [dataset.frame(record["index"]) for record in records]
    return [
        {**record, "image": frame.file_name or frame.image_id} for record, frame in zip(records, frames, strict=True)
    ]
