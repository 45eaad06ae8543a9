"""robustpose corrupt: images, made worse: a few, or a whole benchmark (COCO-C); and a benchmark on disk, checked."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.cli.data_options import ImageOptions
from robustpose.cli.option_groups import with_groups
from robustpose.cli.parse import count_cores, parse_seed
from robustpose.cli.suite_options import Corruptions, Severities, SuiteName, name_cells
from robustpose.errors import UserError

if TYPE_CHECKING:
    from robustpose.data.corrupted import MadeImages
    from robustpose.export.write import SetJob
    from robustpose.pose.cell import Cell


@with_groups
def corrupt(
    data: ImageOptions,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="IMAGE…", help="Image files; or name --annotations and --images.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results: NAME-CORRUPTION-SEVERITY.png for images, COCO-C for annotations."),
    ] = None,
    suite: SuiteName = "coco-c",
    corruptions: Corruptions = "all",
    severities: Severities = None,
    seed: Annotated[
        str, typer.Option(help="release (as the published benchmark), or a number for independent noise.")
    ] = "release",
    frost: Annotated[Path | None, typer.Option(help="Folder of frost textures.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="Of COCO-C: release (the default; fog/0 … fog/4) or plain (fog-1 … fog-5).")
    ] = None,
    image_format: Annotated[
        str | None,
        typer.Option("--format", help="Of COCO-C: jpg75 (the default; as the published benchmark) or png (lossless)."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes for COCO-C; by default one per core.")] = None,
    verify: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Check a COCO-C that is there against its manifest instead.")
    ] = None,
) -> None:
    """Write corrupted copies of images as PNG, or a whole corrupted benchmark; or check one."""
    is_set = data.is_given
    if [bool(files), is_set, verify is not None].count(True) != 1:
        raise UserError("name either images, or --annotations FILE and --images DIR, or --data NAME, or --verify DIR")
    if not is_set:
        misplaced = [
            name for name, value in {"--layout": layout, "--format": image_format}.items() if value is not None
        ]
        if misplaced:
            raise UserError(f"{misplaced[0]} goes with --annotations FILE and --images DIR")
    if verify is not None:
        if out is not None:
            raise UserError("--verify DIR names the folder to check and writes nothing: leave out --out")
        _verify_set(verify, workers)
        return
    if workers is not None and not is_set:
        raise UserError("--workers goes with --annotations FILE and --images DIR, or with --verify")
    if out is None:
        raise UserError("say where to write: --out DIR")
    from robustpose.data.corrupted import MadeImages
    from robustpose.export.write import SetJob

    cells = [cell for cell in name_cells(suite, corruptions, severities)[1] if cell.corruption is not None]
    if not cells:
        raise UserError("name at least one corruption")
    corrupted_images = MadeImages(parse_seed(seed), frost)
    if files:
        _write_copies(files, out, cells, corrupted_images)
        return
    _write_set(
        SetJob(
            make_dataset=data.describe().open,
            corrupted_images=corrupted_images,
            layout=layout or "release",
            image_format=image_format or "jpg75",
            out=out,
        ),
        cells,
        workers,
    )


def _write_copies(files: list[Path], out: Path, cells: list[Cell], corrupted_images: MadeImages) -> None:
    from robustpose.data.images import read_image, write_image
    from robustpose.pose.types import Frame

    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        raise UserError("two of the images have the same name: their results would overwrite each other")
    for file in files:
        frame = Frame(file.stem, partial(read_image, file))
        for cell, image in zip(cells, corrupted_images.images(frame, cells), strict=True):
            write_image(out / f"{file.stem}-{cell.file_stem}.png", image)
    print(f"{len(files) * len(cells)} images in {out}")
    _tell_frost(cells, corrupted_images)


def _write_set(job: SetJob, cells: list[Cell], workers: int | None) -> None:
    from robustpose.export.estimate import Estimate, count_bytes
    from robustpose.export.write import write_set
    from robustpose.show.terminal import about_duration, work_progress

    def announce(estimate: Estimate) -> None:
        again = f" ({estimate.n_finished:,} are there)" if estimate.n_finished else ""
        processes = "1 worker" if estimate.n_workers == 1 else f"{estimate.n_workers} workers"
        print(
            f"{estimate.n_files:,} images to write{again}: about {count_bytes(estimate.n_bytes)} and "
            f"{about_duration(estimate.seconds)} with {processes}",
            file=sys.stderr,
        )

    with work_progress("corrupting") as on_progress:
        n_images = write_set(job, cells, count_cores() if workers is None else workers, announce, on_progress)
    print(f"{n_images:,} images in {job.out}; check them any time: robustpose corrupt --verify {job.out}")
    _tell_frost(cells, job.corrupted_images)


def _tell_frost(cells: list[Cell], corrupted_images: MadeImages) -> None:
    """Say so where frost is not that of the published benchmark."""
    source = corrupted_images.provenance()["frost_textures"]
    if source != "original" and any(cell.corruption == "frost" for cell in cells):
        print(f"frost textures: {source}, not the original six (robustpose frost install)")


def _verify_set(root: Path, workers: int | None) -> None:
    from robustpose.export.verify import verify_set
    from robustpose.show.terminal import work_progress

    with work_progress("checking") as on_progress:
        n_images = verify_set(root, count_cores() if workers is None else workers, on_progress)
    print(f"{n_images:,} images in {root} are as its manifest says")
