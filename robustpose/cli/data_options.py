"""Options that say which data, the same in every command that opens some."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.data.official import SETS
from robustpose.errors import spell_list

if TYPE_CHECKING:
    from robustpose.data.spec import DataSpec

_SETS = spell_list(SETS, "or")


@dataclass(frozen=True)
class ImageOptions:
    """Which images."""

    data: Annotated[str | None, typer.Option(help=f"toy; {_SETS}; or package.module:attr.")] = None
    root: Annotated[Path | None, typer.Option(help=f"Folder that holds the official files of --data {_SETS}.")] = None
    split: Annotated[str | None, typer.Option(help=f"Of --data toy, {_SETS}; by default the one that is benched.")] = (
        None
    )
    annotations: Annotated[Path | None, typer.Option(help="COCO keypoint JSON, any skeleton.")] = None
    images: Annotated[Path | None, typer.Option(help="Folder of its images.")] = None
    limit: Annotated[int | None, typer.Option(help="Use the first images only.")] = None

    @property
    def is_given(self) -> bool:
        """Return whether there is any of these options."""
        return any(value is not None for value in vars(self).values())

    def describe(self) -> DataSpec:
        """Return the description of the data.

        Raises:
            UserError: no data are named, options contradict each other, or one is missing.
        """
        from robustpose.data.spec import describe_data

        fields = dict(vars(self))
        return describe_data({"name": fields.pop("data"), **fields})


@dataclass(frozen=True)
class DataOptions(ImageOptions):
    """Which images, and how they are looked at and scored."""

    boxes: Annotated[
        str | None,
        typer.Option(help="gt; clean-det:FILE, COCO detections on clean images; corrupt-det:DIR, a file per cell."),
    ] = None
    metric: Annotated[
        str | None, typer.Option(help="coco_ap, pckh, pck:NORMALIZER@THRESHOLD; by default the dataset's own.")
    ] = None
    skeleton: Annotated[Path | None, typer.Option(help="YAML with OKS sigmas, for joints not COCO's.")] = None
    only_with_people: Annotated[
        bool | None,
        typer.Option(
            "--only-with-people/--all-images", help="Leave out images in which nobody is annotated, or do not."
        ),
    ] = None
