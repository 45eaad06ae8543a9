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

    `sigmas` are the K OKS constants. `joints` are K names, for `matches`; by default their numbers.
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
        self._pairs.append((poses, truth))
        number = len(self._images) + 1  # the evaluator wants integer ids; images are renumbered in order of arrival
        self._images.append({"id": number})
        points = np.concatenate([truth.xy, truth.visible[:, :, None]], axis=2)  # (P, K, 3)
        for person, (x1, y1, x2, y2) in enumerate(truth.boxes.tolist()):
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "keypoints": points[person].ravel().tolist(),
                    "num_keypoints": int((truth.visible[person] > 0).sum()),
                    "area": float(truth.area[person]),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": int(truth.crowd[person]),
                }
            )
        self._results += [{**result, "image_id": number} for result in poses_to_results(poses)]

    def compute(self) -> dict[str, float]:
        """Return the ten figures, 0..1; -1 where nobody is there to be found (no person of that size)."""
        if not self._results:
            counted = any(a["num_keypoints"] and not a["iscrowd"] for a in self._annotations)
            return dict.fromkeys(FIGURES, 0.0 if counted else -1.0)
        # Imported here: the evaluator takes a while to load, and a report does not need it.
        from faster_coco_eval import COCO, COCOeval_faster

        categories = [{"id": 1, "name": "person"}]
        truth = COCO({"images": self._images, "annotations": self._annotations, "categories": categories})
        settings: dict[str, Any] = {"iouType": "keypoints", "kpt_oks_sigmas": self._sigmas}
        evaluator = COCOeval_faster(truth, truth.loadRes(self._results), **settings, print_function=lambda *_: None)
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
