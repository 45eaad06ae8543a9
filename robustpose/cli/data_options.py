"""The options that say which images a command is about, and how they are looked at and scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.completion import choose, complete, list_datasets, list_metrics, list_skeletons, list_splits
from robustpose.cli.help import ADVANCED, DATA
from robustpose.data.official import SETS
from robustpose.errors import spell_list

if TYPE_CHECKING:
    from robustpose.data.spec import DataSpec

_SETS = spell_list(SETS, "or")


@dataclass(frozen=True)
class ImageOptions:
    """Which images."""

    panel: ClassVar[str] = DATA

    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_datasets),
            help=f"A data set by name: toy (drawn people, needs no files), toy-crowds, {_SETS}; or your own, "
            "package.module:attr. Or give --annotations and --images, or --images alone.",
        ),
    ] = None
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help=f"Folder with the official files of --data {_SETS}.")
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_splits),
            show_default="the one that is scored",
            help="Part of --data, such as val2017 or train.",
        ),
    ] = None
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own data: keypoints as COCO JSON, any skeleton.")
    ] = None
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with the images of --annotations. Alone: images without annotations, for consistency.",
        ),
    ] = None
    category: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=ADVANCED,
            help="Category in --annotations, by name or id; all takes every one with keypoints.",
        ),
    ] = None
    area: Annotated[
        str | None,
        typer.Option(
            **choose("annotated", "box"),
            rich_help_panel=ADVANCED,
            show_default="annotated",
            help="Area of a person in --annotations, which scales OKS: as annotated, or 0.53 x width x height of the "
            "box.",
        ),
    ] = None
    parts: Annotated[
        str | None,
        typer.Option(
            **choose("body", "wholebody"),
            rich_help_panel=ADVANCED,
            show_default="body",
            help="Joints of COCO-WholeBody annotations: 17, or all 133.",
        ),
    ] = None
    visibility: Annotated[
        str | None,
        typer.Option(
            **choose("flags", "fractions"),
            rich_help_panel=ADVANCED,
            show_default="flags",
            help="How --annotations say that a joint is visible: 0, 1 or 2; or a fraction, annotated if above 0.",
        ),
    ] = None
    limit: Annotated[int | None, typer.Option(metavar="N", show_default="all", help="Use the first N images only.")] = (
        None
    )
    exif: Annotated[
        str | None,
        typer.Option(
            **choose("apply", "ignore"),
            rich_help_panel=ADVANCED,
            show_default="as annotated sizes say",
            help="Turn images as their EXIF says, as viewers do, or read them as they are stored.",
        ),
    ] = None

    @property
    def is_given(self) -> bool:
        """Return whether there is any of these options."""
        return any(value is not None for value in vars(self).values())

    def describe(self) -> DataSpec:
        """Return the description of the data; options that contradict each other are an error."""
        from robustpose.data.spec import describe_data

        fields = dict(vars(self))
        return describe_data({"name": fields.pop("data"), **fields})


@dataclass(frozen=True)
class DataOptions(ImageOptions):
    """Which images, and how they are looked at and scored."""

    boxes: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            autocompletion=complete(lambda: ("gt", "clean-det:", "corrupt-det:", "detect:")),
            show_default="gt",
            help="Boxes that a top-down model gets: gt (annotated); clean-det:FILE, COCO detections on clean images; "
            "corrupt-det:DIR, a file of them per cell. Of bench also detect:MODEL: two runs, in its boxes on "
            "clean images and in those of each cell.",
        ),
    ] = None
    min_box_score: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            rich_help_panel=ADVANCED,
            show_default="0",
            help="Detected boxes with a lower score are not looked at.",
        ),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_metrics),
            show_default="the data set's own",
            help="Score by this metric, such as pck:box@0.2: see robustpose list metrics.",
        ),
    ] = None
    joints: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            rich_help_panel=ADVANCED,
            show_default="all that the model finds, too",
            help="Joints that are scored, with commas, such as nose,left_hip,right_hip.",
        ),
    ] = None
    skeleton: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|NAME",
            autocompletion=complete(list_skeletons),
            help="For joints other than COCO's: YAML with their OKS sigmas; or a published skeleton (robustpose list "
            "skeletons), whose joints the annotations have, whatever they call them.",
        ),
    ] = None
    only_with_people: Annotated[
        bool | None,
        typer.Option(
            "--only-with-people/--all-images",
            rich_help_panel=ADVANCED,
            show_default="--all-images",
            help="Leave out images in which nobody is annotated, or use them, too.",
        ),
    ] = None
