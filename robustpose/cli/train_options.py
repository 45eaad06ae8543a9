"""What is trained: a recipe or a row, weights to begin with, data; and the settings that they come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from robustpose.cli.completion import (
    choose,
    complete,
    list_metrics,
    list_recipes,
    list_rows,
    list_skeletons,
    list_strategies,
)
from robustpose.cli.devices import DeviceOptions
from robustpose.cli.help import ADVANCED, DATA, MODEL, TRAINING
from robustpose.errors import UserError
from robustpose.train.strategies import STRATEGIES

if TYPE_CHECKING:
    from robustpose.train.settings import TrainSettings


@dataclass(frozen=True)
class WhatToTrain:
    """A recipe, or a row of the paper by one of two accounts; and another strategy than theirs."""

    panel: ClassVar[str] = TRAINING

    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_recipes),
            help="What to train: a recipe by name, such as advmix/toy, see robustpose list recipes; or a YAML file of "
            "your own.",
        ),
    ] = None
    row: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_rows),
            help="Instead of --recipe: a row of the paper, such as coco-c/table5/advmix: see robustpose list rows.",
        ),
    ] = None
    according_to: Annotated[
        str | None,
        typer.Option(
            **choose("program", "paper"),
            rich_help_panel=ADVANCED,
            show_default="program",
            help="For --row: train as the paper's released program does, or as its text says.",
        ),
    ] = None
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_strategies),
            show_default="the recipe's or the row's",
            help=f"What to learn from: {', '.join(STRATEGIES)}; or your own, package.module:attr. See robustpose list "
            "strategies.",
        ),
    ] = None
    trust: Annotated[
        bool,
        typer.Option("--trust", rich_help_panel=ADVANCED, help="Run code, package.module:attr, that the recipe names."),
    ] = False

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

    panel: ClassVar[str] = MODEL

    init: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|demo",
            show_default="the recipe's, or random ones",
            help="Weights to start from, the teacher's, too: a file, or demo for the demo network's.",
        ),
    ] = None
    backbone: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of --init: weights of an ImageNet network, for the trunk."),
    ] = None
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default="that of --init", help="Weights of the teacher, if others than --init."
        ),
    ] = None

    def describe(self) -> dict[str, Any]:
        """Return what is given by the settings that it takes the place of."""
        return {"start_from": self.init, "backbone": self.backbone, "teacher": {"weights": self.teacher}}


@dataclass(frozen=True)
class TrainDataOptions:
    """Files in the place of the recipe's or the row's data, and how data are looked at and scored."""

    panel: ClassVar[str] = DATA

    root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with the official files of the recipe's or the row's data."),
    ] = None
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own data to learn from: COCO JSON, any skeleton.")
    ] = None
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder with the images of --annotations.")] = None
    val_annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own data to evaluate on: COCO JSON.")
    ] = None
    val_images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", show_default="that of --images", help="Folder with the images of --val-annotations."
        ),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="the recipe's",
            help="Learn from the first N images only; see --val-limit for the evaluation.",
        ),
    ] = None
    val_limit: Annotated[
        int | None, typer.Option(metavar="N", show_default="the recipe's", help="Evaluate on the first N images only.")
    ] = None
    skeleton: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|NAME",
            autocompletion=complete(list_skeletons),
            help="YAML with OKS sigmas and flip_pairs, for joints other than COCO's; or a published skeleton, see "
            "robustpose list skeletons; of both data.",
        ),
    ] = None
    stylized: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Learn from stylised copies of the images, too, made by robustpose stylize."),
    ] = None
    boxes: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            autocompletion=complete(lambda: ("gt", "clean-det:")),
            show_default="the recipe's, or gt",
            help="Boxes of the evaluation: gt, or clean-det:FILE. People are learned in annotated boxes.",
        ),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_metrics),
            show_default="the recipe's, or the data set's own",
            help="Metric of the evaluation, such as pck:box@0.2: see robustpose list metrics.",
        ),
    ] = None

    @property
    def lacks_val(self) -> bool:
        """Tell whether there are files to learn from, and none to evaluate on."""
        return self.annotations is not None and self.val_annotations is None

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
                "limit": self.limit,
            },
            "val_data": {**val, "skeleton": self.skeleton, "limit": self.val_limit},
        }


def read_asked(
    what: WhatToTrain, weights: WeightOptions, data: TrainDataOptions, device: DeviceOptions, set_: list[str] | None
) -> TrainSettings:
    """Return the settings that options ask for."""
    options = {"strategy": what.strategy, **device.describe(), **weights.describe(), **data.describe()}
    with _asking_for_val_data(data), naming_options():
        settings = what.read(set_ or [], options, data.root)
        if data.lacks_val:
            try:
                settings.val_data.check_files()
            except UserError as error:
                raise UserError(f"val_data: {error}") from error
        return settings


@contextmanager
def _asking_for_val_data(data: TrainDataOptions) -> Iterator[None]:
    """Where data to learn from alone were given, let errors about those to evaluate on ask for them."""
    try:
        yield
    except UserError as error:
        if not data.lacks_val or "val_data: " not in str(error):
            raise
        raise UserError(
            "--annotations says what is learned from: give --val-annotations FILE, too, to evaluate on; as it is, "
            f"{str(error).removeprefix('options: ')}"
        ) from error


@contextmanager
def naming_options() -> Iterator[None]:
    """Let errors about data name the options of this command, which has other ones for the data to evaluate on."""
    try:
        yield
    except UserError as error:
        parts = str(error).replace("takes no style_images,", "takes no style_images (--stylized),").split("; ")
        others = re.compile(r"--(annotations|images|limit)\b")
        error.args = ("; ".join(others.sub(r"--val-\1", part) if "val_data: " in part else part for part in parts),)
        raise
