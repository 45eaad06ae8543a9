"""robustpose corrupt: images, made worse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.parse import parse_seed, parse_severities, split_words
from robustpose.errors import UserError


def corrupt(
    files: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Image files.")],
    out: Annotated[Path, typer.Option(help="Folder for the results, NAME-CORRUPTION-SEVERITY.png.")],
    corruptions: Annotated[
        str, typer.Option(help="all, held_out, groups (noise, blur, weather, digital) or names, with commas.")
    ] = "all",
    severities: Annotated[str, typer.Option(help="Of 1 to 5, with commas.")] = "1,2,3,4,5",
    seed: Annotated[
        str, typer.Option(help="release (as the published benchmark), or a number for independent noise.")
    ] = "release",
    frost: Annotated[Path | None, typer.Option(help="Folder of frost textures.")] = None,
) -> None:
    """Write corrupted copies of images as PNG."""
    from robustpose.bench.grid import choose_cells
    from robustpose.corruptions import corrupt as corrupt_image
    from robustpose.data.images import read_image, write_image

    run_seed = parse_seed(seed)
    grid = choose_cells(split_words(corruptions), parse_severities(severities))
    cells = [cell for cell in grid if cell.corruption is not None]
    if not cells:
        raise UserError("name at least one corruption")
    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        raise UserError("two of the images have the same name: their results would overwrite each other")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {out} ({error}): choose another --out") from error
    for file in files:
        image = read_image(file)
        for cell in cells:
            assert cell.corruption is not None
            one_seed = run_seed if isinstance(run_seed, str) else (run_seed, file.stem)
            corrupted = corrupt_image(image, cell.corruption, cell.severity, one_seed, frost=frost)
            path = out / f"{file.stem}-{cell.file_stem}.png"
            try:
                write_image(path, corrupted)
            except OSError as error:
                raise UserError(f"cannot write {path} ({error}): choose another --out") from error
    print(f"{len(files) * len(cells)} images in {out}")
