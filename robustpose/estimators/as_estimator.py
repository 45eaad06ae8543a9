"""A network in memory as an estimator, by its family: for evaluations during training."""

from __future__ import annotations

from torch import nn

from robustpose.estimators.field_network import as_field_callable
from robustpose.estimators.fields import FieldEstimator
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.running.backends import as_callable, as_image_callable
from robustpose.estimators.tags import TagEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import Skeleton


def as_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton
) -> HeatmapEstimator | TagEstimator | FieldEstimator:
    """Return the estimator of a network, in single precision, where the network is; with mirror test, if it has one.

    Args:
        network: its weights are copied.
        input_spec: what it expects.
        skeleton: names of its joints.
    """
    if input_spec.family == "heatmaps":
        return HeatmapEstimator(as_callable(network), input_spec, skeleton)
    if input_spec.family == "fields":
        return FieldEstimator(as_field_callable(network), input_spec, skeleton)
    return TagEstimator(as_image_callable(network), input_spec, skeleton)
