"""Options that say which data, the same in every command that opens some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataName = Annotated[str | None, typer.Option(help="toy; coco, mpii or ochuman; or package.module:attr.")]
Root = Annotated[Path | None, typer.Option(help="Folder of coco, mpii or ochuman.")]
Split = Annotated[str | None, typer.Option(help="Of coco, mpii or ochuman; by default the one that is benched.")]
Annotations = Annotated[Path | None, typer.Option(help="COCO keypoint JSON, any skeleton.")]
Images = Annotated[Path | None, typer.Option(help="Folder of its images.")]
Boxes = Annotated[
    str | None,
    typer.Option(help="gt; clean-det:FILE, COCO detections on clean images; corrupt-det:DIR, a file per cell."),
]
MetricName = Annotated[
    str | None, typer.Option(help="coco_ap, pckh, pck:NORMALIZER@THRESHOLD; by default the dataset's own.")
]
SkeletonFile = Annotated[Path | None, typer.Option(help="YAML with OKS sigmas, for joints not COCO's.")]
OnlyWithPeople = Annotated[
    bool | None,
    typer.Option("--only-with-people/--all-images", help="Leave out images in which nobody is annotated, or do not."),
]
Limit = Annotated[int | None, typer.Option(help="Use the first images only.")]
