"""OKS pairs: every pose of an image with each of its people, of all images; who is whose, and which poses are right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from robustpose.metrics.all_images import AllImages, Whole
from robustpose.metrics.oks_kernels import EPS, compare_images, match_images
from robustpose.pose.protocols import Mask
from robustpose.pose.types import Floats

THRESHOLDS = np.linspace(0.5, 0.95, 10)
OF_SOMEBODY = 0.1  # OKS from which a pose, right or wrong, is taken to be of a person


@dataclass(frozen=True, eq=False)
class OksPairs:
    """D poses, P people and the M pairs of them that are in one image, by pose and then by person."""

    images: AllImages
    variances: Floats  # (K,) = (2σ)²

    @cached_property
    def oks(self) -> Floats:
        """Return the OKS (M,) of each pair."""
        of = self.images
        people = of.true_xy, of.visible, of.boxes, of.area
        return compare_images(of.xy, *people, self.variances, of.first_pose, of.first_person)

    @cached_property
    def by_score(self) -> Whole:
        """Return the poses (D,) of all images by falling score; equal ones stay in their order."""
        return np.argsort(-self.images.score, kind="stable")

    @cached_property
    def n_people(self) -> Whole:
        """Return with how many people (D,) each pose is a pair."""
        return self.images.n_people[self.images.image_of_pose]

    @cached_property
    def person(self) -> Whole:
        """Return the person (M,) of each pair."""
        begins = np.cumsum(self.n_people) - self.n_people
        shift = self.images.first_person[self.images.image_of_pose] - begins
        return np.arange(self.n_people.sum()) + np.repeat(shift, self.n_people)

    @cached_property
    def nearest(self) -> Whole:
        """Return the person (D,) whom each pose has the largest OKS with, -1 where it is below 0.1; never a crowd."""
        oks = np.where(self.images.crowd[self.person], -1.0, self.oks)
        best = self._take_largest(oks)
        is_best = np.flatnonzero(oks == np.repeat(best, self.n_people))[::-1]  # the first of equal ones comes last
        nearest = np.full(len(best), -1)
        nearest[np.repeat(np.arange(len(best)), self.n_people)[is_best]] = self.person[is_best]
        nearest[best < OF_SOMEBODY] = -1
        return nearest

    @cached_property
    def largest(self) -> tuple[Floats, Floats]:
        """Return the largest OKS (D,) of each pose with people who count, and with people who do not; -1 for nobody."""
        is_ignored = self.images.ignored[self.person]
        oks = np.where(is_ignored, -1.0, self.oks), np.where(is_ignored, self.oks, -1.0)
        return self._take_largest(oks[0]), self._take_largest(oks[1])

    @cached_property
    def assigned(self) -> tuple[Whole, Floats]:
        """Return which pose (P,) is assigned to each person who counts, or -1; and their OKS (P,), or 0.

        The sum of the OKS in an image is as large as can be.
        """
        images, counted = self.images, ~self.images.ignored
        pose_of, oks_of = np.full(len(counted), -1), np.zeros(len(counted))
        n_pairs = np.concatenate([[0], np.cumsum(images.n_poses * images.n_people)]).tolist()
        first_pose, first_person = images.first_pose.tolist(), images.first_person.tolist()
        n_counted = np.bincount(images.image_of_person[counted], minlength=len(images.n_people))
        for image in np.flatnonzero((images.n_poses > 0) & (n_counted > 0)).tolist():
            here = slice(first_person[image], first_person[image + 1])
            of_all = self.oks[n_pairs[image] : n_pairs[image + 1]].reshape(-1, here.stop - here.start)
            rows = np.flatnonzero(counted[here])
            oks = of_all[:, rows]
            poses, places = linear_sum_assignment(-oks) if oks.size > 1 else (0, 0)
            people = here.start + rows[places]
            pose_of[people], oks_of[people] = first_pose[image] + poses, oks[poses, places]
        return pose_of, oks_of

    @cached_property
    def alike(self) -> Floats:
        """Return the similarity (P, K) of each joint of the pose that is assigned to a person; 0 without a pose."""
        images, pose_of = self.images, self.assigned[0]
        people = np.flatnonzero(pose_of >= 0)
        apart = ((images.xy[pose_of[people]] - images.true_xy[people]) ** 2).sum(-1)  # (people, K) px²
        alike = np.zeros(images.visible.shape)
        alike[people] = np.exp(-apart / self.variances / (images.area[people, None] + EPS) / 2)
        return alike

    def judge(self, ignored: Mask, left_out: Mask) -> npt.NDArray[np.int8]:
        """Return for each threshold and pose (T, D), by falling score: 1 right, 0 wrong, -1 not counted.

        People in `ignored` (P,) do not count, nor does a pose that is matched with one of them, nor do wrong poses in
        `left_out` (D,).
        """
        images = self.images
        matches = match_images(self.oks, ignored, images.crowd, THRESHOLDS, images.first_pose, images.first_person)
        verdict = (matches >= 0).astype(np.int8)
        if len(ignored):
            verdict[(matches >= 0) & ignored[matches]] = -1
        verdict[(matches < 0) & left_out] = -1
        return verdict[:, self.by_score]

    def _take_largest(self, of_pairs: Floats) -> Floats:
        """Return the largest number (D,) of the pairs of each pose, -1 where it has none."""
        largest = np.full(len(self.n_people), -1.0)
        has_some = self.n_people > 0
        if has_some.any():
            begins = np.cumsum(self.n_people) - self.n_people
            largest[has_some] = np.maximum.reduceat(of_pairs, begins[has_some])
        return largest
