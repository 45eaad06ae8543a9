"""OKS matches: all poses compared with the annotated people once; AP, its slices, joints and calibration follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from robustpose.metrics.oks_kernels import EPS, compare_people, match_people, variances_of
from robustpose.metrics.score_tables import ApTable, JointTable
from robustpose.pose.protocols import Mask, Matches
from robustpose.pose.types import Floats, Poses, Truth

THRESHOLDS = np.linspace(0.5, 0.95, 10)
MAX_PEOPLE = 20  # poses of an image that count, best score first
OF_SOMEBODY = 0.1  # OKS from which a pose, right or wrong, is taken to be of a person


@dataclass(frozen=True, eq=False)
class _Image:
    score: Floats  # (D,), falling
    oks: Floats  # (D, G) of each pose and person
    ignored: Mask  # (G,) people who do not count
    crowd: Mask  # (G,)
    alike: Floats  # (G, K) similarity of each joint of the pose that is assigned to a person; 0 without a pose
    visible: Mask  # (G, K)
    assigned_oks: Floats  # (G,) of the pose that is assigned to a person; 0 without a pose


class OksMatches(Matches):
    """Which poses fit which annotated people, in all images of a set, by the K OKS constants `sigmas`."""

    joint_figure = "mean keypoint similarity"

    def __init__(self, joints: Sequence[str], sigmas: Sequence[float] | Floats) -> None:
        self._joints = tuple(joints)
        self._variances = variances_of(np.asarray(sigmas))
        self._images: list[_Image] = []

    def add(self, poses: Poses, truth: Truth) -> None:
        """Compare the poses of one image with its people."""
        best = np.argsort(-poses.score, kind="stable")[:MAX_PEOPLE]
        xy, true_xy = poses.xy[best].astype(float), truth.xy.astype(float)
        visible = truth.visible > 0
        areas = truth.area.astype(float)
        oks = compare_people(xy, true_xy, visible, truth.boxes.astype(float), areas, self._variances)
        ignored = ~truth.counted
        alike, assigned_oks = np.zeros(visible.shape), np.zeros(len(visible))
        counted = np.flatnonzero(~ignored)
        for pose, place in zip(*linear_sum_assignment(-oks[:, counted]), strict=True):
            person = counted[place]
            apart = ((xy[pose] - true_xy[person]) ** 2).sum(-1)  # (K,) px²
            alike[person] = np.exp(-apart / self._variances / (areas[person] + EPS) / 2)
            assigned_oks[person] = oks[pose, person]
        self._images.append(
            _Image(poses.score[best], oks, ignored, truth.crowd.astype(bool), alike, visible, assigned_oks)
        )

    def table(self, kept: Sequence[Mask] | None = None) -> ApTable:
        """Return the table of AP: of everybody, or of the people in `kept`, a mask (G,) for each image: a slice.

        In a slice, people outside it are ignored, as COCO ignores people of another size. So is a wrong pose whose
        nearest person, with an OKS of at least 0.1, is outside it. A wrong pose near nobody counts in every slice.
        """
        verdicts, positives = [], []
        for number, image in enumerate(self._images):
            ignored = image.ignored if kept is None else image.ignored | ~kept[number]
            matches = match_people(image.oks, ignored, image.crowd, THRESHOLDS)  # (T, D)
            verdict = (matches >= 0).astype(np.int8)
            if len(ignored):
                verdict[(matches >= 0) & ignored[matches]] = -1
                if kept is not None:
                    somebody = np.where(image.crowd, -1.0, image.oks)
                    of = somebody.argmax(1)
                    elsewhere = (somebody[np.arange(len(of)), of] >= OF_SOMEBODY) & ~kept[number][of]
                    verdict[(matches < 0) & elsewhere] = -1
            verdicts.append(verdict)
            positives.append(np.count_nonzero(~ignored))
        score, image_of = self._scores()
        order = np.argsort(-score, kind="stable")
        verdict = np.concatenate(verdicts, 1)[:, order] if verdicts else np.zeros((len(THRESHOLDS), 0), np.int8)
        counts = (verdict >= 0).any(0)
        return ApTable(
            image_of[order][counts].astype(np.int32), np.ascontiguousarray(verdict[:, counts]), np.array(positives)
        )

    def joints_tables(self) -> dict[str, JointTable]:
        """Return for each joint the table of its mean similarity, exp(-d² / (2·(2σ)²·area)), over annotated people."""
        hits = [((i.alike * i.visible)[~i.ignored]).sum(0) for i in self._images]
        annotated = [i.visible[~i.ignored].sum(0) for i in self._images]
        return {
            joint: JointTable(np.array([of[k] for of in hits]), np.array([of[k] for of in annotated]))
            for k, joint in enumerate(self._joints)
        }

    def quality(self) -> Floats:
        """Return for each image (N,) the mean OKS of its people, 0 for a person without a pose; NaN without people."""
        return np.array([i.assigned_oks[~i.ignored].mean() if not i.ignored.all() else np.nan for i in self._images])

    def confidences(self) -> tuple[Floats, Floats]:
        """Return the score and the largest OKS (D,) of each pose, without poses that fit an ignored person better."""
        pairs = []
        for image in self._images:
            if image.ignored.all():
                continue
            best = image.oks[:, ~image.ignored].max(1)
            ignored = image.oks[:, image.ignored].max(1, initial=0.0)
            keep = best >= ignored
            pairs.append((image.score[keep], best[keep]))
        scores, similarities = zip(*pairs, strict=True) if pairs else ([np.zeros(0)], [np.zeros(0)])
        return np.concatenate(scores), np.concatenate(similarities)

    def _scores(self) -> tuple[Floats, npt.NDArray[np.integer]]:
        if not self._images:
            return np.zeros(0), np.zeros(0, int)
        score = np.concatenate([image.score for image in self._images])
        return score, np.repeat(np.arange(len(self._images)), [len(image.score) for image in self._images])
