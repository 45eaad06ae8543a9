"""The corrupted view of any frame: the same people and boxes, a worse image, made when it is first looked at."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from robustpose.corruptions import corrupt
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame, Image


def corrupt_frame(frame: Frame, cell: Cell, run_seed: str | int, frost: Path | None = None) -> Frame:
    """Return clean `frame` as it looks in `cell`. The clean image is decoded once for all its cells.

    Args:
        frame: clean.
        cell: clean, or a corruption and a severity.
        run_seed: ``"release"``, or an integer for fields that differ from image to image.
        frost: folder of frost textures; None for the installed ones.
    """
    if cell.corruption is None:
        return frame
    return replace(frame, cell=cell, read=partial(_corrupt, frame, cell, run_seed, frost))


def _corrupt(frame: Frame, cell: Cell, run_seed: str | int, frost: Path | None) -> Image:
    assert cell.corruption is not None
    seed = run_seed if isinstance(run_seed, str) else (run_seed, frame.image_id)
    return corrupt(frame.image, cell.corruption, cell.severity, seed, frost=frost)
