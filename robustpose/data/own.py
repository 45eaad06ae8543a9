"""Datasets of somebody's own: failures of their code are said with file and line; what they give is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from robustpose.data.subset import DatasetAround
from robustpose.errors import UserError
from robustpose.pose.protocols import Dataset, adopt
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Frame, Image, Truth
from robustpose.registry import running


class OwnDataset(DatasetAround):
    """A dataset that somebody wrote, which messages call `what`."""

    def __init__(self, dataset: Dataset, what: str) -> None:
        with running(what):
            super().__init__(dataset)
            n_images = len(dataset)
        if not isinstance(self.skeleton, Skeleton) or not isinstance(self.metric, str):
            kinds = f"{type(self.skeleton).__name__} and {type(self.metric).__name__}"
            raise UserError(f"{what} must have a Skeleton as skeleton and the name of a metric as metric, got {kinds}")
        self._what = what
        self._n_images = n_images

    def __len__(self) -> int:
        return self._n_images

    def frame(self, index: int) -> Frame:
        with running(f"frame({index}) of {self._what}"):
            frame = self._check(self._dataset.frame(index), Frame, f"frame({index})")
        if frame.boxes is not None and not np.isfinite(frame.boxes).all():
            raise UserError(f"frame({index}) of {self._what} has a box that is not finite")
        return replace(frame, read=partial(_read, f"image {frame.image_id} of {self._what}", frame.read))

    def truth(self, index: int) -> Truth:
        with running(f"truth({index}) of {self._what}"):
            truth = self._check(self._dataset.truth(index), Truth, f"truth({index})")
        here = f"truth({index}) of {self._what}"
        if truth.xy.shape[1] != self.skeleton.n_joints:
            raise UserError(f"{here} has {truth.xy.shape[1]} joints, but the skeleton has {self.skeleton.n_joints}")
        is_finite = np.isfinite(truth.xy).all(2)  # (N, K)
        if not is_finite[truth.visible > 0].all() or not np.isfinite(truth.boxes).all():
            raise UserError(f"{here} has a joint or a box that is not finite")
        if is_finite.all():
            return truth
        return replace(truth, xy=np.where(is_finite[:, :, None], truth.xy, 0.0))  # joints that are not annotated

    def _check(self, found: Any, kind: type, call: str) -> Any:
        if not isinstance(found, kind):
            raise UserError(f"{call} of {self._what} must give a {kind.__name__}, got {type(found).__name__}")
        return found


def adopt_dataset(found: Any, what: str) -> OwnDataset:
    """Return the dataset that an object, or a function without arguments, is; messages call it `what`."""
    with running(what):
        made = found() if callable(found) else found
    return OwnDataset(adopt(made, Dataset, what), what)


def _read(what: str, read: Callable[[], Image]) -> Image:
    with running(what):
        return read()
