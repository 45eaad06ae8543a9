"""robustpose corrupt: images, made worse: a few, or a whole benchmark (COCO-C); and a benchmark on disk, checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.completion import choose
from robustpose.cli.data_options import ImageOptions
from robustpose.cli.help import OUTPUT
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import CorruptionOptions, FreshOptions, WorkerOptions, parse_seed
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError, first_few
from robustpose.printing import print_aside, print_line

if TYPE_CHECKING:
    from robustpose.data.corrupted import MadeImages
    from robustpose.export.estimate import Estimate
    from robustpose.image_files.opening import Exif
    from robustpose.pose.cell import Cell


@dataclass(frozen=True)
class SetOptions:
    """How the files of a whole benchmark are laid out and written."""

    panel: ClassVar = OUTPUT

    layout: Annotated[
        str | None,
        typer.Option(
            **choose("release", "plain"),
            show_default="release",
            help="Folders of a whole benchmark: fog/0 … fog/4 as published, or fog-1 … fog-5.",
        ),
    ] = None
    image_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            **choose("jpg75", "png"),
            show_default="jpg75",
            help="Files of a whole benchmark: JPEG as published, or PNG, which loses nothing.",
        ),
    ] = None


@with_groups
def corrupt(
    *,
    data: ImageOptions,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="IMAGE", help="Image files; or give --annotations and --images.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=OUTPUT,
            help="Folder for the results: NAME-CORRUPTION-SEVERITY.png of images, a whole benchmark of annotations.",
        ),
    ] = None,
    corrupted: CorruptionOptions,
    form: SetOptions,
    work: WorkerOptions,
    start: FreshOptions,
    shown: PrintedOptions,
    verify: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", rich_help_panel=OUTPUT, help="Write nothing: check a benchmark made before by its manifest."
        ),
    ] = None,
) -> None:
    """Write corrupted copies of images as PNG, or a whole corrupted benchmark; or check one."""
    is_set = replace(data, exif=None).is_given  # photographs have EXIF, too
    if [bool(files), is_set, verify is not None].count(True) != 1:
        raise UserError("name either images, or --annotations FILE and --images DIR, or --data NAME, or --verify DIR")
    if not is_set and form != SetOptions():
        misplaced = "--layout" if form.layout is not None else "--format"
        raise UserError(f"{misplaced} goes with --annotations FILE and --images DIR")
    if start.fresh and not is_set:
        raise UserError("--fresh goes with --annotations FILE and --images DIR")
    if verify is not None:
        if out is not None:
            raise UserError("--verify DIR names the folder to check and writes nothing: leave out --out")
        shown.write({"folder": verify, "images": _verify_set(verify, work.n_workers)})
        return
    if work.workers is not None and not is_set:
        raise UserError("--workers goes with --annotations FILE and --images DIR, or with --verify")
    if out is None:
        raise UserError("say where to write: --out DIR")
    from robustpose.data.corrupted import MadeImages
    from robustpose.export.write import SetJob, write_set
    from robustpose.show.terminal import work_progress

    cells = [cell for cell in corrupted.choose_cells()[1] if cell.corruption is not None]
    if not cells:
        raise UserError("name at least one corruption")
    made = MadeImages(parse_seed(corrupted.seed), corrupted.frost)
    if files:
        _write_copies(files, out, cells, made, _parse_exif(data.exif))
        n_images = len(files) * len(cells)
        print_line(f"{n_images} images in {out}")
    else:
        spec = data.describe()
        fresh = start.start_over(spec.annotations, spec.images, spec.root, corrupted.frost)
        job = SetJob(spec.open, made, form.layout or "release", form.image_format or "jpg75", out)
        with work_progress("corrupting") as on_progress:
            n_images = write_set(job, cells, work.n_workers, _announce, on_progress, fresh)
        print_line(f"{n_images:,} images in {out}; check them any time: robustpose corrupt --verify {out}")
    textures = made.provenance()["frost_textures"]
    if textures != "original" and any(cell.corruption == "frost" for cell in cells):
        print_line(f"frost textures: {textures}, not the original six (robustpose frost install)")
    shown.write({"folder": out, "images": n_images, "cells": [cell.key for cell in cells], **made.provenance()})


def _parse_exif(word: str | None) -> Exif | None:
    if word not in (None, "apply", "ignore"):
        raise UserError(f"--exif must be apply or ignore, got '{word}'")
    return word  # type: ignore[return-value]


def _write_copies(files: list[Path], out: Path, cells: list[Cell], made: MadeImages, exif: Exif | None) -> None:
    from robustpose.data.images import write_image
    from robustpose.image_files.opening import read_header, read_image
    from robustpose.pose.types import Frame

    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise UserError(f"two of the images have the same name, {twice}: their results would overwrite each other")
    written = {cell: [out / f"{stem}-{cell.file_stem}.png" for stem in stems] for cell in cells}
    overwritten = set(map(os.path.realpath, chain(*written.values()))) & set(map(os.path.realpath, files))
    if overwritten:
        raise UserError(f"{min(overwritten)} is one of the images, and would be overwritten: choose another --out")
    headers = [read_header(file) for file in files]
    turned = [str(file) for file, header in zip(files, headers, strict=True) if header.orientation > 1]
    if turned and exif is None:
        print_aside(f"turned as EXIF says: {first_few(turned, 'images')} (--exif ignore leaves images as stored)")
    exif = exif or "apply"
    frames = [
        Frame(file.stem, partial(read_image, file, exif), file_name=str(file), size_wh=header.size_wh(exif))
        for file, header in zip(files, headers, strict=True)
    ]
    made.check(cells, frames)
    for number, frame in enumerate(frames):
        for cell, image in zip(cells, made.images(frame, cells), strict=True):
            write_image(written[cell][number], image)


def _announce(estimate: Estimate) -> None:
    """Say what a set will take, before it is begun."""
    from robustpose.export.estimate import count_bytes
    from robustpose.show.terminal import about_duration

    again = f" ({estimate.n_finished:,} are there)" if estimate.n_finished else ""
    processes = "1 worker" if estimate.n_workers == 1 else f"{estimate.n_workers} workers"
    print_aside(
        f"{estimate.n_files:,} images to write{again}: about {count_bytes(estimate.n_bytes)} and "
        f"{about_duration(estimate.seconds)} with {processes}"
    )


def _verify_set(root: Path, n_workers: int) -> int:
    from robustpose.export.verify import verify_set
    from robustpose.show.terminal import work_progress

    with work_progress("checking") as on_progress:
        n_images = verify_set(root, n_workers, on_progress)
    print_line(f"{n_images:,} images in {root} are as its manifest says")
    return n_images
