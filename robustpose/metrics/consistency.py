"""Consistency: how much the poses of a cell stay where they are on the clean images. No annotations are needed.

In an image, poses i on the clean one have scores w_i, and poses j in the cell scores v_j, negative ones taken as 0. OKS
of two of them is over all joints k, weighted by the confidence c_ik of the clean pose, on the scale of its area. Poses
are paired one to one so that the sum of (w_i + v_j) · OKS_ij is as large as can be; pairs below an OKS of 0.1 are none.

    consistency = Σ over pairs (w_i + v_j) · OKS_ij / (Σ over clean poses w_i + Σ over poses of the cell v_j)

with all sums over all images. It is 1 where nothing changes. Who is lost stays in the denominator with w_i, who comes
in addition with v_j; poses of low score count little on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.metrics.score_tables import JointTable
from robustpose.pose.protocols import Mask, Matches, Metric
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Poses, Truth

(NAME,) = HELD_AGAINST_CLEAN
LEAST_OKS = 0.1  # of a pair: below, it is not the same person
AREA_OF_BOX = 0.53  # a person's area as a part of a box, as in CrowdPose's evaluation: joints have no outline
FARTHEST = 1e9  # px: beyond, squares of what files may hold are no numbers
LEAST_SIDE = 0.25  # of the box around joints, as a part of its longer side: of who stands straight it has no width


class Consistency(Metric):
    """Compare the poses of a cell with those on the clean images, `Truth.clean_poses`, image by image.

    >>> import numpy as np
    >>> from robustpose import Skeleton
    >>> from robustpose.pose.types import Poses
    >>> arms = Skeleton("arms", ("left_wrist", "right_wrist"), limbs=(), sigmas=(0.062, 0.062))
    >>> clean = Poses("street", np.array([[[8.0, 4.0], [40.0, 44.0]]]), np.ones((1, 2)), np.array([0.9]))
    >>> metric = Consistency(arms)
    >>> metric.update(clean, take_as_truth(clean))
    >>> metric.compute()["consistency"]
    1.0
    """

    primary = NAME
    against_clean = True

    def __init__(self, skeleton: Skeleton) -> None:
        self._joints = skeleton.joints
        self._variances = (2 * np.asarray(skeleton.sigmas)) ** 2
        self._images: list[_Image] = []

    def update(self, poses: Poses, truth: Truth) -> None:
        assert truth.clean_poses is not None, "the poses on the clean images stand for the truth"
        self._images.append(_pair(truth.clean_poses, poses, truth.area, self._variances))

    def compute(self) -> dict[str, float]:
        """Return consistency; the mean OKS of pairs; who is lost and who is new, as parts of the sums of scores."""
        hits, possible, pairs, lost, clean, new, found = np.sum([of.sums for of in self._images], axis=0)
        return {
            NAME: _divide(hits, possible),
            "oks_of_pairs": _divide(hits, pairs),
            "lost": _divide(lost, clean),
            "new": _divide(new, found),
        }

    def matches(self) -> ConsistencyMatches:
        """Return who is paired with whom, for slices and resamples."""
        return ConsistencyMatches(self._joints, self._images)


@dataclass(frozen=True, eq=False)
class ConsistencyMatches(Matches):
    """The pairs of all images of a set."""

    joints: tuple[str, ...]  # K names
    images: Sequence[_Image]

    joint_figure = "mean keypoint similarity"

    def table(self, kept: Sequence[Mask] | None = None) -> JointTable:
        """Return the table of consistency: of everybody, or of the people in `kept`, a mask (N,) for each clean image.

        Who is only in the cell belongs to no slice.
        """
        sides = [of.weigh(None if kept is None else kept[number]) for number, of in enumerate(self.images)]
        return JointTable(*np.array(sides, float).reshape(-1, 2).T)

    def joints_tables(self) -> dict[str, JointTable]:
        """Return for each joint the table of its mean similarity, weighted by score and confidence; 0 for the lost."""
        sides = [np.array([getattr(of, side) for of in self.images]) for side in ("alike", "confident")]
        return {joint: JointTable(sides[0][:, k], sides[1][:, k]) for k, joint in enumerate(self.joints)}

    def quality(self) -> Floats:
        """Return the consistency of each image (N,); NaN without poses on either side."""
        return self.table().means()


@dataclass(frozen=True, eq=False)
class _Image:
    """N poses on a clean image and M in a cell, of which some are pairs."""

    clean_scores: Floats  # (N,) at least 0
    scores: Floats  # (M,) at least 0
    pair_of: npt.NDArray[np.integer]  # (N,) the pose in the cell, -1 for who is lost
    oks: Floats  # (N,) of the pair, 0 for who is lost
    alike: Floats  # (K,) sum over clean poses of score × confidence × similarity of each joint
    confident: Floats  # (K,) sum over clean poses of score × confidence

    @cached_property
    def both(self) -> Floats:
        """Return the score (N,) of each clean pose plus that of its pair."""
        return self.clean_scores + np.append(self.scores, 0.0)[self.pair_of]  # -1 takes the appended one

    def weigh(self, kept: Mask | None = None) -> tuple[float, float]:
        """Return numerator and denominator: of everybody, or of some of the clean poses (N,)."""
        weights = self.both if kept is None else self.both * kept
        new = self._new() if kept is None else 0.0
        # In this order, both sides are the same to the last bit where every OKS is 1.
        return float((weights * self.oks).sum()), float(weights.sum() + new)

    @property
    def sums(self) -> tuple[float, ...]:
        """Return numerator, denominator, and sums of scores: of pairs, the lost, clean poses, the new, the cell's."""
        is_lost = self.pair_of < 0
        in_pairs = float(self.both[~is_lost].sum())
        clean, found = float(self.clean_scores.sum()), float(self.scores.sum())
        return (*self.weigh(), in_pairs, float(self.clean_scores[is_lost].sum()), clean, self._new(), found)

    def _new(self) -> float:
        is_new = np.ones(len(self.scores), bool)
        is_new[self.pair_of[self.pair_of >= 0]] = False
        return float(self.scores[is_new].sum())


