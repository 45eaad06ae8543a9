"""All images: their poses and people in one array each, image after image, so that one loop goes over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.pose.protocols import Mask
from robustpose.pose.results_json import SCORE_DECIMALS, XY_DECIMALS
from robustpose.pose.types import Floats, Poses, Truth

Whole = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class AllImages:
    """D poses and P people with K joints, of N images one after the other."""

    n_poses: Whole  # (N,) of each image
    xy: Floats  # (D, K, 2) px
    score: Floats  # (D,)
    n_people: Whole  # (N,) of each image
    true_xy: Floats  # (P, K, 2) px
    visible: Mask  # (P, K) annotated joints
    area: Floats  # (P,) px²
    boxes: Floats  # (P, 4) xyxy px
    crowd: Mask  # (P,)
    uncounted: Mask  # (P,)
    category: Whole | None = None  # (D,) of each pose; None where some do not say theirs
    true_category: Whole | None = None  # (P,) of each person; None where there is one

    @cached_property
    def first_pose(self) -> Whole:
        """Return where the poses of each image begin, and at the end their number (N + 1,)."""
        return np.concatenate([[0], np.cumsum(self.n_poses)])

    @cached_property
    def first_person(self) -> Whole:
        """Return where the people of each image begin, and at the end their number (N + 1,)."""
        return np.concatenate([[0], np.cumsum(self.n_people)])

    @cached_property
    def image_of_pose(self) -> Whole:
        """Return the image (D,) of each pose."""
        return np.repeat(np.arange(len(self.n_poses)), self.n_poses)

    @cached_property
    def image_of_person(self) -> Whole:
        """Return the image (P,) of each person."""
        return np.repeat(np.arange(len(self.n_people)), self.n_people)

    @cached_property
    def ignored(self) -> Mask:
        """Return who does not count (P,): crowds, people without an annotated joint, and those said not to."""
        return ~self.visible.any(1) | self.crowd | self.uncounted

    def round(self) -> AllImages:
        """Return poses with the decimals that results files keep: see `robustpose.pose.results_json.round_poses`."""
        return replace(self, xy=np.round(self.xy, XY_DECIMALS), score=np.round(self.score, SCORE_DECIMALS))

    def keep_best(self, most: int) -> AllImages:
        """Return the best `most` poses of each image by falling score; equal ones stay in their order."""
        order = np.lexsort((-self.score, self.image_of_pose))
        order = order[np.arange(len(order)) - self.first_pose[self.image_of_pose] < most]
        return replace(
            self,
            n_poses=np.minimum(self.n_poses, most),
            xy=self.xy[order],
            score=self.score[order],
            category=None if self.category is None else self.category[order],
        )

    def choose(self, poses: Mask, people: Mask) -> AllImages:
        """Return some poses (D,) and some people (P,) of the same images."""
        n_images = len(self.n_poses)
        return replace(
            self,
            n_poses=np.bincount(self.image_of_pose[poses], minlength=n_images),
            xy=self.xy[poses],
            score=self.score[poses],
            category=None if self.category is None else self.category[poses],
            n_people=np.bincount(self.image_of_person[people], minlength=n_images),
            true_xy=self.true_xy[people],
            visible=self.visible[people],
            area=self.area[people],
            boxes=self.boxes[people],
            crowd=self.crowd[people],
            uncounted=self.uncounted[people],
            true_category=None if self.true_category is None else self.true_category[people],
        )

    def choose_joints(self, joints: Sequence[int]) -> AllImages:
        """Return poses and people with some of their joints."""
        kept = list(joints)
        return replace(self, xy=self.xy[:, kept], true_xy=self.true_xy[:, kept], visible=self.visible[:, kept])


def join_images(pairs: Sequence[tuple[Poses, Truth]], n_joints: int) -> AllImages:
    """Return the poses and people, with K joints, of some images."""
    poses, truths = [of for of, _ in pairs], [of for _, of in pairs]
    return AllImages(
        n_poses=np.array([len(of.score) for of in poses], int),
        xy=_join([of.xy for of in poses], float, n_joints, 2),
        score=_join([of.score for of in poses], float),
        n_people=np.array([len(of.area) for of in truths], int),
        true_xy=_join([of.xy for of in truths], float, n_joints, 2),
        visible=_join([of.visible > 0 for of in truths], bool, n_joints),
        area=_join([of.area for of in truths], float),
        boxes=_join([of.boxes for of in truths], float, 4),
        crowd=_join([of.crowd for of in truths], bool),
        uncounted=_join([_find_uncounted(of) for of in truths], bool),
        category=_join_said([of.categories for of in poses if len(of.score)]),
        true_category=_join_said([of.categories for of in truths if len(of.area)]),
    )


def _join_said(parts: Sequence[Whole | None]) -> Whole | None:
    said = [of for of in parts if of is not None]
    return _join(said, int) if len(said) == len(parts) else None


def _find_uncounted(truth: Truth) -> Mask:
    return np.zeros(len(truth.area), bool) if truth.uncounted is None else truth.uncounted


def _join(parts: Sequence[npt.NDArray[Any]], kind: type, *shape: int) -> npt.NDArray[Any]:
    return np.concatenate(parts).astype(kind, copy=False) if parts else np.zeros((0, *shape), kind)
