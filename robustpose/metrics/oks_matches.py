"""OKS matches: all poses compared with the annotated people once; figures, slices, joints and calibration follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from robustpose.metrics.all_images import AllImages, Whole, join_images
from robustpose.metrics.coco_figures import average_figures, find_figures
from robustpose.metrics.oks_kernels import variances_of
from robustpose.metrics.oks_pairs import OksPairs
from robustpose.metrics.score_tables import ApTable, JointTable, MeanTable
from robustpose.pose.cuts import Cut
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
        self._kept: Mask | None = None  # (P,) whom figures and tables are of; None for everybody

    def add(self, poses: Poses, truth: Truth) -> None:
        """Take in the poses of one image and its people."""
        self._added.append((poses, truth))
        for name in ("_images", "_groups"):  # of fewer images
            vars(self).pop(name, None)

    @cached_property
    def _images(self) -> AllImages:
        images = join_images(self._added, len(self._joints))
        return images.round() if self._is_rounded else images

    @cached_property
    def _groups(self) -> list[Group]:
        images = self._images
        everybody = np.ones(len(images.crowd), bool)
        if images.category is None or images.true_category is None or not len(everybody):
            return [self._compare(images, everybody)]
        groups = []
        for category in np.unique(images.true_category):
            own = images.true_category == category
            groups.append(self._compare(images.choose(images.category == category, own), own))
        return groups

    def _compare(self, images: AllImages, people: Mask) -> Group:
        pairs = OksPairs(images.keep_best(MAX_PEOPLE), variances_of(self._sigmas))
        return Group(pairs, np.flatnonzero(people))

    def restrict(self, cut: Cut) -> OksMatches:
        """Return the comparison of what is cut out alone, as if there were nothing else.

        Of a category, where poses do not say theirs: what `table` says of a slice.
        """
        images, joints = self._images, range(len(self._joints)) if cut.joints is None else cut.joints
        alone = OksMatches([self._joints[joint] for joint in joints], self._sigmas[list(joints)])
        poses, people = np.ones(len(images.score), bool), np.ones(len(images.crowd), bool)
        if cut.images is not None:
            poses, people = cut.images[images.image_of_pose], cut.images[images.image_of_person]
        if cut.category is not None:
            own = people & (images.true_category == cut.category)
            if images.category is None:
                alone._kept = own[people]
            else:
                poses, people = poses & (images.category == cut.category), own
        chosen = images if poses.all() and people.all() else images.choose(poses, people)
        vars(alone)["_images"] = chosen if cut.joints is None else chosen.choose_joints(joints)
        return alone

    def figures(self) -> dict[str, float]:
        """Return COCO's ten figures: see `robustpose.metrics.coco_figures`. Of several categories, their means."""
        found = []
        for group in self._groups:
            outside = _find_outside(group, self._kept)
            found.append(find_figures(group.pairs, outside, _is_near(group, outside)))
        return found[0] if len(found) == 1 else average_figures(found)

    def table(self, kept: Sequence[Mask] | None = None) -> ApTable | MeanTable:
        """Return the table of AP: of everybody, or of the people in `kept`, a mask (G,) for each image: a slice.

        In a slice, people outside it are ignored, as COCO ignores people of another size. So is a wrong pose whose
        nearest person, with an OKS of at least 0.1, is outside it. A wrong pose near nobody counts in every slice.
        """
        chosen = self._kept if kept is None else np.concatenate(kept)
        tables = [self._table_of(group, _find_outside(group, chosen)) for group in self._groups]
        return tables[0] if len(tables) == 1 else MeanTable(tuple(tables))

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
        n_people = np.bincount(image, minlength=len(self._images.n_people))
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


def _find_outside(group: Group, kept: Mask | None) -> Mask:
    """Return who (G,) of a group is not among those kept (P,) of all groups."""
    return np.zeros(len(group.people), bool) if kept is None else ~kept[group.people]


def _is_near(group: Group, others: Mask) -> Mask:
    """Return which poses (D,) of a group are nearest to somebody of `others` (G,)."""
    nearest = group.pairs.nearest
    is_near = nearest >= 0
    is_near[is_near] = others[nearest[is_near]]
    return is_near