def take_as_truth(clean: Poses) -> Truth:
    """Return the poses on a clean image as what other poses are held against.

    A person's area is 0.53 times that of the box around the joints, whose shorter side is at least a quarter of the
    longer one, and at least 1 px.
    """
    n_people, n_joints = clean.confidence.shape
    low, high = (of(clean.xy, axis=1) if n_people else np.zeros((0, 2)) for of in (np.min, np.max))
    sides = np.clip(high, -FARTHEST, FARTHEST) - np.clip(low, -FARTHEST, FARTHEST)
    sides = np.maximum(sides, np.maximum(LEAST_SIDE * sides.max(1, keepdims=True, initial=0.0), 1.0))
    return Truth(
        image_id=clean.image_id,
        xy=clean.xy,
        visible=np.full((n_people, n_joints), 2),
        area=AREA_OF_BOX * sides.prod(1),
        boxes=np.concatenate([low, high], axis=1),
        crowd=np.zeros(n_people, bool),
        categories=clean.categories,
        clean_poses=clean,
    )


def weigh_people(poses: Poses) -> Floats:
    """Return how much each pose counts (N,): its score, 0 for a negative one."""
    return np.maximum(poses.score, 0.0)


def _pair(clean: Poses, found: Poses, areas: Floats, variances: Floats) -> _Image:
    scores, their_scores = weigh_people(clean), weigh_people(found)
    confidence = np.maximum(clean.confidence, 0.0)  # (N, K)
    confidence = np.where(confidence.any(1, keepdims=True), confidence, 1.0)
    xy, their_xy = (np.clip(of.xy, -FARTHEST, FARTHEST) for of in (clean, found))
    apart = ((xy[:, None] - their_xy[None]) ** 2).sum(-1)  # (N, M, K) px²
    alike = np.exp(-apart / variances / areas[:, None, None] / 2)
    # Subtracted from 1, so that the same pose has 1 to the last bit.
    lost = (confidence[:, None] * (1 - alike)).sum(-1) / confidence.sum(-1)[:, None]
    oks = np.clip(1 - lost, 0.0, 1.0)  # (N, M)
    if clean.categories is not None and found.categories is not None:
        oks = np.where(clean.categories[:, None] == found.categories[None], oks, 0.0)
    pair_of, oks_of = np.full(len(scores), -1), np.zeros(len(scores))
    people, poses = linear_sum_assignment(-oks * (scores[:, None] + their_scores[None])) if oks.size else ([], [])
    are_same = oks[people, poses] >= LEAST_OKS
    people, poses = np.asarray(people, int)[are_same], np.asarray(poses, int)[are_same]
    pair_of[people], oks_of[people] = poses, oks[people, poses]
    weights = scores[:, None] * confidence  # (N, K)
    of_joints = np.zeros_like(weights)
    of_joints[people] = weights[people] * alike[people, poses]
    return _Image(scores, their_scores, pair_of, oks_of, of_joints.sum(0), weights.sum(0))


def _divide(part: float, whole: float) -> float:
    """Return a part of a whole, 0..1; -1 where the whole is nothing."""
    return float(part / whole) if whole > 0 else -1.0
