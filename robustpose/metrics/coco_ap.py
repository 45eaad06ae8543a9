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


class CocoAP(Metric):
    """Collect poses and truth image by image, then compute AP at OKS .50:.05:.95, at most 20 people an image.

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
        if not any(len(poses.score) for poses, _ in self._pairs):
            return dict.fromkeys(FIGURES, 0.0 if any(truth.counted.any() for _, truth in self._pairs) else -1.0)
        figures = self.matches().figures()
        return {name: figures[name] for name in FIGURES}

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
