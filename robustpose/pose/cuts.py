"""Cuts: a category, a part of the skeleton, or the images of a range of crowd indices, scored as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from robustpose.pose.types import Truth

if TYPE_CHECKING:
    from robustpose.pose.protocols import Dataset

CATEGORY, PART, CROWD_INDEX = "category", "part", "crowd index"  # the kinds, in the order of results
CUTS = (CATEGORY, PART, CROWD_INDEX)
# Ranges of the crowd index, without their upper ends: those of the paper (Li et al., CVPR 2019, section 3), then those
# of its evaluation program, which most published figures come from and which ends its easy images at 0.2.
CROWD_LEVELS = {
    "easy": (0.0, 0.1),
    "medium": (0.1, 0.8),
    "hard": (0.8, np.inf),
    "easy below 0.2": (0.0, 0.2),
    "medium from 0.2": (0.2, 0.8),
}


@dataclass(frozen=True, eq=False)
class Cut:
    """What is scored by itself. One of `category`, `joints` and `images` says what; the others are None.

    Attributes:
        kind: one of `CATEGORY`, `PART` and `CROWD_INDEX`.
        name: such as `dog`, `face` or `hard`.
        n_people: how many people count in it.
        category: an index into the dataset's `category_ids`.
        joints: indices of joints.
        images: (N,) which images of the dataset.
    """

    kind: str
    name: str
    n_people: int
    category: int | None = None
    joints: tuple[int, ...] | None = None
    images: npt.NDArray[np.bool_] | None = None

    def mask_people(self, truths: Sequence[Truth]) -> list[npt.NDArray[np.bool_]]:
        """Return for each image a mask (G,) of the people who belong to the cut; whether they count is not asked."""
        masks = []
        for index, truth in enumerate(truths):
            mask = np.ones(len(truth.counted), bool)
            if self.category is not None and truth.categories is not None:
                mask &= truth.categories == self.category
            if self.joints is not None:
                mask &= (truth.visible[:, list(self.joints)] > 0).any(1)
            if self.images is not None:
                mask &= self.images[index]
            masks.append(mask)
        return masks


def list_cuts(dataset: Dataset, truths: Sequence[Truth]) -> list[Cut]:
    """Return what of a dataset is scored by itself, without cuts in which nobody counts."""
    cuts = [*_list_categories(dataset, truths), *_list_parts(dataset, truths), *_list_crowd_levels(truths)]
    return [cut for cut in cuts if cut.n_people]


def _list_categories(dataset: Dataset, truths: Sequence[Truth]) -> list[Cut]:
    if len(dataset.category_ids) < 2:
        return []
    counts = np.zeros(len(dataset.category_ids), int)
    for truth in truths:
        if truth.categories is not None:
            counts += np.bincount(truth.categories[truth.counted], minlength=len(counts))
    names = dataset.category_names
    if len(names) != len(counts):
        names = [str(category) for category in dataset.category_ids]
    return [Cut(CATEGORY, names[i], int(n), category=i) for i, n in enumerate(counts)]


def _list_parts(dataset: Dataset, truths: Sequence[Truth]) -> list[Cut]:
    return [
        Cut(PART, name, sum(_count_with_joints(truth, joints) for truth in truths), joints=tuple(joints))
        for name, joints in dataset.skeleton.parts
    ]


def _count_with_joints(truth: Truth, joints: Sequence[int]) -> int:
    return int(((truth.visible[:, list(joints)] > 0).any(1) & truth.counted).sum())


def _list_crowd_levels(truths: Sequence[Truth]) -> list[Cut]:
    known = np.array([np.nan if truth.crowd_index is None else truth.crowd_index for truth in truths], float)
    if not np.isfinite(known).any():
        return []
    counted = np.array([int(truth.counted.sum()) for truth in truths])
    cuts = []
    for name, (low, high) in CROWD_LEVELS.items():
        images = (known >= low) & (known < high)
        cuts.append(Cut(CROWD_INDEX, name, int(counted[images].sum()), images=images))
    return cuts
