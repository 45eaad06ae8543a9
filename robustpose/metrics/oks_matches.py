"""OKS matches: all poses compared with the annotated people once; figures, slices, joints and calibration follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from robustpose.metrics.all_images import Whole, join_images
from robustpose.metrics.coco_figures import average_figures, find_figures
from robustpose.metrics.oks_kernels import variances_of
from robustpose.metrics.oks_pairs import OksPairs
from robustpose.metrics.score_tables import ApTable, JointTable, MeanTable
from robustpose.pose.cuts import Cut, keep_category, keep_joints, leave_nobody
from robustpose.pose.protocols import Mask, Matches
from robustpose.pose.types import Floats, Poses, Truth

MAX_PEOPLE = 20  # poses of an image and of a category that count, best score first


@dataclass(frozen=True, eq=False)
class Group:
    """The poses and the people of one category, or of all where they are taken as one."""

    pairs: OksPairs  # of all N images
    people: Whole  # (G,) rows of its people among those of all groups


class OksMatches(Matches):
    """Which poses fit which annotated people, in all images of a set, by the K OKS constants `sigmas`.

    Poses are taken as they are, or, if `is_rounded`, with the decimals of results files. Where people are of several
    categories and all poses say theirs, each category is compared by itself, and AP is the mean over categories.
    """

    joint_figure = "mean keypoint similarity"

    def __init__(self, joints: Sequence[str], sigmas: Sequence[float] | Floats, is_rounded: bool = False) -> None:
        self._joints = tuple(joints)
        self._sigmas = np.asarray(sigmas, float)
        self._is_rounded = is_rounded
        self._added: list[tuple[Poses, Truth]] = []
        self._kept: Sequence[Mask] | None = None  # whom figures and tables are of, a mask (G,) for each image

    def add(self, poses: Poses, truth: Truth) -> None:
        """Take in the poses of one image and its people."""
        self._added.append((poses, truth))
        vars(self).pop("_groups", None)  # of fewer images

    @property
    def categories(self) -> list[int]:
        """Return the categories that are compared by themselves; none where all are taken as one."""
        of_people = [truth.categories for _, truth in self._added if len(truth.xy)]
        if not of_people or any(of is None for of in of_people) or self.lacks_categories:
            return []
        return sorted({category for of in of_people if of is not None for category in of.tolist()})

    @property
    def lacks_categories(self) -> bool:
        """Return whether there are poses that do not say their category."""
        return any(poses.categories is None for poses, _ in self._added if len(poses.score))

    @cached_property
    def _groups(self) -> list[Group]:
        n_people = sum(len(truth.xy) for _, truth in self._added)
        if not self.categories:
            return [self._compare(self._added, np.arange(n_people))]
        of_people = np.concatenate([truth.categories for _, truth in self._added if truth.categories is not None])
        return [
            self._compare(
                [keep_category(poses, truth, category) for poses, truth in self._added],
                np.flatnonzero(of_people == category),
            )
            for category in self.categories
        ]

    def _compare(self, pairs: Sequence[tuple[Poses, Truth]], people: Whole) -> Group:
        images = join_images(pairs, len(self._joints))
        images = images.round() if self._is_rounded else images
        return Group(OksPairs(images.keep_best(MAX_PEOPLE), variances_of(self._sigmas)), people)

    def restrict(self, cut: Cut) -> OksMatches:
        """Return the comparison of what is cut out alone, as if there were nothing else.

        Of a category, where poses do not say theirs: what `table` says of a slice.
        """
        if cut.category is not None and self.lacks_categories:
            kept = [np.asarray(truth.categories) == cut.category for _, truth in self._added]
            return self._copy(self._joints, self._sigmas, self._added, kept)
        pairs = self._added
        if cut.images is not None:
            pairs = [pair if is_in else leave_nobody(*pair) for pair, is_in in zip(pairs, cut.images, strict=True)]
        if cut.category is not None:
            pairs = [keep_category(*pair, cut.category) for pair in pairs]
        if cut.joints is None:
            return self._copy(self._joints, self._sigmas, pairs)
        joints = tuple(self._joints[joint] for joint in cut.joints)
        return self._copy(joints, self._sigmas[list(cut.joints)], [keep_joints(*pair, cut.joints) for pair in pairs])

    def _copy(
        self,
        joints: Sequence[str],
        sigmas: Floats,
        pairs: Sequence[tuple[Poses, Truth]],
        kept: Sequence[Mask] | None = None,
    ) -> OksMatches:
        copy = OksMatches(joints, sigmas, self._is_rounded)
        copy._added, copy._kept = list(pairs), kept
        return copy

    def figures(self) -> dict[str, float]:
        """Return COCO's ten figures: see `robustpose.metrics.coco_figures`. Of several categories, their means."""
        found = []
        for group in self._groups:
            outside = self._find_outside(group, self._kept)
            found.append(find_figures(group.pairs, outside, _is_near(group, outside)))
        return found[0] if len(found) == 1 else average_figures(found)

    def table(self, kept: Sequence[Mask] | None = None) -> ApTable | MeanTable:
        """Return the table of AP: of everybody, or of the people in `kept`, a mask (G,) for each image: a slice.

        In a slice, people outside it are ignored, as COCO ignores people of another size. So is a wrong pose whose
        nearest person, with an OKS of at least 0.1, is outside it. A wrong pose near nobody counts in every slice.
        """
        kept = self._kept if kept is None else kept
        tables = [self._table_of(group, self._find_outside(group, kept)) for group in self._groups]
        return tables[0] if len(tables) == 1 else MeanTable(tuple(tables))

    def _find_outside(self, group: Group, kept: Sequence[Mask] | None) -> Mask:
        """Return who of a group is not in a slice (G,)."""
        return np.zeros(len(group.people), bool) if kept is None else ~np.concatenate(kept)[group.people]

    def _table_of(self, group: Group, outside: Mask) -> ApTable:
        images = group.pairs.images
        ignored = images.ignored | outside
        verdict = group.pairs.judge(ignored, _is_near(group, outside))
        counts = (verdict >= 0).any(0)
        image = images.image_of_pose[group.pairs.by_score][counts]
        positives = np.bincount(images.image_of_person[~ignored], minlength=len(images.n_people))
        return ApTable(image.astype(np.int32), np.ascontiguousarray(verdict[:, counts]), positives)

    def joints_tables(self) -> dict[str, JointTable]:
        """Return for each joint the table of its mean similarity, exp(-d² / (2·(2σ)²·area)), over annotated people."""
        sums: list[tuple[Floats, Floats]] = []  # (K, N) of each group
        for group in self._groups:
            images, counted = group.pairs.images, ~group.pairs.images.ignored
            image, n_images = images.image_of_person[counted], len(images.n_people)
            visible = images.visible[counted].astype(float)
            alike = group.pairs.alike[counted] * visible
            hits, annotated = (
                np.array([np.bincount(image, of, n_images).astype(float) for of in side.T]) for side in (alike, visible)
            )
            sums.append((hits, annotated))
        hits, annotated = (np.sum(side, axis=0) for side in zip(*sums, strict=True))
        return dict(zip(self._joints, map(JointTable, hits, annotated), strict=True))

    def quality(self) -> Floats:
        """Return for each image (N,) the mean OKS of its people, 0 for a person without a pose; NaN without people."""
        image, oks = np.zeros(0, int), np.zeros(0)
        for group in self._groups:
            images, counted = group.pairs.images, ~group.pairs.images.ignored
            image = np.concatenate([image, images.image_of_person[counted]])
            oks = np.concatenate([oks, group.pairs.assigned[1][counted]])
        n_people = np.bincount(image, minlength=len(self._added))
        sums = np.bincount(image, oks, len(n_people))
        for crowded in np.flatnonzero(n_people >= 8).tolist():  # as NumPy adds up so many, and as it was published
            sums[crowded] = oks[image == crowded].sum()
        return np.divide(sums, n_people, out=np.full(len(sums), np.nan), where=n_people > 0)

    def confidences(self) -> tuple[Floats, Floats]:
        """Return the score and the largest OKS (D,) of each pose, without poses that fit an ignored person better."""
        scores, largest = [], []
        for group in self._groups:
            counted, ignored = group.pairs.largest
            keep = (counted >= 0) & (counted >= ignored)  # -1 where nobody counts
            scores.append(group.pairs.images.score[keep])
            largest.append(counted[keep])
        return np.concatenate(scores), np.concatenate(largest)


def _is_near(group: Group, others: Mask) -> Mask:
    """Return which poses (D,) of a group are nearest to somebody of `others` (G,)."""
    nearest = group.pairs.nearest
    is_near = nearest >= 0
    is_near[is_near] = others[nearest[is_near]]
    return is_near
