"""Stylise a dataset: a copy of every image in the style of a picture drawn at random, to be learned from.

What a copy looks like depends on the seed and the image's name alone. Started again, it goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import PIL.Image

from robustpose.data.images import read_image
from robustpose.errors import UserError
from robustpose.export.style import transfer_style
from robustpose.files import list_differences, lock_folder, open_whole, write_text
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Image
from robustpose.processes import run_here, run_in_processes
from robustpose.progress import Forecast, Progress

NOTE = "styles.json"  # how the copies were made
QUALITY = 92  # of JPEG: the copies are not to learn compression from
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
IMAGES_PER_TASK = 16


@dataclass(frozen=True)
class StyleJob:
    """What a process needs to know to stylise images: all of it can be sent to another process.

    Attributes:
        make_dataset: opens the dataset; its frames have file names.
        styles: folder of pictures, searched with its subfolders.
        out: folder of the copies.
        seed: of the choice of styles.
        texture: share of a style's own texture, 0..1.
    """

    make_dataset: Callable[[], Dataset]
    styles: Path
    out: Path
    seed: int = 0
    texture: float = 0.4


def find_styles(folder: Path) -> list[Path]:
    """Return the pictures in a folder and its subfolders, in order.

    Raises:
        UserError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise UserError(f"the folder of styles {folder} does not exist")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UserError(f"the folder of styles {folder} holds no pictures ({', '.join(sorted(SUFFIXES))})")
    return found


def stylize(job: StyleJob, n_workers: int = 1, on_progress: Callable[[Progress], None] = lambda progress: None) -> int:
    """Write a stylised copy of every image under its own name, and return their number.

    Args:
        job: images, styles and folder.
        n_workers: processes.
        on_progress: told how far the work is.

    Raises:
        UserError: a mistake in what was given; finished copies stay.
    """
    if n_workers < 1:
        raise UserError(f"--workers must be at least 1, got {n_workers}")
    if not 0 <= job.texture <= 1:
        raise UserError(f"--texture must be between 0 and 1, got {job.texture}")
    dataset = job.make_dataset()
    names = [dataset.frame(index).file_name for index in range(len(dataset))]
    if None in names:
        raise UserError("stylised copies stand for image files, but the images of this dataset have no file names")
    styles = find_styles(job.styles)
    with lock_folder(job.out):
        _claim(job, dataset, styles)
        todo = [index for index, name in enumerate(names) if not (job.out / str(name)).is_file()]
        forecast = Forecast(["image"] * len(todo), len(names) - len(todo), n_workers)
        on_progress(forecast.now())
        tasks = [(todo[start : start + IMAGES_PER_TASK],) for start in range(0, len(todo), IMAGES_PER_TASK)]
        n_workers = min(n_workers, max(len(tasks), 1))
        work = partial(_stylize_some, job)
        for seconds in run_here(work, tasks) if n_workers == 1 else run_in_processes(work, tasks, n_workers):
            on_progress(forecast.update("image", seconds))
    return len(names)


def _claim(job: StyleJob, dataset: Dataset, styles: Sequence[Path]) -> None:
    """Note how the copies are made, or check that those in the folder were made so."""
    digest = hashlib.sha256("\n".join(f"{path.name}:{path.stat().st_size}" for path in styles).encode()).hexdigest()
    new: dict[str, Any] = {
        "seed": job.seed,
        "texture": job.texture,
        "n_styles": len(styles),
        "styles_sha256": digest,
        "dataset": dict(dataset.provenance),
    }
    new = json.loads(json.dumps(new))
    path = job.out / NOTE
    if path.is_file():
        differences = list_differences(json.loads(path.read_text()), new)
        if differences:
            raise UserError(
                f"{job.out} holds copies made otherwise ({'; '.join(differences[:3])}): choose another --out"
            )
        return
    write_text(path, json.dumps(new, indent=2) + "\n")


def _stylize_some(job: StyleJob, indices: Sequence[int]) -> Iterator[float]:
    dataset, styles = _open(job)
    for index in indices:
        start = time.perf_counter()
        frame = dataset.frame(index)
        copy = make_copy(frame.image, str(frame.file_name), styles, job.seed, job.texture)
        path = job.out / str(frame.file_name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open_whole(path) as file:
                kind = "PNG" if PurePosixPath(path).suffix.lower() == ".png" else "JPEG"
                PIL.Image.fromarray(copy).save(file, kind, quality=QUALITY)
        except OSError as error:
            raise UserError(f"cannot write to {job.out} ({error}): finished copies are kept") from error
        yield time.perf_counter() - start


def make_copy(image: Image, name: str, styles: Sequence[Path], seed: int = 0, texture: float = 0.4) -> Image:
    """Return the stylised copy of the image called `name`: style and place are drawn from (seed, name)."""
    key = hashlib.blake2b(f"robustpose-style:1:{seed}:{name}".encode(), digest_size=16).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    style = read_image(styles[int(rng.integers(len(styles)))])
    return transfer_style(image, style, rng, texture)


@cache  # once a process
def _open(job: StyleJob) -> tuple[Dataset, list[Path]]:
    return job.make_dataset(), find_styles(job.styles)
