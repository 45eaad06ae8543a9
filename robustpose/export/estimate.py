"""The estimate: what a corrupted set will take of the disk and of your time, from a few images that are tried."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.data.corrupted import MadeImages
from robustpose.data.images import encode_image
from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame

N_TRIED = 4  # images that share one round through the cells
BLOCK = 4096  # bytes: files take whole blocks of the disk
MARGIN = 1.1


@dataclass(frozen=True)
class Estimate:
    """What is to do: files, their bytes on disk, seconds with `n_workers` processes; files of earlier runs."""

    n_files: int
    n_bytes: int
    seconds: float
    n_workers: int
    n_finished: int


def estimate_work(
    corrupted_images: MadeImages,
    image_format: str,
    todo: Sequence[tuple[Frame, Sequence[Cell]]],
    n_finished: int,
    n_workers: int,
) -> Estimate:
    """Try some images in some of their cells, in memory, and reckon from them.

    `todo` holds at least one clean frame, each with the cells it lacks; earlier runs have written `n_finished` files.
    """
    tried = [todo[number * len(todo) // N_TRIED] for number in range(min(N_TRIED, len(todo)))]
    for corruption in {str(cell.corruption) for _, cells in tried for cell in cells}:
        corrupted_images.load(corruption)  # once a process, not once an image
    n_tried, n_bytes = 0, 0
    start = time.perf_counter()
    for number, (frame, cells) in enumerate(tried):
        for image in corrupted_images.images(frame, cells[number % len(cells) :: len(tried)]):
            n_tried += 1
            n_bytes += -(-len(encode_image(image, image_format)) // BLOCK) * BLOCK
    seconds = time.perf_counter() - start
    n_files = sum(len(cells) for _, cells in todo)
    share = n_files / n_tried
    n_at_once = min(n_workers, len(todo), os.cpu_count() or 1)
    return Estimate(n_files, round(share * n_bytes), share * seconds / n_at_once, n_workers, n_finished)


def check_disk(folder: Path, n_bytes: int) -> None:
    """Raise UserError unless the disk of `folder` has room for `n_bytes` and a tenth more."""
    free = shutil.disk_usage(folder).free
    if free < MARGIN * n_bytes:
        raise UserError(
            f"{folder} has {count_bytes(free)} free, but the corrupted images need about {count_bytes(n_bytes)} and a "
            "tenth for safety: choose another --out, fewer cells, or --format jpg75"
        )


def count_bytes(n_bytes: float) -> str:
    """Return 1.3e9 as `1.3 GB`."""
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} kB"
