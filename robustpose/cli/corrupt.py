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
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError, first_few
from robustpose.printing import print_aside, print_line

if TYPE_CHECKING:
    from robustpose.data.corrupted import MadeImages
    from robustpose.image_files.opening import Exif
    from robustpose.pose.cell import Cell
    from robustpose.pose.types import Frame


@dataclass(frozen=True)
class SetOptions:
    """How the files of a whole benchmark are laid out and written."""

    panel: ClassVar[str] = OUTPUT

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
    planned: PlanOptions,
    shown: PrintedOptions,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            rich_help_panel=OUTPUT,
            help="Instead of --out: all images under all cells on one page, to look at before a run.",
        ),
    ] = None,
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
    if planned.dry_run and not is_set and sheet is None:
        raise UserError("--dry-run goes with --annotations FILE and --images DIR, or with --sheet")
    if not is_set and work.is_on_cluster:
        raise UserError("--engine goes with --annotations FILE and --images DIR, whose images workers share")
    if verify is not None:
        if out is not None:
            raise UserError("--verify DIR names the folder to check and writes nothing: leave out --out")
        shown.write({"folder": verify, "images": _verify_set(verify, work.n_workers)})
        return
    if sheet is not None:
        _check_sheet_alone(sheet, out, form, start, work)
    elif work.workers is not None and not is_set:
        raise UserError("--workers goes with --annotations FILE and --images DIR, or with --verify")
    if out is None and sheet is None:
        raise UserError("say where to write: --out DIR, or --sheet FILE.html for a page to look at")
    from robustpose.data.corrupted import MadeImages
    from robustpose.export.write import SetJob, plan_set, write_set
    from robustpose.show.terminal import work_progress

    cells = [cell for cell in corrupted.choose_cells()[1] if cell.corruption is not None]
    if not cells:
        raise UserError("name at least one corruption")
    made = MadeImages(parse_seed(corrupted.seed), corrupted.frost)
    if sheet is not None:
        frames = _open_frames(files, _parse_exif(data.exif)) if files else _frames_of(data)
        _write_sheet(sheet, frames, cells, made, planned)
        if planned.dry_run:
            return
        n_images = len(frames) * len(cells)
    elif files:
        assert out is not None
        _write_copies(files, out, cells, made, _parse_exif(data.exif))
        n_images = len(files) * len(cells)
        print_line(f"{n_images} images in {out}")
    else:
        assert out is not None
        spec = data.describe()
        fresh = start.start_over(spec.annotations, spec.images, spec.root, corrupted.frost)
        job = SetJob(spec.open, made, form.layout or "release", form.image_format or "jpg75", out)
        if planned.dry_run:
            tell_plan(plan_set(job, cells, work.engine, fresh), shown)
            return
        with work_progress("corrupting") as on_progress:
            n_images = write_set(job, cells, work.engine, announcer(), on_progress, fresh)
        print_line(f"{n_images:,} images in {out}; check them any time: robustpose corrupt --verify {out}")
    textures = made.provenance()["frost_textures"]
    if textures != "original" and any(cell.corruption == "frost" for cell in cells):
        print_line(f"frost textures: {textures}, not the original six (robustpose frost install)")
    place = {"folder": out} if sheet is None else {"sheet": sheet}
    shown.write({**place, "images": n_images, "cells": [cell.key for cell in cells], **made.provenance()})


def _parse_exif(word: str | None) -> Exif | None:
    if word not in (None, "apply", "ignore"):
        raise UserError(f"--exif must be apply or ignore, got '{word}'")
    return word  # type: ignore[return-value]


def _write_copies(files: list[Path], out: Path, cells: list[Cell], made: MadeImages, exif: Exif | None) -> None:
    from robustpose.data.images import write_image

    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise UserError(f"two of the images have the same name, {twice}: their results would overwrite each other")
    written = {cell: [out / f"{stem}-{cell.file_stem}.png" for stem in stems] for cell in cells}
    overwritten = set(map(os.path.realpath, chain(*written.values()))) & set(map(os.path.realpath, files))
    if overwritten:
        raise UserError(f"{min(overwritten)} is one of the images, and would be overwritten: choose another --out")
    frames = _open_frames(files, exif)
    made.check(cells, frames)
    for number, frame in enumerate(frames):
        for cell, image in zip(cells, made.images(frame, cells), strict=True):
            write_image(written[cell][number], image)


def _open_frames(files: list[Path], exif: Exif | None) -> list[Frame]:
    """Return image files as frames, whose images are read later. Nobody says where people are in them."""
    from robustpose.image_files.opening import read_header, read_image
    from robustpose.pose.types import Frame

    headers = [read_header(file) for file in files]
    turned = [str(file) for file, header in zip(files, headers, strict=True) if header.orientation > 1]
    if turned and exif is None:
        print_aside(f"turned as EXIF says: {first_few(turned, 'images')} (--exif ignore leaves images as stored)")
    exif = exif or "apply"
    return [
        Frame(file.stem, partial(read_image, file, exif), file_name=str(file), size_wh=header.size_wh(exif), people=())
        for file, header in zip(files, headers, strict=True)
    ]


def _frames_of(data: ImageOptions) -> list[Frame]:
    from robustpose.data.people import frame_to_corrupt

    dataset = data.describe().open()
    return [frame_to_corrupt(dataset, index) for index in range(len(dataset))]


def _check_sheet_alone(
    sheet: Path, out: Path | None, form: SetOptions, start: FreshOptions, work: WorkerOptions
) -> None:
    """Raise UserError where a sheet is asked for together with what is of other results, or a file would be lost."""
    from robustpose.show.replacing import check_page, follow

    others = {"--out": out, "--layout": form.layout, "--format": form.image_format, "--workers": work.workers}
    given = [name for name, value in others.items() if value is not None] + ["--fresh"] * start.fresh
    if given:
        raise UserError(f"--sheet writes one page and nothing else: leave out {given[0]}")
    if sheet.suffix.lower() not in (".html", ".htm") or sheet.is_dir():
        raise UserError(f"--sheet needs the name of an .html file to write, got '{sheet}'")
    check_page(sheet, "sheet", "--sheet")
    above = next(folder for folder in (*follow(sheet).parents, Path()) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"cannot write {sheet}: {above} is no folder that can be written to: choose another place")


def _write_sheet(sheet: Path, frames: list[Frame], cells: list[Cell], made: MadeImages, planned: PlanOptions) -> None:
    from robustpose.amounts import count_bytes
    from robustpose.show.pages.sheet import plan_sheet, write_sheet
    from robustpose.show.terminal import work_progress

    plan = plan_sheet(frames, cells)
    made.check(cells, frames)
    print_aside(
        f"a sheet of {plan.n_thumbnails:,} thumbnails of at most {plan.side} px: about {count_bytes(plan.n_bytes)}"
    )
    if planned.dry_run:
        return
    with work_progress("sheet") as on_progress:
        n_bytes = write_sheet(sheet, frames, cells, made, on_progress)
    print_line(f"page: {sheet}, {count_bytes(n_bytes)}")


def _verify_set(root: Path, n_workers: int) -> int:
    from robustpose.export.verify import verify_set
    from robustpose.show.terminal import work_progress

    with work_progress("checking") as on_progress:
        n_images = verify_set(root, n_workers, on_progress)
    print_line(f"{n_images:,} images in {root} are as its manifest says")
    return n_images
