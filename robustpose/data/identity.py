"""Identity of data: what determines a dataset with its truth and its metric, down to the code of somebody's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from robustpose import metrics, registry
from robustpose.changes import choose_states
from robustpose.contents import hash_some_images, hash_tensors
from robustpose.data.subset import DatasetAround
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Truth
from robustpose.states import MODULES, Known, is_somebodys, know, tabulate

OF_TRUTH = (
    "image_id",
    "xy",
    "visible",
    "area",
    "boxes",
    "crowd",
    "head_size",
    "categories",
    "crowd_index",
    "uncounted",
)


def identify_dataset(
    dataset: Dataset, truths: Iterable[Truth], with_pixels: bool = True
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what determines a dataset with its truth and its metric, and doubts about that.

    Of somebody's own, that is its code, and what it gave: annotations, the boxes of its frames, and the pixels of some
    images, unless nobody is going to look at them.
    """
    identity: dict[str, Any] = {**dataset.provenance, "metric": dataset.metric}
    doubts: tuple[str, ...] = ()
    known = _know_class(dataset)
    if known is not None:
        identity |= {
            "code": known.code,
            "state": known.whole_state,
            "annotated_sha256": _hash_truths(truths),
            "given_boxes_sha256": _hash_boxes(dataset),
        }
        if with_pixels:
            n_images = len(dataset)
            identity["pixels_sha256"] = hash_some_images(n_images, lambda index: dataset.frame(index).image)
        doubts += known.doubts
    if metrics.names_code(dataset.metric):
        known = _know_metric(dataset.metric)
        identity["metric_code"] = tabulate(known, dataset.metric)
        doubts += known.doubts
    return identity, doubts


def know_dataset(dataset: Dataset) -> tuple[dict[str, str], dict[str, str]]:
    """Return code and state of somebody's own dataset and metric."""
    of_class = _know_class(dataset)
    known = [of_class] if of_class is not None else []
    state = {name: digest for one in known for name, digest in one.state.items()}
    code = {name: digest for one in known for name, digest in one.code.items()}
    if metrics.names_code(dataset.metric):
        of_metric = _know_metric(dataset.metric)
        return {**code, **of_metric.code}, {**state, **choose_states(tabulate(of_metric, dataset.metric))}
    return code, state


def _know_class(dataset: Dataset) -> Known | None:
    """Return what is known of the class of a dataset, inside those around it; None for one of this package."""
    inner = dataset
    while isinstance(inner, DatasetAround) and not is_somebodys(inner):
        inner = inner.inner
    modules = getattr(inner, MODULES, ())
    if modules or is_somebodys(inner):
        return know(type(getattr(inner, "__wrapped__", inner)), *modules)
    return None


def _know_metric(name: str) -> Known:
    return know(registry.load(name), name.partition(":")[0])


def _hash_truths(truths: Iterable[Truth]) -> str:
    return hash_tensors(
        {
            f"{index}.{name}": str(value).encode() if name in ("image_id", "crowd_index") else value
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
            for name in ("boxes", "box_scores", "box_categories")
            if (value := getattr(frame, name)) is not None
        }
    )
