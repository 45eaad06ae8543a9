"""Datasets around another dataset: only some of its images, or scored by another metric."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.data.boxes import drop_boxes
from robustpose.data.sigma_doubts import drop_sigma_doubts
from robustpose.errors import UserError
from robustpose.metrics import needs_sigmas
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Mask
from robustpose.pose.types import Floats, Frame, Truth


class DatasetAround(Dataset):
    """Another dataset, handed on member by member. Subclasses say in `index_of` which image each index stands for."""

    def __init__(self, dataset: Dataset) -> None:
        self.skeleton = dataset.skeleton
        self.metric = dataset.metric
        self.warnings = dataset.warnings
        self.category_ids = dataset.category_ids
        self.category_names = dataset.category_names
        self.provenance: dict[str, object] = dict(dataset.provenance)
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def inner(self) -> Dataset:
        """Return the other dataset."""
        return self._dataset

    def index_of(self, index: int) -> int:
        """Return the index in the other dataset of image `index`."""
        return index

    def frame(self, index: int) -> Frame:
        return self._dataset.frame(self.index_of(index))

    def truth(self, index: int) -> Truth:
        return self._dataset.truth(self.index_of(index))

    def ignored(self, index: int) -> Mask | None:
        return self._dataset.ignored(self.index_of(index))

    def people(self, index: int) -> Sequence[Floats]:
        return self._dataset.people(self.index_of(index))

    def learning_boxes(self, index: int) -> Floats | None:
        return self._dataset.learning_boxes(self.index_of(index))

    def boxes_in(self, frame: Frame) -> Frame:
        return self._dataset.boxes_in(frame)

    def check_cells(self, cells: Sequence[Cell]) -> None:
        self._dataset.check_cells(cells)


class WithoutWeakBoxes(DatasetAround):
    """Another dataset, of whose boxes those below a score are not looked at, in any cell."""

    def __init__(self, dataset: Dataset, least: float) -> None:
        super().__init__(dataset)
        self.provenance["min_box_score"] = least
        self._least = least

    def frame(self, index: int) -> Frame:
        return drop_boxes(super().frame(index), self._least)

    def boxes_in(self, frame: Frame) -> Frame:
        return drop_boxes(super().boxes_in(frame), self._least)


class Adjusted(DatasetAround):
    """Another dataset, of which only some images are taken, or which is scored by another metric."""

    def __init__(
        self,
        dataset: Dataset,
        limit: int | None = None,  # take only this many images, the first ones
        metric: str | None = None,  # what `robustpose.metrics.make_metric` takes; None for the dataset's own
        indices: Sequence[int] | None = None,  # images to take; None for the first `limit`
        preview: tuple[int, int] | None = None,  # how many images a preview takes, of how many; for the provenance
    ) -> None:
        super().__init__(dataset)
        self.metric = metric or dataset.metric
        self.warnings = self._keep_warnings(dataset)
        if limit is not None and limit < len(dataset):  # else it is the whole dataset
            self.provenance["limit"] = limit
        if preview is not None:
            self.provenance["preview"] = f"{preview[0]} of {preview[1]} images"
        self._indices = range(len(dataset))[:limit] if indices is None else indices
        self.limit = limit

    def __len__(self) -> int:
        return len(self._indices)

    def index_of(self, index: int) -> int:
        return self._indices[index]

    def around(self, dataset: Dataset) -> Adjusted:
        """Return the same of another dataset, which has the images of the one inside in their order."""
        twin, of_inside = copy.copy(self), self._dataset.provenance
        twin.skeleton, twin.warnings, twin._dataset = dataset.skeleton, self._keep_warnings(dataset), dataset
        own = {key: value for key, value in self.provenance.items() if key not in of_inside}
        twin.provenance = {**dataset.provenance, **own}
        return twin

    def _keep_warnings(self, dataset: Dataset) -> Sequence[str]:
        return dataset.warnings if needs_sigmas(self.metric) else drop_sigma_doubts(dataset.warnings)


def shorten(dataset: Dataset, limit: int) -> Adjusted:
    """Return the first images of a dataset as it would be with a smaller limit, or with one at all."""
    return Adjusted(_whole(dataset), limit, dataset.metric)


def without_idle_limit(about: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return what an old run notes of its dataset without a limit that leaves out no image, as new ones note it."""
    limit = about.get("limit")
    is_idle = isinstance(limit, int) and limit >= len(_whole(dataset))
    return {key: value for key, value in about.items() if not (is_idle and key == "limit")}


def _whole(dataset: Dataset) -> Dataset:
    """Return a dataset without its limit."""
    return dataset.inner if isinstance(dataset, Adjusted) and dataset.limit is not None else dataset


def keep_images_with_people(dataset: Dataset) -> Adjusted:
    """Return a dataset without the images in which nobody is annotated, as PifPaf's published program scores COCO.

    As in COCO's own ``getImgIds(catIds=…)``, crowds and people without keypoints count as people. The provenance says
    in `images_with_people` how many images are left.
    """
    indices = [index for index in range(len(dataset)) if len(dataset.truth(index).xy)]
    if not indices:
        raise UserError("no image is left by --only-with-people: nobody is annotated in this dataset")
    kept = Adjusted(dataset, indices=indices)
    kept.provenance["images_with_people"] = len(indices)
    return kept


def leave_out_weak_boxes(dataset: Dataset, least: float) -> WithoutWeakBoxes:
    """Return a dataset whose boxes with scores below `least` are not looked at; UserError if none is left."""
    kept = WithoutWeakBoxes(dataset, least)
    boxes = [kept.frame(index).boxes for index in range(len(kept))]
    if all(of_image is None for of_image in boxes):
        raise UserError(f"--min-box-score {least:g} is for data with boxes, and these have none: leave it out")
    if not any(of_image is not None and len(of_image) for of_image in boxes):
        raise UserError(f"--min-box-score {least:g} leaves no box on the clean images: choose a lower score")
    return kept
