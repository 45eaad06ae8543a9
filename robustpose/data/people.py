"""People in frames: a frame that is to be corrupted says where people are, one that an estimator is given does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from robustpose.contents import hash_tensors
from robustpose.corruptions import is_told_of_people
from robustpose.data.readers import SharedImage
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame

PEOPLE = "people"  # what a corrupted set calls the hashes of its images' people


def are_told_of_people(cells: Iterable[Cell]) -> bool:
    """Return whether the corruption of one of some cells is told where people are."""
    names = {cell.corruption for cell in cells if cell.corruption is not None}
    return any(map(is_told_of_people, names))


def frame_to_corrupt(dataset: Dataset, index: int) -> Frame:
    """Return the clean frame of image `index`, which says where people are."""
    return replace(dataset.frame(index), people=tuple(dataset.people(index)))


def frames_to_corrupt(dataset: Dataset, indices: Iterable[int], cells: Iterable[Cell]) -> list[Frame]:
    """Return the clean frames of some images; they say where people are if a corruption of `cells` is told of it."""
    are_told = are_told_of_people(cells)
    return [frame_to_corrupt(dataset, index) if are_told else dataset.frame(index) for index in indices]


def hash_people(frame: Frame) -> str:
    """Return a short hash of where the people of a frame are, which says it."""
    assert frame.people is not None
    return hash_tensors({str(number): np.asarray(xy, float) for number, xy in enumerate(frame.people)})[:16]


def note_people(frames: Iterable[Frame], cells: Iterable[Cell]) -> dict[str, Any]:
    """Return the hash of each image's people, by file name, where the corruption of one of some cells is told of it."""
    return {PEOPLE: {str(frame.file_name): hash_people(frame) for frame in frames}} if are_told_of_people(cells) else {}


def without_people(frame: Frame) -> Frame:
    """Return a clean frame that does not say where people are; its image is decoded once for both."""
    return frame if frame.people is None else replace(frame, read=SharedImage(frame), people=None)


def identify_people(dataset: Dataset, cells: Iterable[Cell]) -> dict[str, Any]:
    """Return the hash of where people are in all images, where the corruption of one of some cells is told of it."""
    if not are_told_of_people(cells):
        return {}
    joints = {
        f"{index}.{number}": xy for index in range(len(dataset)) for number, xy in enumerate(dataset.people(index))
    }
    return {"people_sha256": hash_tensors(joints)}
