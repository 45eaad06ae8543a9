"""PCK: the share of annotated joints found within a part of a person's size, for any skeleton.

Yang and Ramanan, TPAMI 2013, normalise by the box; MPII's PCKh by the head; LSP by the torso.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from robustpose.errors import UserError, nearest
from robustpose.metrics.score_tables import JointTable
from robustpose.pose.cuts import Cut
from robustpose.pose.protocols import Mask, Matches, Metric
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Poses, Truth

DEFAULT = "head_size@0.5"


class PCK(Metric):
    """Collect joints image by image, then compute their shares.

    Poses that say which person they answer (`Poses.truth_rows`) are held against that person. Others are assigned, one
    to one, so that as many joints as possible are right, the smaller distances deciding where that leaves a choice. A
    person without a pose has found none of its joints. People without a normaliser are left out.

    Args:
        skeleton: names the K joints.
        normalizer: ``head_size`` (of the annotation), ``box`` (its longer side), or a limb ``JOINT-JOINT``.
        threshold: a joint is right within this many normalisers.
    """

    primary = "PCK"
    one_pose_per_box = True
    not_in_mean: tuple[str, ...] = ()  # joints that the primary figure leaves out

    def __init__(self, skeleton: Skeleton, normalizer: str = "head_size", threshold: float = 0.5) -> None:
        self._joints = skeleton.joints
        self._normalizer = normalizer
        self._threshold = threshold
        self._limb = None if normalizer in ("head_size", "box") else _find_limb(normalizer, skeleton.joints)
        self._distances: list[Floats] = []  # (N, K) in normalisers, one array an image
        self._visible: list[Mask] = []
        self._rows: list[npt.NDArray[np.integer]] = []
        self._categories: list[npt.NDArray[np.integer] | None] = []

    def update(self, poses: Poses, truth: Truth) -> None:
        sizes = self._find_sizes(truth)  # (N,) px
        visible = (truth.visible > 0) & truth.counted[:, None]
        counted = visible.any(1) & (sizes > 0)
        rows = np.flatnonzero(counted)
        # (M, N, K): every pose against every counted person
        apart = np.linalg.norm(poses.xy[:, None] - truth.xy[None, rows], axis=-1) / sizes[rows, None]
        answers = _match(poses, rows, apart, visible[rows], self._threshold)
        distances = np.full((len(rows), len(self._joints)), np.inf)
        for row, pose in answers.items():
            distances[row] = apart[pose, row]
        self._distances.append(distances)
        self._visible.append(visible[rows])
        self._rows.append(rows)
        self._categories.append(None if truth.categories is None else truth.categories[rows])

    def compute(self) -> dict[str, float]:
        """Return PCK over all annotated joints, and that of each joint, 0..1; -1 where none is annotated."""
        if not self._distances:
            return {"PCK": -1.0, **dict.fromkeys(self._joints, -1.0)}
        distances, visible = np.concatenate(self._distances), np.concatenate(self._visible)
        shares, counts = share_within(distances, visible, self._threshold)
        total = counts.sum()
        mean = float((shares[counts > 0] * counts[counts > 0]).sum() / total) if total else -1.0
        joints = zip(self._joints, shares, counts, strict=True)
        return {"PCK": mean, **{joint: float(share) if count else -1.0 for joint, share, count in joints}}

    def matches(self) -> PckMatches:
        """Return which joints are right, for slices and resamples."""
        right = [(d <= self._threshold) & v for d, v in zip(self._distances, self._visible, strict=True)]
        in_mean = np.array([joint not in self.not_in_mean for joint in self._joints])
        return PckMatches(tuple(self._joints), self._rows, self._visible, right, in_mean, self._categories)

    def _find_sizes(self, truth: Truth) -> Floats:
        if self._limb is not None:
            first, second = self._limb
            both = (truth.visible[:, [first, second]] > 0).all(1)
            return np.where(both, np.linalg.norm(truth.xy[:, first] - truth.xy[:, second], axis=-1), 0.0)
        if self._normalizer == "box":
            return (truth.boxes[:, 2:] - truth.boxes[:, :2]).max(1, initial=0.0)
        if truth.head_size is None:
            if not len(truth.xy):
                return np.zeros(0)
            raise UserError(
                f"image {truth.image_id} has no head sizes in its annotations (MPII's are in annot/gt_valid.mat): "
                "choose another normaliser, such as --metric pck:box@0.2, or a limb: --metric pck:JOINT-JOINT@0.5"
            )
        return truth.head_size


@dataclass(frozen=True, eq=False)
class PckMatches(Matches):
    """Which annotated joints are found, in all images of a set."""

    joints: tuple[str, ...]  # K names
    rows: Sequence[npt.NDArray[np.integer]]  # for each image, the people (P,) who count, as rows of its truth
    visible: Sequence[Mask]  # masks (P, K), one for each image: annotated joints
    right: Sequence[Mask]  # masks (P, K), one for each image: annotated joints that are near enough
    in_mean: Mask  # (K,) joints that PCK is the mean over
    categories: Sequence[npt.NDArray[np.integer] | None]  # (P,) of these people, one for each image; None for one

    joint_figure = "PCK"

    def table(self, kept: Sequence[Mask] | None = None) -> JointTable:
        """Return the table of PCK: of everybody, or of the people in `kept`, a mask (G,) for each image."""
        sides = []
        for all_joints in (self.right, self.visible):
            chosen = (
                all_joints if kept is None else [a[k[r]] for a, k, r in zip(all_joints, kept, self.rows, strict=True)]
            )
            sides.append(np.array([joints[:, self.in_mean].sum() for joints in chosen], float))
        return JointTable(*sides)

    def restrict(self, cut: Cut) -> PckMatches:
        """Return which joints of what is cut out are found. Who answers whom stays as it is."""
        chosen = [
            np.ones(len(rows), bool) if cut.category is None or of is None else of == cut.category
            for rows, of in zip(self.rows, self.categories, strict=True)
        ]
        if cut.images is not None:
            chosen = [people & is_in for people, is_in in zip(chosen, cut.images, strict=True)]
        in_mean = self.in_mean
        if cut.joints is not None:
            in_mean = np.zeros(len(self.joints), bool)
            in_mean[list(cut.joints)] = True

        def cut_out(values: Sequence[npt.NDArray[Any] | None]) -> list[Any]:
            return [None if of is None else of[people] for of, people in zip(values, chosen, strict=True)]

        rows, visible, right = map(cut_out, (self.rows, self.visible, self.right))
        return PckMatches(self.joints, rows, visible, right, in_mean, cut_out(self.categories))

    def joints_tables(self) -> dict[str, JointTable]:
        """Return for each joint the table of its PCK."""
        sides = [np.array([joints.sum(0) for joints in side], float) for side in (self.right, self.visible)]
        return {joint: JointTable(sides[0][:, k], sides[1][:, k]) for k, joint in enumerate(self.joints)}

    def quality(self) -> Floats:
        """Return for each image (N,) the part of its annotated joints that are right; NaN where none is annotated."""
        return self.table().means()


def share_within(distances: Floats, visible: Mask, threshold: float) -> tuple[Floats, npt.NDArray[np.integer]]:
    """Return for each joint the share (K,) of `distances` (N, K) up to `threshold`, and how many (K,) were visible."""
    counts = visible.sum(0)
    right = ((distances <= threshold) & visible).sum(0)
    return right / np.maximum(counts, 1), counts


def _match(
    poses: Poses, rows: npt.NDArray[np.integer], apart: Floats, visible: Mask, threshold: float
) -> dict[int, int]:
    """Return which pose answers which of the counted people."""
    if poses.truth_rows is not None:
        place = {int(row): i for i, row in enumerate(rows)}
        answers: dict[int, int] = {}
        for pose, row in enumerate(poses.truth_rows.tolist()):
            if row in place:
                answers.setdefault(place[row], pose)
        return answers
    if not len(poses.xy) or not len(rows):
        return {}
    right = ((apart <= threshold) & visible).sum(-1)  # (M, N)
    mean = np.where(visible, apart, 0).sum(-1) / visible.sum(-1)
    nearness = mean / (1 + mean) / (2 * len(rows))  # of all people together less than half a joint
    found, people = linear_sum_assignment(-right + nearness)
    return {int(person): int(pose) for pose, person in zip(found, people, strict=True)}


def make(skeleton: Skeleton, argument: str = "") -> PCK:
    """Return the metric of an argument such as ``head_size@0.5``."""
    return PCK(skeleton, *_parse(argument))


def spell_in_full(argument: str = "") -> str:
    """Return an argument with what it leaves out; equal for what is the same metric.

    >>> spell_in_full(), spell_in_full("box@.20"), spell_in_full("right_hip-left_hip")
    ('head_size@0.5', 'box@0.2', 'left_hip-right_hip@0.5')
    """
    normalizer, threshold = _parse(argument)
    return f"{'-'.join(sorted(normalizer.split('-')))}@{threshold:g}"


def _parse(argument: str) -> tuple[str, float]:
    normalizer, at, text = (argument or DEFAULT).partition("@")
    try:
        threshold = float(text) if at else 0.5
    except ValueError as error:
        raise UserError(f"the threshold of pck must be a number, got '{text}'") from error
    if not (math.isfinite(threshold) and threshold > 0):
        raise UserError(f"the threshold of pck must be above 0, got {text}")
    return normalizer, threshold


def _find_limb(normalizer: str, joints: Sequence[str]) -> tuple[int, int]:
    first, dash, second = normalizer.partition("-")
    for joint in (first, second) if dash else (normalizer,):
        if not dash or joint not in joints:
            raise UserError(
                f"pck is normalised by head_size, box or a limb JOINT-JOINT, got '{normalizer}'"
                f"{nearest(joint, joints)}: the joints are {', '.join(joints)}"
            )
    return joints.index(first), joints.index(second)
