"""COCO keypoint AP and AR: the ten figures of the COCO evaluation, for any skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from robustpose.pose.protocols import Metric
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Poses, Truth

if TYPE_CHECKING:
    from robustpose.metrics.oks_matches import OksMatches

FIGURES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")

ONE_OF_ALL = (
    "poses do not say of which of the {} categories they are: all categories are scored as one, and AP is not the mean "
    "over categories that COCO's evaluation gives"
)
ALL_OF_ONE = (
    "all poses say that they are of one category, and people of {} are annotated: AP of the others is 0. Where their "
    "category_id says nothing, leave it out"
)


class CocoAP(Metric):
    """Collect poses and truth image by image, then compute AP at OKS .50:.05:.95, at most 20 people an image.

    Of people of several categories, figures are the means over categories, each with 20 poses an image; where poses do
    not say their category, all are taken as one.

    `sigmas` are the K OKS constants. `joints` are K names, for `matches`; by default their numbers.
    """

    primary = "AP"

    def __init__(self, sigmas: Sequence[float], joints: Sequence[str] | None = None) -> None:
        self._sigmas = np.asarray(sigmas, float)
        self._joints = joints if joints is not None else [str(k) for k in range(len(sigmas))]
        self._matches: OksMatches | None = None
        self._pairs: list[tuple[Poses, Truth]] = []

    def update(self, poses: Poses, truth: Truth) -> None:
        self._pairs.append((poses, truth))
        self._matches = None  # of fewer images

    def compute(self) -> dict[str, float]:
        """Return the ten figures, 0..1; -1 where nobody is there to be found (no person of that size)."""
        self.warnings = self._doubt_categories()
        if not any(len(poses.score) for poses, _ in self._pairs):
            return dict.fromkeys(FIGURES, 0.0 if any(truth.counted.any() for _, truth in self._pairs) else -1.0)
        figures = self.matches().figures()
        return {name: figures[name] for name in FIGURES}

    def _doubt_categories(self) -> list[str]:
        """Return why figures of several categories could be wrong."""
        of_people = [truth.categories[truth.counted] for _, truth in self._pairs if truth.categories is not None]
        n_categories = len(np.unique(np.concatenate(of_people))) if of_people else 0
        if n_categories < 2:
            return []
        found = [poses.categories for poses, _ in self._pairs if len(poses.score)]
        if any(of is None for of in found):
            return [ONE_OF_ALL.format(n_categories)]
        n_found = len(np.unique(np.concatenate([of for of in found if of is not None]))) if found else 0
        return [ALL_OF_ONE.format(n_categories)] if n_found == 1 else []

    def matches(self) -> OksMatches:
        """Return poses, as results files have them, and people held against each other: for slices and resamples."""
        # Imported here: compiled loops take a while to load, and a report does not need them.
        from robustpose.metrics.oks_matches import OksMatches

        if self._matches is None:
            self._matches = OksMatches(self._joints, self._sigmas, is_rounded=True)
            for poses, truth in self._pairs:
                self._matches.add(poses, truth)
        return self._matches


def make(skeleton: Skeleton) -> CocoAP:
    """Return the metric for a skeleton's OKS sigmas."""
    return CocoAP(skeleton.sigmas, skeleton.joints)
