"""Datasets: what there is to look at, and the truth about it.

A dataset has `skeleton`, `metric`, `__len__`, ``frame(i)`` and ``truth(i)``; it may have `provenance`, a dict for the
results. A row of `TABLE` makes one without arguments; COCO-format data come through `robustpose.data.coco.read_coco`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose import registry
from robustpose.errors import UserError
from robustpose.pose.skeleton import Skeleton
from robustpose.pose.types import Frame, Truth

TABLE: dict[str, str] = {
    "toy": "robustpose.data.toy:ToyPeople",
}
DESCRIPTIONS: dict[str, str] = {
    "toy": "drawn people with exact truth; needs no files",
    "--annotations FILE --images DIR": "COCO keypoint format, any skeleton",
    "package.module:attr": "anything with skeleton, metric, frame(i), truth(i)",
}


class FirstImages:
    """The first `n_images` of another dataset."""

    def __init__(self, dataset: Any, n_images: int) -> None:
        self.skeleton: Skeleton = dataset.skeleton
        self.metric: str = dataset.metric
        self.provenance: Mapping[str, object] = {**provenance_of(dataset), "limit": n_images}
        self._dataset = dataset
        self._n_images = min(n_images, len(dataset))

    def __len__(self) -> int:
        return self._n_images

    def frame(self, index: int) -> Frame:
        """Return clean frame `index`."""
        return self._dataset.frame(index)

    def truth(self, index: int) -> Truth:
        """Return what is annotated in image `index`."""
        return self._dataset.truth(index)


def open_dataset(
    spec: str | None = None,
    annotations: Path | None = None,
    images: Path | None = None,
    boxes: str = "gt",
    skeleton_file: Path | None = None,
    limit: int | None = None,
) -> Any:
    """Return the dataset that the command line describes.

    Args:
        spec: a name of `TABLE` or ``package.module:attr``; None for COCO-format data.
        annotations: COCO keypoint JSON.
        images: folder of its images.
        boxes: ``gt``, or a COCO detection file.
        skeleton_file: YAML with OKS sigmas.
        limit: keep only the first images.

    Raises:
        UserError: the description is incomplete or contradictory, or the data are damaged.
    """
    if limit is not None and limit < 1:
        raise UserError(f"--limit must be at least 1, got {limit}")
    if (spec is None) == (annotations is None and images is None):
        raise UserError("name the data: either --data toy, or --annotations FILE and --images DIR")
    if spec is not None:
        if boxes != "gt" or skeleton_file is not None:
            raise UserError("--boxes FILE and --skeleton go with --annotations, not with --data")
        found = registry.load(spec, TABLE, kind="dataset")
        dataset = found() if callable(found) else found
        for name in ("skeleton", "metric", "frame", "truth"):
            if not hasattr(dataset, name):
                raise UserError(f"dataset '{spec}' lacks '{name}'")
    else:
        if annotations is None or images is None:
            raise UserError("COCO-format data need both --annotations FILE and --images DIR")
        from robustpose.data.coco import read_coco

        dataset = read_coco(annotations, images, boxes, skeleton_file)
    return dataset if limit is None else FirstImages(dataset, limit)


def provenance_of(dataset: Any) -> dict[str, object]:
    """Return what results say about where the data come from."""
    given = getattr(dataset, "provenance", None)
    return dict(given) if given is not None else {"name": type(dataset).__name__, "n_images": len(dataset)}
