"""Stylised copies: a second folder of the same images in other styles, learned from beside or instead of the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from robustpose.contents import hash_names_and_sizes
from robustpose.data.readers import ReaderInPlace
from robustpose.data.subset import DatasetAround
from robustpose.errors import UserError, first_few
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame
from robustpose.reading import read_json

NOTE = "styles.json"  # how copies were made, as the stylize command writes it
SUFFIXES = (".jpg", ".png", ".jpeg")


class WithStyles(DatasetAround):
    """A dataset and, after its images, their stylised copies with the same annotations; with `only`, copies alone.

    `folder` holds a copy of each image under its file name; the suffix may differ.
    """

    def __init__(self, dataset: Dataset, folder: Path, only: bool = False) -> None:
        if not folder.is_dir():
            raise UserError(f"the folder of stylised images {folder} does not exist")
        super().__init__(dataset)
        _check_exif(folder, dataset)
        self.provenance["stylized"] = "only" if only else "both"
        self._copies = [_find_copy(folder, dataset.frame(index).file_name) for index in range(len(dataset))]
        missing = [str(dataset.frame(i).file_name) for i, path in enumerate(self._copies) if path is None]
        if missing:
            raise UserError(f"{folder} lacks stylised copies: {first_few(missing, 'missing')}")
        self.provenance["stylized_sha256"] = hash_names_and_sizes(
            folder, [path.relative_to(folder).as_posix() for path in self._copies if path is not None]
        )
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
        hint = "was it made from another one?"
        return replace(frame, read=ReaderInPlace(path, frame, "the image it stands for", hint))

    def index_of(self, index: int) -> int:
        """Return the index in the dataset itself of image `index`, or of the image that it is a copy of."""
        return index if index < self._first_copy else index - self._first_copy


def _check_exif(folder: Path, dataset: Dataset) -> None:
    """Raise UserError where the note of the copies says that EXIF was treated otherwise when they were made."""
    note = folder / NOTE
    if not note.is_file():
        return  # copies of somebody else
    content, _ = read_json(note, "note of stylised copies")
    made_from = content.get("dataset") if isinstance(content, dict) else None
    exif = made_from.get("exif") if isinstance(made_from, dict) else None
    if exif is not None and exif != dataset.provenance.get("exif", exif):
        raise UserError(
            f"the copies in {folder} were made with exif (--exif) {exif}, and their images are read otherwise"
        )


def _find_copy(folder: Path, name: str | None) -> Path | None:
    if name is None:
        raise UserError("stylised copies stand for image files, but the images of this dataset have no file names")
    paths = [folder / name, *(folder / Path(name).with_suffix(suffix) for suffix in SUFFIXES)]
    return next((path for path in paths if path.is_file()), None)
