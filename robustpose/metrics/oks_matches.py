"""OKS matches: all poses compared with the annotated people once; figures, slices, joints and calibration follow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from robustpose.metrics.all_images import join_images
from robustpose.metrics.coco_figures import find_figures
from robustpose.metrics.oks_kernels import variances_of
from robustpose.metrics.oks_pairs import OksPairs
from robustpose.metrics.score_tables import ApTable, JointTable
from robustpose.pose.protocols import Mask, Matches
from robustpose.pose.types import Floats, Poses, Truth

MAX_PEOPLE = 20  # poses of an image that count, best score first


class OksMatches(Matches):
    """Which poses fit which annotated people, in all images of a set, by the K OKS constants `sigmas`.

    Poses are taken as they are, or, if `is_rounded`, with the decimals of results files.
    """

    joint_figure = "mean keypoint similarity"

    def __init__(self, joints: Sequence[str], sigmas: Sequence[float] | Floats, is_rounded: bool = False) -> None:
        self._joints = tuple(joints)
        self._variances = variances_of(np.asarray(sigmas))
        self._is_rounded = is_rounded
        self._added: list[tuple[Poses, Truth]] = []

    def add(self, poses: Poses, truth: Truth) -> None:
        """Take in the poses of one image and its people."""
        self._added.append((poses, truth))
        vars(self).pop("_pairs", None)  # of fewer images

    @cached_property
    def _pairs(self) -> OksPairs:
        images = join_images(self._added, len(self._joints))
        images = images.round() if self._is_rounded else images
        return OksPairs(images.keep_best(MAX_PEOPLE), self._variances)

    def figures(self) -> dict[str, float]:
        """Return COCO's ten figures: see `robustpose.metrics.coco_figures`."""
        return find_figures(self._pairs)

    def table(self, kept: Sequence[Mask] | None = None) -> ApTable:
        """Return the table of AP: of everybody, or of the people in `kept`, a mask (G,) for each image: a slice.

        In a slice, people outside it are ignored, as COCO ignores people of another size. So is a wrong pose whose
        nearest person, with an OKS of at least 0.1, is outside it. A wrong pose near nobody counts in every slice.
        """
        images, nearest = self._pairs.images, self._pairs.nearest
        outside = np.zeros(len(images.crowd), bool) if kept is None else ~np.concatenate(kept)
        ignored = images.ignored | outside
        is_near_others = nearest >= 0
        is_near_others[is_near_others] = outside[nearest[is_near_others]]
        verdict = self._pairs.judge(ignored, is_near_others)
        counts = (verdict >= 0).any(0)
        image = images.image_of_pose[self._pairs.by_score][counts]
        positives = np.bincount(images.image_of_person[~ignored], minlength=len(images.n_people))
        return ApTable(image.astype(np.int32), np.ascontiguousarray(verdict[:, counts]), positives)

    def joints_tables(self) -> dict[str, JointTable]:
        """Return for each joint the table of its mean similarity, exp(-d² / (2·(2σ)²·area)), over annotated people."""
        images, counted = self._pairs.images, ~self._pairs.images.ignored
        image, n_images = images.image_of_person[counted], len(images.n_people)
        visible = images.visible[counted].astype(float)
        alike = self._pairs.alike[counted] * visible
        sides = [[np.bincount(image, of, n_images).astype(float) for of in side.T] for side in (alike, visible)]
        tables = map(JointTable, *sides)
        return dict(zip(self._joints, tables, strict=True))

    def quality(self) -> Floats:
        """Return for each image (N,) the mean OKS of its people, 0 for a person without a pose; NaN without people."""
        images, counted = self._pairs.images, ~self._pairs.images.ignored
        image, oks = images.image_of_person[counted], self._pairs.assigned[1][counted]
        n_people = np.bincount(image, minlength=len(images.n_people))
        sums = np.bincount(image, oks, len(n_people))
        for crowded in np.flatnonzero(n_people >= 8).tolist():  # as NumPy adds up so many, and as it was published
            sums[crowded] = oks[image == crowded].sum()
        return np.divide(sums, n_people, out=np.full(len(sums), np.nan), where=n_people > 0)

    def confidences(self) -> tuple[Floats, Floats]:
        """Return the score and the largest OKS (D,) of each pose, without poses that fit an ignored person better."""
        counted, ignored = self._pairs.largest
        keep = (counted >= 0) & (counted >= ignored)  # -1 where nobody counts
        return self._pairs.images.score[keep], counted[keep]
