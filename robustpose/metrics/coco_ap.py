"""COCO keypoint AP and AR: the ten figures of the COCO evaluation, for any skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from robustpose.pose.protocols import Metric
from robustpose.pose.results_json import poses_to_results, round_poses
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Poses, Truth

if TYPE_CHECKING:
    from robustpose.metrics.oks_matches import OksMatches

FIGURES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


class CocoAP(Metric):
    """Collect poses and truth image by image, then compute AP at OKS .50:.05:.95, at most 20 people an image.

    Args:
        sigmas: K OKS constants.
        joints: K names, which `matches` tells apart; by default their numbers.
    """

    primary = "AP"

    def __init__(self, sigmas: Sequence[float], joints: Sequence[str] | None = None) -> None:
        self._sigmas = np.asarray(sigmas, float)
        self._joints = joints if joints is not None else [str(k) for k in range(len(sigmas))]
        self._pairs: list[tuple[Poses, Truth]] = []
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._results: list[dict[str, Any]] = []

    def update(self, poses: Poses, truth: Truth) -> None:
        """Take in one image."""
        self._pairs.append((poses, truth))
        number = len(self._images) + 1  # the evaluator wants integer ids; images are renumbered in order of arrival
        self._images.append({"id": number})
        for person in range(len(truth.xy)):
            visible = truth.visible[person]
            points = np.concatenate([truth.xy[person], visible[:, None]], axis=1)
            x1, y1, x2, y2 = truth.boxes[person].tolist()
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "keypoints": points.ravel().tolist(),
                    "num_keypoints": int((visible > 0).sum()),
                    "area": float(truth.area[person]),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": int(truth.crowd[person]),
                }
            )
        for result in poses_to_results(poses):
            self._results.append({**result, "image_id": number})

    def compute(self) -> dict[str, float]:
        """Return the ten figures, 0..1; -1 where nobody is there to be found (no person of that size)."""
        if not self._results:
            counted = any(a["num_keypoints"] and not a["iscrowd"] for a in self._annotations)
            return dict.fromkeys(FIGURES, 0.0 if counted else -1.0)
        # Imported here: the evaluator takes a while to load, and a report does not need it.
        from faster_coco_eval import COCO, COCOeval_faster

        truth = COCO(
            {"images": self._images, "annotations": self._annotations, "categories": [{"id": 1, "name": "person"}]}
        )
        found = truth.loadRes(self._results)
        evaluator = COCOeval_faster(
            truth, found, iouType="keypoints", kpt_oks_sigmas=self._sigmas, print_function=_discard
        )
        evaluator.run()
        return dict(zip(FIGURES, (float(value) for value in evaluator.stats[:10]), strict=True))

    def matches(self) -> OksMatches:
        """Return poses and people held against each other, for slices and resamples."""
        from robustpose.metrics.oks_matches import OksMatches

        matches = OksMatches(self._joints, self._sigmas)
        for poses, truth in self._pairs:
            matches.add(round_poses(poses), truth)
        return matches


def make(skeleton: Skeleton) -> CocoAP:
    """Return the metric for a skeleton's OKS sigmas."""
    return CocoAP(skeleton.sigmas, skeleton.joints)


def _discard(*_: object) -> None:
    """Take what the evaluator would print."""
