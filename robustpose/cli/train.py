"""robustpose train: a network from a recipe or as a row of the paper, with exact resume."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from robustpose.cli.help import DATA, MODEL, OUTPUT, SPEED, TRAINING
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import FreshOptions
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_line
from robustpose.train.strategies import STRATEGIES

if TYPE_CHECKING:
    from robustpose.train.settings import TrainSettings


@dataclass(frozen=True)
class WhatToTrain:
    """A recipe, or a row of the paper by one of two accounts; and another strategy than theirs."""

    panel: ClassVar = TRAINING

    recipe: Annotated[
        str | None,
        typer.Option(
            help="What to train: name of robustpose list recipes, such as advmix/toy, or YAML file of your own."
        ),
    ] = None
    row: Annotated[
        str | None,
        typer.Option(help="Instead: row of the paper, such as coco-c/table5/advmix: see robustpose list rows."),
    ] = None
    according_to: Annotated[
        str | None,
        typer.Option(help="For --row: how it was trained by the paper's program (the default), or its text: paper."),
    ] = None
    strategy: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(STRATEGIES)}; or package.module:attr. robustpose list strategies explains."),
    ] = None
    trust: Annotated[bool, typer.Option("--trust", help="Run code, package.module:attr, that the recipe names.")] = (
        False
    )

    def read(self, overrides: list[str], options: dict[str, Any], root: Path | None) -> TrainSettings:
        """Return the settings, changed by overrides and options."""
        from robustpose.train.recipes import read_settings
        from robustpose.train.rows import note_differences, read_row

        if self.recipe is not None and self.row is not None:
            raise UserError("--row and --recipe both say what to train: leave one out")
        if self.row is not None:
            account = "program" if self.according_to is None else self.according_to
            return note_differences(read_row(self.row, account, overrides, options, root))
        if self.recipe is None:
            raise UserError(
                "say what to train: --recipe NAME (robustpose list recipes), or FILE, or --row NAME (… list rows)"
            )
        if self.according_to is not None:
            raise UserError("--according-to goes with --row: a recipe says itself how it trains")
        return note_differences(read_settings(self.recipe, overrides, options, self.trust, root))


@dataclass(frozen=True)
class WeightOptions:
    """Weights that a training begins with."""

    panel: ClassVar = MODEL

    init: Annotated[
        Path | None, typer.Option(help="Weights to start from, by default the teacher, too: FILE, or demo.")
    ] = None
    backbone: Annotated[Path | None, typer.Option(help="Weights of an ImageNet network, for the trunk alone.")] = None
    teacher: Annotated[Path | None, typer.Option(help="Weights of the teacher, where it is another network.")] = None

    def describe(self) -> dict[str, Any]:
        """Return what is given by the settings that it takes the place of."""
        return {"start_from": self.init, "backbone": self.backbone, "teacher": {"weights": self.teacher}}


@dataclass(frozen=True)
class TrainDataOptions:
    """Files in the place of the recipe's or the row's data, and how data are looked at and scored."""

    panel: ClassVar = DATA

    root: Annotated[
        Path | None, typer.Option(help="Folder that holds the official files of the recipe's or the row's data.")
    ] = None
    annotations: Annotated[Path | None, typer.Option(help="COCO keypoint JSON to learn from, any skeleton.")] = None
    images: Annotated[Path | None, typer.Option(help="Folder of its images.")] = None
    val_annotations: Annotated[Path | None, typer.Option(help="COCO keypoint JSON to evaluate on.")] = None
    val_images: Annotated[
        Path | None, typer.Option(help="Folder of its images; by default that of the training images.")
    ] = None
    skeleton: Annotated[
        Path | None, typer.Option(help="YAML with OKS sigmas and flip_pairs, for joints not COCO's, of both.")
    ] = None
    stylized: Annotated[
        Path | None, typer.Option(help="Folder of stylised copies of the training images, as stylize makes them.")
    ] = None
    boxes: Annotated[
        str | None, typer.Option(help="Of the evaluation: gt, or clean-det:FILE. People are learned in annotated ones.")
    ] = None
    metric: Annotated[
        str | None, typer.Option(help="Of the evaluation: one of robustpose list metrics, such as pck:box@0.2.")
    ] = None

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return what is given by the settings that it takes the place of."""
        val_images = self.val_images or (self.images if self.val_annotations else None)
        val = {"annotations": self.val_annotations, "images": val_images, "boxes": self.boxes, "metric": self.metric}
        return {
            "train_data": {
                "annotations": self.annotations,
                "images": self.images,
                "skeleton": self.skeleton,
                "style_images": self.stylized,
            },
            "val_data": {**val, "skeleton": self.skeleton},
        }


@with_groups
def train(
    out: Annotated[
        Path, typer.Option(rich_help_panel=OUTPUT, help="Run folder. The same command goes on where it was stopped.")
    ],
    what: WhatToTrain,
    weights: WeightOptions,
    data: TrainDataOptions,
    start: FreshOptions,
    shown: PrintedOptions,
    devices: Annotated[int | None, typer.Option(rich_help_panel=SPEED, help="Processes, one device each.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", rich_help_panel=TRAINING, help="Change a setting, KEY=VALUE such as augment.rotation=30."
        ),
    ] = None,
) -> None:
    """Train or harden a network, or go on with a run that was stopped."""
    from robustpose.results.rows import percent
    from robustpose.show.terminal import progress_display
    from robustpose.train.start import check_start
    from robustpose.train.telling import Teller

    options = {"strategy": what.strategy, "engine": {"devices": devices}, **weights.describe(), **data.describe()}
    settings = what.read(set_ or [], options, data.root)
    check_start(settings)  # before PyTorch is loaded, which takes seconds
    if settings.row is not None:
        print_line(f"training row {settings.row.name}, according to: {settings.row.according_to}")
        if settings.row.differences:
            print_line(f"not the row's training: {'; '.join(settings.row.differences)}")
    from robustpose.processes import keep_freed_memory
    from robustpose.train.identity import list_paths
    from robustpose.train.loop import train as run_training

    keep_freed_memory()

    teller = Teller()
    with progress_display() as show:
        product = run_training(
            settings,
            out,
            lambda progress: show("training", teller.tell(progress)),
            start.start_over(*list_paths(settings)),
        )
    if figures := teller.figures:
        # COCO's figures are -1 where there is nobody to find, such as APL without large people.
        print_line("  ".join(f"{name} {percent(None if value == -1 else value)}" for name, value in figures.items()))
    print_line(f"weights: {product} and {product.with_suffix('.pth').name}")
    scores = {name: None if value == -1 else value for name, value in figures.items()}
    shown.write({"folder": out, "weights": product, "scores": scores})
