"""A network in memory as an estimator, by its family: for evaluations during training."""

from __future__ import annotations

from torch import nn

from robustpose.estimators.backends import as_callable, as_image_callable
from robustpose.estimators.bottomup import BottomUp
from robustpose.estimators.field_network import as_field_callable
from robustpose.estimators.pifpaf import PifPafEstimator
from robustpose.estimators.topdown import TopDown
from robustpose.models.card import ModelCard
from robustpose.pose.skeleton import Skeleton


def as_estimator(network: nn.Module, card: ModelCard, skeleton: Skeleton) -> TopDown | BottomUp | PifPafEstimator:
    """Return the estimator of a network, in single precision, where the network is; with mirror test, if it has one.

    Args:
        network: its weights are copied.
        card: what it expects.
        skeleton: names of its joints.
    """
    if card.family == "topdown":
        return TopDown(as_callable(network), card, skeleton)
    if card.family == "fields":
        return PifPafEstimator(as_field_callable(network), card, skeleton)
    return BottomUp(as_image_callable(network), card, skeleton)
