"""Identity of data: what determines a dataset with its truth and its metric, down to the code of somebody's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from robustpose import metrics, registry
from robustpose.contents import hash_tensors
from robustpose.data.subset import DatasetAround
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Truth
from robustpose.states import MODULES, is_somebodys, know

OF_TRUTH = ("image_id", "xy", "visible", "area", "boxes", "crowd", "head_size")


def identify_dataset(dataset: Dataset, truths: Iterable[Truth]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what determines a dataset with its truth and its metric, and doubts about that.

    Of somebody's own, that is its code, and what it gave: annotations, and the boxes of its frames.
    """
    identity: dict[str, Any] = {**dataset.provenance, "metric": dataset.metric}
    doubts: tuple[str, ...] = ()
    inner = dataset
    while isinstance(inner, DatasetAround) and not is_somebodys(inner):
        inner = inner.inner
    modules = getattr(inner, MODULES, ())
    if modules or is_somebodys(inner):
        known = know(type(getattr(inner, "__wrapped__", inner)), *modules)
        identity |= {
            "code": known.code,
            "annotated_sha256": _hash_truths(truths),
            "given_boxes_sha256": _hash_boxes(dataset),
        }
        doubts += known.doubts
    if metrics.names_code(dataset.metric):
        known = know(registry.load(dataset.metric), dataset.metric.partition(":")[0])
        identity["metric_code"] = known.code
        doubts += known.doubts
    return identity, doubts


def _hash_truths(truths: Iterable[Truth]) -> str:
    return hash_tensors(
        {
            f"{index}.{name}": str(value).encode() if name == "image_id" else value
            for index, truth in enumerate(truths)
            for name in OF_TRUTH
            if (value := getattr(truth, name)) is not None
        }
    )


def _hash_boxes(dataset: Dataset) -> str:
    frames = (dataset.frame(index) for index in range(len(dataset)))
    return hash_tensors(
        {
            f"{index}.{name}": value
            for index, frame in enumerate(frames)
            for name in ("boxes", "box_scores")
            if (value := getattr(frame, name)) is not None
        }
    )
