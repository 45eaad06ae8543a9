"""robustpose figures: runs as figures and a table for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.data_options import DataOptions
from robustpose.cli.option_groups import with_groups
from robustpose.cli.parse import split_words


@with_groups
def figures(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders of finished benches.")],
    out: Annotated[Path, typer.Option(help="Folder for fig1, fig2, fig4, fig5, fig6 (PDF and PNG) and table.tex.")],
    data: DataOptions,
    names: Annotated[
        str | None, typer.Option(help="What the runs are called, with commas; by default by their models.")
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option(help="Whose published models fig1 and fig5 have: COCO-C, MPII-C, OCHuman-C; none. Else by data."),
    ] = None,
    severity: Annotated[int, typer.Option(help="Of fig2 and fig6, 1 to 5.")] = 3,
    image: Annotated[
        int | None,
        typer.Option(
            help="Image of fig2 and fig6, from 0; by default one with a large person, and where runs lose most."
        ),
    ] = None,
) -> None:
    """Draw finished runs as figures for a paper, beside the published models, and write their LaTeX table.

    The images for fig2 and fig6 are those that the runs were made with; name them where they have been moved.
    """
    from robustpose.show.figures.runs import read_runs
    from robustpose.show.figures.write import write_figures

    given = data.describe() if data.is_given else None
    written = write_figures(read_runs(runs, split_words(names or "")), out, given, severity, image, beside)
    for path in written.paths:
        print(path)
    for note in written.notes:
        print(f"note: {note}")
