"""The estimate: what images to be written will take of the disk and of your time, from a few that are tried."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.amounts import about_time, count, count_bytes
from robustpose.data.corrupted import MadeImages
from robustpose.data.images import encode_image
from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame
from robustpose.work import PROCESSES, Engine, name_workers

N_TRIED = 4  # images that share one round through the cells
BLOCK = 4096  # bytes: files take whole blocks of the disk
MARGIN = 1.1


@dataclass(frozen=True)
class Estimate:
    """What is to do: files, their bytes on disk, seconds with `n_workers` of `engine`; files of earlier runs.

    >>> print(Estimate(12075, 1_300_000_000, 380.0, 2, 0))
    12,075 images to write: about 6 min with 2 workers, 1.3 GB
    """

    n_files: int
    n_bytes: int
    seconds: float
    n_workers: int
    n_finished: int
    engine: str = PROCESSES

    def __str__(self) -> str:
        again = f" ({self.n_finished:,} are there)" if self.n_finished else ""
        if not self.n_files:
            return f"0 images to write{again}"
        takes = (
            f"{about_time(self.seconds)} with {name_workers(self.n_workers, self.engine)}, {count_bytes(self.n_bytes)}"
        )
        return f"{count(self.n_files, 'image')} to write{again}: {takes}"


def estimate_work(
    corrupted_images: MadeImages,
    image_format: str,
    todo: Sequence[tuple[Frame, Sequence[Cell]]],
    n_finished: int,
    engine: Engine,
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
    n_at_once = min(engine.n_workers, len(todo), engine.n_cores)
    return Estimate(
        n_files, round(share * n_bytes), share * seconds / n_at_once, engine.n_workers, n_finished, engine.name
    )


def estimate_copies(make: Callable[[int], bytes], todo: Sequence[int], n_finished: int, engine: Engine) -> Estimate:
    """Make some copies, in memory, and reckon from them; `make` gives the content of the copy of an image."""
    tried = [todo[number * len(todo) // N_TRIED] for number in range(min(N_TRIED, len(todo)))]
    start, n_bytes = time.perf_counter(), 0
    for index in tried:
        n_bytes += -(-len(make(index)) // BLOCK) * BLOCK
    seconds = time.perf_counter() - start
    share = len(todo) / max(len(tried), 1)
    n_at_once = max(min(engine.n_workers, len(todo), engine.n_cores), 1)
    return Estimate(
        len(todo), round(share * n_bytes), share * seconds / n_at_once, engine.n_workers, n_finished, engine.name
    )


def check_disk(folder: Path, n_bytes: int) -> None:
    """Raise UserError unless the disk of `folder` has room for `n_bytes` and a tenth more."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(place).free
    if free < MARGIN * n_bytes:
        raise UserError(
            f"{folder} has {count_bytes(free)} free, but the corrupted images need about {count_bytes(n_bytes)} and a "
            "tenth for safety: choose another --out, fewer cells, or --format jpg75"
        )
