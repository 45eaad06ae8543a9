"""--row and --recipe of bench: the paper's row to measure, and how what is asked for differs from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from robustpose.cli.completion import complete, list_rows
from robustpose.cli.data_options import DataOptions
from robustpose.cli.help import ADVANCED, MODEL
from robustpose.errors import UserError
from robustpose.printing import print_line

if TYPE_CHECKING:
    from robustpose.results.recipe import BenchRecipe

OF_DATA = ("data", "split", "boxes", "only_with_people")  # options that a row has values for


@dataclass(frozen=True)
class RowOptions:
    """Which row of a table to measure."""

    panel: ClassVar[str] = MODEL

    row: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_rows),
            help="Instead of --model: a row of the paper, such as coco-c/hrnet_w32_256x192, measured as it was there. "
            "See robustpose list rows.",
        ),
    ] = None
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of --row: your own row, as YAML; see docs/reference/results.md."),
    ] = None
    trust: Annotated[
        bool,
        typer.Option("--trust", rich_help_panel=ADVANCED, help="Run code, package.module:attr, that --recipe names."),
    ] = False
    weights: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="For --row and --recipe: the weights file, or the folder that has it."),
    ] = None


@dataclass(frozen=True)
class Asked:
    """What a bench is asked to measure, once a row has had its say."""

    model: str
    options: dict[str, Any]  # of the model
    data: DataOptions
    seed: Any
    row: str | None = None
    recipe: BenchRecipe | None = None  # of the row, whose published scores stand beside the run's
    differences: tuple[str, ...] = ()  # in what the run is not the row's measurement


def apply_row(wanted: RowOptions, asked: Asked, suite: str, model_set: list[str], corrupted_root: Path | None) -> Asked:
    """Return what is to be measured: as asked, and what is not said as the row was measured, if one is named."""
    from robustpose.results import recipe as recipes
    from robustpose.results.published import get_row

    data = asked.data
    recipe, row = recipes.find_recipe(wanted.row, wanted.recipe, [] if data.data is None else ["data"], wanted.trust)
    if recipe is None:
        if wanted.weights is not None:
            raise UserError("--weights goes with --row or --recipe; elsewhere the file is part of --model NETWORK:FILE")
        return asked
    if asked.model or data.annotations is not None or data.images is not None:
        raise UserError("--row and --recipe say which model and data: leave out --model, --annotations and --images")
    if suite != "coco-c":
        raise UserError(f"--row and --recipe are of rows measured with suite coco-c: leave out --suite {suite}")
    measured = {name: getattr(data, name) for name in OF_DATA}
    if row is not None and (alike := recipes.find_alike(row, measured)) != row:
        print_line(f"note: {row} was measured otherwise; measured like this run: {alike}")
        recipe, row = recipes.make_recipe(get_row(alike)), alike
    others = [f"--limit {data.limit}"] if data.limit else []
    others += [f"--metric {data.metric}"] if data.metric else []
    others += [f"--joints {data.joints}"] if data.joints else []
    others += [f"--model-set {pair}" for pair in model_set]
    measured |= {"seed": asked.seed} if corrupted_root is None else {}
    differences = recipes.list_changes(recipe, measured, others)
    # What the row says of its data does not hold of others.
    kept = () if data.data in (None, recipe.data) else OF_DATA
    measured |= recipes.apply_row(recipe, {name: value for name, value in measured.items() if name not in kept})
    return Asked(
        model=f"{recipe.model}:{recipes.find_weights(recipe, wanted.weights)}",
        options={"input": recipe.input, **asked.options},
        data=replace(data, **{name: measured[name] for name in OF_DATA}),
        seed=measured.get("seed"),
        row=row,
        recipe=recipe,
        differences=tuple(differences),
    )
