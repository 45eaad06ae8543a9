"""Datasets of somebody's own: failures of their code are said with file and line; what they give is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from robustpose.blame import blaming
from robustpose.data.readers import Reader
from robustpose.data.subset import DatasetAround
from robustpose.pose.protocols import Dataset, adopt
from robustpose.pose.types import Frame, Image, Truth


class OwnDataset(DatasetAround):
    """A dataset that somebody wrote, which messages call `what`."""

    def __init__(self, dataset: Dataset, what: str) -> None:
        super().__init__(dataset)
        self._what = what
        self._n_images = len(dataset)

    def __len__(self) -> int:
        return self._n_images

    def frame(self, index: int) -> Frame:
        frame = self._dataset.frame(index)
        if isinstance(frame.read, Reader):  # one of ours, which says itself what is wrong
            return frame
        return replace(frame, read=partial(_read, f"image {frame.image_id} of {self._what}", frame.read))

    def truth(self, index: int) -> Truth:
        truth = self._dataset.truth(index)
        is_finite = np.isfinite(truth.xy)  # but for joints that are not annotated
        return truth if is_finite.all() else replace(truth, xy=np.where(is_finite, truth.xy, 0.0))


def adopt_dataset(found: Any, what: str) -> OwnDataset:
    """Return the dataset that an object, or a function without arguments, is; messages call it `what`."""
    with blaming(what, "a function without arguments"):
        made = found() if callable(found) else found
    return OwnDataset(adopt(made, Dataset, what), what)


def _read(what: str, read: Callable[[], Image]) -> Image:
    with blaming(what):
        return read()
