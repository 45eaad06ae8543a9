"""Opening a dataset from words: toy people, an official set in its root folder, COCO-format files, or one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose import registry
from robustpose.data import DESCRIPTIONS, OFFICIAL, TABLE
from robustpose.data.boxes import parse_boxes
from robustpose.data.ignored import find_ignored
from robustpose.errors import UserError, nearest
from robustpose.pose.cell import Cell
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, Truth


class Adjusted:
    """Another dataset, of which only some images are taken, or which is scored by another metric.

    Args:
        dataset: the other one.
        limit: number of images, the first ones; None for all.
        metric: what `robustpose.evaluate.make_metric` takes; None for the dataset's own.
        indices: images to take; None for the first `limit`.
        preview: of a preview, how many images of how many; its provenance says so.
    """

    def __init__(
        self,
        dataset: Any,
        limit: int | None = None,
        metric: str | None = None,
        indices: Sequence[int] | None = None,
        preview: tuple[int, int] | None = None,
    ) -> None:
        self.skeleton: Skeleton = dataset.skeleton
        self.metric: str = metric or dataset.metric
        self.provenance: Mapping[str, object] = provenance_of(dataset)
        if limit is not None:
            self.provenance = {**self.provenance, "limit": limit}
        if preview is not None:
            self.provenance = {**self.provenance, "preview": f"{preview[0]} of {preview[1]} images"}
        self._dataset = dataset
        self._indices = range(len(dataset))[:limit] if indices is None else indices

    def __len__(self) -> int:
        return len(self._indices)

    def frame(self, index: int) -> Frame:
        """Return clean frame `index`."""
        return self._dataset.frame(self._indices[index])

    def truth(self, index: int) -> Truth:
        """Return what is annotated in image `index`."""
        return self._dataset.truth(self._indices[index])

    def ignored(self, index: int) -> npt.NDArray[np.bool_]:
        """Return where in image `index` there are people who are not annotated, (H, W)."""
        return find_ignored(self._dataset, self._indices[index])

    def boxes_in(self, frame: Frame) -> Frame:
        """Return a view of a frame with the boxes of its cell."""
        return self._dataset.boxes_in(frame) if hasattr(self._dataset, "boxes_in") else frame

    def check_cells(self, cells: Sequence[Cell]) -> None:
        """Raise UserError if the boxes of a cell are missing."""
        if hasattr(self._dataset, "check_cells"):
            self._dataset.check_cells(cells)


def open_dataset(
    spec: str | None = None,
    annotations: Path | None = None,
    images: Path | None = None,
    boxes: str = "gt",
    skeleton_file: Path | None = None,
    limit: int | None = None,
    *,
    root: Path | None = None,
    split: str | None = None,
    metric: str | None = None,
    only_with_people: bool = False,
) -> Any:
    """Return the dataset that the command line describes.

    Args:
        spec: a name of `TABLE` or `OFFICIAL`, or ``package.module:attr``; None for COCO-format data.
        annotations: COCO keypoint JSON.
        images: folder of its images.
        boxes: what `robustpose.data.boxes.parse_boxes` takes.
        skeleton_file: YAML with OKS sigmas.
        limit: keep only the first images, of those with people where only these are kept.
        root: folder of an official set.
        split: of an official set; by default the one that is benched.
        metric: what `robustpose.evaluate.make_metric` takes; by default the dataset's own.
        only_with_people: leave out images without people: see `keep_images_with_people`.

    Raises:
        UserError: the description is incomplete or contradictory, or the data are damaged.
    """
    if limit is not None and limit < 1:
        raise UserError(f"--limit must be at least 1, got {limit}")
    if (spec is None) == (annotations is None and images is None):
        raise UserError("name the data: either --data NAME, or --annotations FILE and --images DIR")
    if spec not in OFFICIAL and (root is not None or split is not None):
        raise UserError(f"--root and --split go with --data {', '.join(OFFICIAL)}")
    if spec is None:
        if annotations is None or images is None:
            raise UserError("COCO-format data need both --annotations FILE and --images DIR")
        from robustpose.data.coco import read_coco

        dataset: Any = read_coco(annotations, images, boxes, skeleton_file)
    elif spec in OFFICIAL:
        if skeleton_file is not None:
            raise UserError("--skeleton goes with --annotations, not with --data")
        if root is None:
            raise UserError(f"--data {spec} needs its folder: --root DIR")
        dataset = _open_official(spec, root, split or OFFICIAL[spec], boxes)
    else:
        if boxes != "gt" or skeleton_file is not None:
            raise UserError("--boxes FILE and --skeleton go with --annotations, not with --data")
        dataset = _open_object(spec)
    if only_with_people:
        dataset = keep_images_with_people(dataset)
    return dataset if limit is None and metric is None else Adjusted(dataset, limit, metric)


def keep_images_with_people(dataset: Any) -> Adjusted:
    """Return a dataset without the images in which nobody is annotated: what PifPaf's published program scores on COCO.

    As in COCO's own ``getImgIds(catIds=…)``, whoever has an annotation is a person: crowds and people without
    keypoints, too. The provenance says how many images are left, in `images_with_people`.

    Raises:
        UserError: none is left.
    """
    indices = [index for index in range(len(dataset)) if len(dataset.truth(index).xy)]
    if not indices:
        raise UserError("no image is left by --only-with-people: nobody is annotated in this dataset")
    kept = Adjusted(dataset, indices=indices)
    kept.provenance = {**kept.provenance, "images_with_people": len(indices)}
    return kept


def provenance_of(dataset: Any) -> dict[str, object]:
    """Return what results say about where the data come from."""
    given = getattr(dataset, "provenance", None)
    return dict(given) if given is not None else {"name": type(dataset).__name__, "n_images": len(dataset)}


def _open_official(name: str, root: Path, split: str, boxes: str) -> Any:
    from robustpose.data import official

    if name == "mpii":
        from robustpose.data.mpii import read_mpii

        if boxes != "gt":
            raise UserError("MPII is benched with its annotated boxes: leave out --boxes")
        mpii = official.find_mpii(root, split)
        return read_mpii(mpii.annotations, mpii.images, mpii.truth)
    from robustpose.data.coco import read_coco

    if name == "ochuman":
        ochuman = official.find_ochuman(root, split)
        return read_coco(ochuman.annotations, ochuman.images, boxes)
    coco = official.find_coco(root, split)
    if boxes == "clean-det" and coco.detections is None:
        raise UserError(
            f"there is no detection file in {root}: name one, --boxes clean-det:FILE, or see "
            f"robustpose data check coco --root {root}"
        )
    return read_coco(coco.annotations, coco.images, parse_boxes(boxes, coco.detections))


def _open_object(spec: str) -> Any:
    if ":" not in spec:
        known = [*TABLE, *OFFICIAL]
        if spec not in known:
            raise UserError(
                f"unknown dataset '{spec}'{nearest(spec, known)}: expected one of {', '.join(DESCRIPTIONS)}"
            )
    found = registry.load(spec, TABLE, kind="dataset")
    dataset = found() if callable(found) else found
    for name in ("skeleton", "metric", "frame", "truth"):
        if not hasattr(dataset, name):
            raise UserError(f"dataset '{spec}' lacks '{name}'")
    return dataset
