"""Stylised copies: a second folder of the same images in other styles, learned from beside or instead of the first."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from robustpose.data.images import read_in_place_of
from robustpose.data.subset import DatasetAround
from robustpose.errors import UserError, first_few
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame, Image

SUFFIXES = (".jpg", ".png", ".jpeg")


class WithStyles(DatasetAround):
    """A dataset and, after its images, their stylised copies with the same annotations; with `only`, copies alone.

    `folder` holds a copy of each image under its file name; the suffix may differ.
    """

    def __init__(self, dataset: Dataset, folder: Path, only: bool = False) -> None:
        if not folder.is_dir():
            raise UserError(f"the folder of stylised images {folder} does not exist")
        super().__init__(dataset)
        self.provenance["stylized"] = "only" if only else "both"
        self._copies = [_find_copy(folder, dataset.frame(index).file_name) for index in range(len(dataset))]
        missing = [str(dataset.frame(i).file_name) for i, path in enumerate(self._copies) if path is None]
        if missing:
            raise UserError(f"{folder} lacks stylised copies: {first_few(missing, 'missing')}")
        self._first_copy = 0 if only else len(dataset)

    def __len__(self) -> int:
        return self._first_copy + len(self._copies)

    def frame(self, index: int) -> Frame:
        """Return the clean frame of image `index`, or of a copy where `index` is beyond the images."""
        frame = super().frame(index)
        if index < self._first_copy:
            return frame
        path = self._copies[self.index_of(index)]
        assert path is not None
        return replace(frame, read=partial(_read_copy, path, frame))

    def index_of(self, index: int) -> int:
        """Return the index in the dataset itself of image `index`, or of the image that it is a copy of."""
        return index if index < self._first_copy else index - self._first_copy


def _find_copy(folder: Path, name: str | None) -> Path | None:
    if name is None:
        raise UserError("stylised copies stand for image files, but the images of this dataset have no file names")
    paths = [folder / name, *(folder / Path(name).with_suffix(suffix) for suffix in SUFFIXES)]
    return next((path for path in paths if path.is_file()), None)


def _read_copy(path: Path, frame: Frame) -> Image:
    return read_in_place_of(path, frame.image, "the image it stands for", "was it made from another one?")
