"""The small network that comes with robustpose, trained on drawn people (recipe `demo`)."""

from __future__ import annotations

from robustpose.errors import UserError
from robustpose.estimators import heatmaps
from robustpose.estimators.adapting.options import AdaptOptions
from robustpose.estimators.options import HeatmapOptions
from robustpose.pose.shared_joints import make_own_skeleton
from robustpose.pose.skeletons import COCO, Skeleton


class Options(AdaptOptions, HeatmapOptions):
    """Options of the demo, which runs on the CPU."""


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> heatmaps.HeatmapEstimator:
    """Return the estimator of the demo network, of COCO's joints; there is one, so `target` is empty."""
    from robustpose.models import DEMO

    if target:
        raise UserError(f"the demo network brings its own weights: write {name}, or small:{target}")
    make_own_skeleton(COCO.joints, skeleton, f"model '{name}'")
    on_cpu = heatmaps.Options(**options.model_dump(exclude_unset=True), device="cpu")
    return heatmaps.build("small", str(DEMO), skeleton, on_cpu)
