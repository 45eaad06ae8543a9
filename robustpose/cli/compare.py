"""robustpose compare: finished runs of the same images side by side, with paired differences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Run folders; the first is the reference.")],
    out: Annotated[Path, typer.Option(help="Folder for compare.html and comparison.json.")] = Path("comparison"),
    resamples: Annotated[int, typer.Option(help="Of the images, for 95 % intervals.")] = 1000,
) -> None:
    """Compare runs: differences to the first one with 95 % intervals, and what cannot be told apart."""
    from robustpose.results.compare import compare_runs
    from robustpose.show.pages.compare import write_comparison
    from robustpose.show.terminal import print_differences

    comparison = compare_runs(runs, resamples)
    print_differences(comparison)
    print(f"page: {write_comparison(out, comparison)}")
