"""Overlap: images that are both learned from and evaluated on, for whose figures nobody should be praised."""

from __future__ import annotations

from pathlib import Path

from robustpose.data.official import SETS, find_files
from robustpose.data.spec import COCO_FILES, DataSpec
from robustpose.files import hash_file
from robustpose.pose.protocols import Dataset

COMPARED = 256  # bytes in the middle of two files of one size; where these are equal, all are compared
ENOUGH = 50  # files that are compared as a whole


def doubt_split(learned: DataSpec) -> tuple[str, ...]:
    """Return the warning that a split is learned from which others are benched on."""
    for name, row in SETS.items():
        place = row.splits[row.benched].places["annotations"]
        files = {Path(path).name for path in place.paths if place.kind == "coco"}
        if learned.kind is COCO_FILES:
            is_benched = learned.annotations is not None and learned.annotations.name in files
        else:
            split = learned.split or row.benched
            is_benched = learned.name == name and row.short_splits.get(split, split) == row.benched
        if is_benched:
            return (
                f"train_data is {row.benched} of {name}, which is benched: scores of this network on it do not count",
            )
    return ()


def list_shared_images(learned: DataSpec, train: Dataset, evaluated: DataSpec, val: Dataset) -> tuple[str, ...]:
    """Return the warning that images of `val` are in `train`; none where there are none, or nobody can know.

    Images are the same if they are the same file, or files of the same content; drawn ones if they are drawn alike.
    """
    files, others = _list_files(evaluated, val), _list_files(learned, train)
    if files is None or others is None:
        is_same = (learned.name, learned.seed, learned.split) == (
            evaluated.name, evaluated.seed, evaluated.split or evaluated.kind.benched,
        )  # fmt: skip
        n_shared, example = (min(len(val), len(train)) if is_same else 0), ""
    else:
        shared = _find_shared(files, others)
        n_shared, example = len(shared), f", such as {shared[0].name}" if shared else ""
    if not n_shared:
        return ()
    return (
        f"{n_shared} of the {len(val)} images of val_data are learned from{example}: the evaluation says how well "
        "they are remembered, not how good the network is",
    )


def _list_files(spec: DataSpec, dataset: Dataset) -> list[Path] | None:
    """Return the file of each image; None for a dataset whose images are no files of a known folder."""
    folder = spec.images
    if spec.name in SETS and spec.root is not None:
        folder = find_files(spec.name, spec.root, spec.split or SETS[spec.name].benched).images
    if folder is None:
        return None
    names = dict.fromkeys(dataset.frame(index).file_name for index in range(len(dataset)))
    return [folder / name for name in names if name is not None]


def _find_shared(files: list[Path], others: list[Path]) -> list[Path]:
    """Return those of `files` that are among the others, or whose content is."""
    sizes, other_sizes = ([path.stat().st_size for path in paths] for paths in (files, others))
    in_both = set(sizes) & set(other_sizes)
    known = {_read_middle(path, size): path for path, size in zip(others, other_sizes, strict=True) if size in in_both}
    shared: list[Path] = []
    for path, size in zip(files, sizes, strict=True):
        other = known.get(_read_middle(path, size)) if size in in_both else None
        if other is not None and (len(shared) >= ENOUGH or hash_file(path) == hash_file(other)):
            shared.append(path)
    return shared


def _read_middle(path: Path, size: int) -> tuple[int, bytes]:
    """Return what tells images from each other: the size of a file of `size` bytes, and those in its middle."""
    with path.open("rb") as file:
        file.seek(max(0, (size - COMPARED) // 2))
        return size, file.read(COMPARED)
