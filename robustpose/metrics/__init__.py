"""Metrics: poses and truth in, figures out. A metric is a `robustpose.pose.protocols.Metric`.

A row of `TABLE` makes a fresh one for a skeleton; what follows the colon of a metric's name is its second argument.
"""

from __future__ import annotations

import inspect
from contextlib import suppress

from robustpose import registry
from robustpose.blame import blaming
from robustpose.errors import UserError
from robustpose.pose.protocols import Metric, adopt
from robustpose.pose.skeletons import Skeleton

TABLE: dict[str, str] = {
    "coco_ap": "robustpose.metrics.coco_ap:make",
    "pckh": "robustpose.metrics.pckh:PCKh",
    "pck": "robustpose.metrics.pck:make",
    "consistency": "robustpose.metrics.consistency:Consistency",
}
# Which figure of each is the score that counts, for what reads results and makes no metric.
SCORES: dict[str, str] = {"coco_ap": "AP", "pckh": "PCKh", "pck": "PCK", "consistency": "consistency"}
DESCRIPTIONS: dict[str, str] = {
    "coco_ap": "COCO keypoint AP and AR, OKS .50:.05:.95",
    "pckh": "MPII's PCKh@0.5",
    "consistency": "how much poses stay where they are on the clean images, no annotations needed",
    "pck:NORMALIZER@T": "share of joints within T times head_size, box, or a limb such as left_hip-right_shoulder",
}


BY_HEAD_SIZE = ("pckh", "pck:head_size")  # how the names of those begin that need the sizes of heads
WITHOUT_SIGMAS = ("pck", "pckh")


def names_code(name: str) -> bool:
    """Return whether the name of a metric is that of somebody's own code, ``package.module:attr``."""
    return name.partition(":")[0] not in TABLE


def needs_sigmas(name: str) -> bool:
    """Return whether a metric holds poses against sigmas; somebody's own may."""
    return name.partition(":")[0] not in WITHOUT_SIGMAS


def spell_in_full(name: str) -> str:
    """Return a metric's name with what it leaves out: equal for what is the same metric.

    >>> spell_in_full("pck"), spell_in_full("pck:box@.20"), spell_in_full("coco_ap")
    ('pck:head_size@0.5', 'pck:box@0.2', 'coco_ap')
    """
    kind, _, argument = name.partition(":")
    if kind != "pck":
        return name
    from robustpose.metrics import pck  # scipy, which light commands do without

    with suppress(UserError):  # of a file that says something else
        return f"{kind}:{pck.spell_in_full(argument)}"
    return name


def make_metric(name: str, skeleton: Skeleton) -> Metric:
    """Return a fresh metric for the skeleton of a dataset; not every metric is for every one.

    `name` is a row of `TABLE`, perhaps with an argument, such as ``pck:head_size@0.5``; or ``package.module:attr``: a
    function of the skeleton.
    """
    kind, colon, argument = name.partition(":")
    if names_code(name):
        make = registry.load(name, TABLE, kind="metric")
        with blaming(f"metric '{name}'", "a function of the skeleton"):
            made = make(skeleton)
        return adopt(made, Metric, f"metric '{name}'")
    make = registry.load(kind, TABLE)
    if colon and len(inspect.signature(make).parameters) < 2:
        raise UserError(f"metric '{kind}' takes no '{argument}' after a colon")
    return make(skeleton, argument) if colon else make(skeleton)
