"""robustpose stylize: copies of a dataset's images in other styles, to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.data_options import ImageOptions
from robustpose.cli.help import ADVANCED, DATA, OUTPUT
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import FreshOptions, WorkerOptions
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.printing import print_line


@with_groups
def stylize(
    styles: Annotated[
        Path,
        typer.Option(
            metavar="DIR", rich_help_panel=DATA, help="Folder of images whose colours and textures the copies take."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", rich_help_panel=OUTPUT, help="Folder for the copies, under the images' names."),
    ],
    data: ImageOptions,
    work: WorkerOptions,
    start: FreshOptions,
    planned: PlanOptions,
    shown: PrintedOptions,
    seed: Annotated[
        int,
        typer.Option(metavar="N", rich_help_panel=ADVANCED, help="Random numbers that choose a style for each image."),
    ] = 0,
    texture: Annotated[
        float, typer.Option(metavar="SHARE", rich_help_panel=ADVANCED, help="How much of a style's texture, 0 to 1.")
    ] = 0.4,
) -> None:
    """Write stylised copies of images; train_data.style_images of the train command reads them."""
    from robustpose.export.stylize import StyleJob, plan_copies
    from robustpose.export.stylize import stylize as run
    from robustpose.show.terminal import work_progress

    spec = data.describe()
    fresh = start.start_over(styles, spec.annotations, spec.images, spec.root)
    job = StyleJob(spec.open, styles, out, seed, texture)
    if planned.dry_run:
        tell_plan(plan_copies(job, work.engine, fresh), shown)
        return
    with work_progress("stylising") as on_progress:
        n_images = run(job, work.engine, on_progress, fresh, announcer())
    print_line(f"{n_images:,} stylised images in {out}")
    shown.write({"folder": out, "images": n_images})
