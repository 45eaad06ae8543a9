"""Stylise a dataset: a copy of every image in the style of another image, drawn at random, to be learned from.

What a copy looks like depends on the seed and the image's name alone. Started again, it goes on where it was.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image

from robustpose.carried import Carried
from robustpose.claims import claim_folder, look_at_folder
from robustpose.contents import hash_some_files
from robustpose.data.carrying import pack_frames, unpack_frames
from robustpose.data.image_folder import leads_out
from robustpose.data.stylized import NOTE
from robustpose.errors import UserError, first_few, show_doubts
from robustpose.expected import Expected, expect
from robustpose.export.estimate import Estimate, estimate_copies
from robustpose.export.style import transfer_style
from robustpose.files import open_whole
from robustpose.fresh import StartOver
from robustpose.image_files.opening import Content, read_content, read_image
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame, Image
from robustpose.progress import Progress
from robustpose.work import Engine, Workers, announce_plan, as_engine, cut_chunks, do_tasks

WHAT = "stylised copies"
QUALITY = 92  # of JPEG: the copies are not to learn compression from
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True)
class StyleJob:
    """The work of stylising: a result for every copy that is written. Can be sent to another process."""

    make_dataset: Callable[[], Dataset]  # its frames have file names
    styles: Path  # folder of images, searched with its subfolders
    out: Path  # folder of the copies
    seed: int = 0  # of the choice of styles
    texture: float = 0.4  # share of a style's own texture, 0..1

    def open(self) -> tuple[Dataset, list[Path]]:
        """Open the dataset, and find the styles."""
        return self.make_dataset(), find_styles(self.styles)

    def kinds(self, indices: Sequence[int]) -> list[str]:
        """Return that images take about the same time."""
        return ["image"] * len(indices)

    def part(self, indices: Sequence[int], start: int, stop: int) -> Sequence[int]:
        """Return some of the images."""
        return indices[start:stop]

    def do(self, opened: tuple[Dataset, list[Path]], indices: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """Make the copies of some images: their names, and the content of their files."""
        dataset, styles = opened
        for index in indices:
            frame = dataset.frame(index)
            yield str(frame.file_name), make_file(self, frame, styles)

    def keep(self, made: tuple[str, bytes]) -> None:
        """Write a copy."""
        name, content = made
        with open_whole(self.out / name) as file:
            file.write(content)

    def carry(self, opened: tuple[Dataset, list[Path]]) -> Carried:
        """Return this work for other machines: images and their styles as they are encoded."""
        dataset, styles = opened

        def pack(indices: Sequence[int]) -> PackedCopies:
            frames = [dataset.frame(index) for index in indices]
            numbers = {choose_style(str(frame.file_name), len(styles), self.seed)[0] for frame in frames}
            contents = {number: read_content(styles[number]) for number in numbers}
            return PackedCopies(len(frames), pack_frames([frames]), contents)

        return Carried(StylingElsewhere(len(styles), self.seed, self.texture, expect({})), pack, {})


class PackedCopies(NamedTuple):
    """Frames, and the styles that their copies have."""

    n_images: int
    frames: bytes
    styles: dict[int, Content]  # by their numbers


@dataclass(frozen=True)
class StylingElsewhere:
    """The work of stylising, on machines that see none of the files of the one that shares it out."""

    n_styles: int
    seed: int
    texture: float
    expected: Expected

    def open(self) -> None:
        """Raise UserError where versions are others here."""
        self.expected.prepare_here()

    def kinds(self, task: PackedCopies) -> list[str]:
        """Return that images take about the same time."""
        return ["image"] * task.n_images

    def do(self, opened: None, task: PackedCopies) -> Iterator[tuple[str, bytes]]:
        """Make the copies of some images: their names, and the content of their files."""
        (frames,) = unpack_frames(task.frames)
        for frame in frames:
            number, rng = choose_style(str(frame.file_name), self.n_styles, self.seed)
            style = read_image(task.styles[number])
            yield str(frame.file_name), encode_copy(frame, transfer_style(frame.image, style, rng, self.texture))


def make_file(job: StyleJob, frame: Frame, styles: Sequence[Path]) -> bytes:
    """Return the content of the file of an image's copy."""
    return encode_copy(frame, make_copy(frame.image, str(frame.file_name), styles, job.seed, job.texture))


def encode_copy(frame: Frame, copy: Image) -> bytes:
    """Return the content of the file of an image's copy, in the format of its name."""
    content, kind = io.BytesIO(), "PNG" if str(frame.file_name).lower().endswith(".png") else "JPEG"
    PIL.Image.fromarray(copy).save(content, kind, quality=QUALITY)
    return content.getvalue()


def find_styles(folder: Path) -> list[Path]:
    """Return the images in a folder and its subfolders, in order."""
    if not folder.is_dir():
        raise UserError(f"the folder of styles {folder} does not exist")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise UserError(f"the folder of styles {folder} holds no images ({', '.join(sorted(SUFFIXES))})")
    return found


def stylize(
    job: StyleJob,
    workers: Workers = 1,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    fresh: StartOver | None = None,
    announce: Callable[[Estimate], None] | None = None,
) -> int:
    """Write a stylised copy of every image under its own name, and return their number. Finished ones stay.

    What is `fresh` starts over: copies of these images are made anew. `announce` is told what there is to do first.
    """
    engine, opened = as_engine(workers), _open(job)
    list_made = partial(_list_copies, names=opened.names)
    with claim_folder(job.out, WHAT, NOTE, opened.identity, list_made, fresh):
        todo, n_there = opened.list_lacking(True)
        if todo:
            announce_plan(announce, partial(opened.estimate, todo, n_there, engine))
        for _ in do_tasks(job, todo, engine, on_progress, n_there, (opened.dataset, opened.styles)):
            pass
    return len(opened.names)


def plan_copies(job: StyleJob, workers: Workers = 1, fresh: StartOver | None = None) -> Estimate:
    """Return what `stylize` would do, with all checks of its start. Nothing is written or locked."""
    engine, opened = as_engine(workers), _open(job)
    todo, n_there = opened.list_lacking(look_at_folder(job.out, WHAT, NOTE, opened.identity, fresh))
    return opened.estimate(todo, n_there, engine)


@dataclass(frozen=True, eq=False)
class _OpenedCopies:
    """The work of stylising, checked."""

    job: StyleJob
    dataset: Dataset
    styles: list[Path]
    names: Sequence[str | None]
    identity: dict[str, Any]

    def list_lacking(self, is_begun: bool) -> tuple[list[list[int]], int]:
        """Return the images without a copy, in chunks, and the number of copies that are there."""
        there = {index for index, name in enumerate(self.names) if is_begun and (self.job.out / str(name)).is_file()}
        chunks = [[index for index in chunk.indices if index not in there] for chunk in cut_chunks(len(self.names))]
        return [lacking for lacking in chunks if lacking], len(there)

    def estimate(self, todo: Sequence[Sequence[int]], n_there: int, engine: Engine) -> Estimate:
        def make(index: int) -> bytes:
            return make_file(self.job, self.dataset.frame(index), self.styles)

        return estimate_copies(make, [index for chunk in todo for index in chunk], n_there, engine)


def _open(job: StyleJob) -> _OpenedCopies:
    """Open the images and the styles of a job, and check it before anything is written."""
    if not 0 <= job.texture <= 1:
        raise UserError(f"--texture must be between 0 and 1, got {job.texture}")
    dataset = job.make_dataset()
    show_doubts(dataset.warnings)
    names = [dataset.frame(index).file_name for index in range(len(dataset))]
    if None in names:
        raise UserError("stylised copies stand for image files, but the images of this dataset have no file names")
    outside = [repr(name) for name in names if leads_out(str(name))]
    if outside:
        raise UserError(f"these image file names lead out of the folder: {first_few(outside, 'names')}")
    styles = find_styles(job.styles)
    styles_list = "\n".join(f"{path.name}:{path.stat().st_size}" for path in styles)
    identity = {
        "seed": job.seed,
        "texture": job.texture,
        "n_styles": len(styles),
        "styles_sha256": hashlib.sha256(styles_list.encode()).hexdigest(),
        "styles_contents_sha256": hash_some_files(styles),
        "dataset": dict(dataset.provenance),
    }
    return _OpenedCopies(job, dataset, styles, names, identity)


def _list_copies(folder: Path, names: Sequence[str | None]) -> list[Path]:
    """Return where the copies of images are."""
    return [folder / str(name) for name in names]


def make_copy(image: Image, name: str, styles: Sequence[Path], seed: int = 0, texture: float = 0.4) -> Image:
    """Return the stylised copy of the image called `name`: style and place are drawn from (seed, name)."""
    number, rng = choose_style(name, len(styles), seed)
    return transfer_style(image, read_image(styles[number]), rng, texture)


def choose_style(name: str, n_styles: int, seed: int) -> tuple[int, np.random.Generator]:
    """Return the number of the style of the image called `name`, and what draws the rest, from (seed, name)."""
    key = hashlib.blake2b(f"robustpose-style:1:{seed}:{name}".encode(), digest_size=16).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    return int(rng.integers(n_styles)), rng
